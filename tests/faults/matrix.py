"""The kill matrix: every place of a run's life, what can go wrong there, and what is left of it afterwards.

    python -m tests.faults.matrix --table                  all cases; writes docs/kill-matrix.md
    python -m tests.faults.matrix --sample 40 --seed 1     some of each stratum
    python -m tests.faults.matrix --only 'api-*/killed-*'  those whose names match

Results are lines of JSON in FOLDER/results.jsonl; a case that is there already is not played again, so the command may
be stopped and repeated. Exits 1 when something did not hold. Linux; some cases need root.
"""

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.faults import cases, table

ROOT = Path(__file__).resolve().parents[2]
NEEDED_JOBS = ("__init__", "atomic", "parameters")


def main(argv=None):
    given = _arguments(argv)
    given.into.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="kill matrix "))
    try:
        rows = play(given, checkout(scratch / "checkout"), scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if given.table:
        print(table.write(rows))
    wrong = [row for row in rows if row["outcome"] == "violated"]
    for row in wrong:
        print(row["case"], *row["violations"], sep="\n    ")
    print(f"{len(rows)} cases, {len(wrong)} of them violated")
    return bool(wrong)


def _arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=ROOT / "runs/.kill-matrix", help="folder of the results")
    parser.add_argument("--lanes", type=int, default=3, help="how many are played at once; each mostly waits")
    parser.add_argument("--sample", type=int, default=0, help="so many, of each stratum as many as of any other")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--only", action="append", default=[], help="a shell pattern that names must match")
    parser.add_argument("--table", action="store_true", help="write docs/kill-matrix.md from the results")
    parser.add_argument("--say", action="store_true", help="keep what the commands said, not only of what did not hold")
    parser.add_argument("--list", action="store_true", help="only print the names")
    return parser.parse_args(argv)


def checkout(path):
    """A copy of this checkout with the counting job; of its other jobs nothing travels along."""
    from tests.life import checkout as checkouts

    made = checkouts.make(path)
    for job in (made.path / "jobs").glob("*.py"):
        if job.stem not in NEEDED_JOBS:
            job.unlink()
    shutil.copy(Path(__file__).with_name("count.py"), made.path / "jobs/count.py")
    return made.path


def play(given, copy, scratch):
    """The rows of all cases that were asked for: played now, or found in the results."""
    first = Lane(copy, scratch / "lane-0", given.say)
    chosen = cases.matching(cases.playable(cases.cross(first.ask("record"))), given.only)
    if given.sample:
        chosen = cases.sample(chosen, given.sample, given.seed)
    if given.list:
        print(*(case.name for case in chosen), sep="\n")
        first.close()
        return []
    results = Results(given.into / "results.jsonl", {case.name for case in chosen}, state_of_the_code())
    waiting = queue.SimpleQueue()
    for case in chosen:
        if case.name not in results.rows:
            waiting.put(case)
    lanes = [first, *(Lane(copy, scratch / f"lane-{number}", given.say) for number in range(1, given.lanes))]
    threads = [threading.Thread(target=_drive, args=(lane, waiting, results)) for lane in lanes]
    for thread in threads:
        thread.start()
    _wait(threads, waiting)
    return [results.rows[case.name] for case in chosen if case.name in results.rows]


def _wait(threads, waiting):
    """Until all lanes have ended. A Ctrl-C or SIGTERM lets them end the case that they are at, and tidy up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        while not waiting.empty():
            waiting.get()
        for thread in threads:
            thread.join()


def _drive(lane, waiting, results):
    """Give a lane one case after the other."""
    while True:
        try:
            case = waiting.get_nowait()
        except queue.Empty:
            return lane.close()
        row = lane.ask(case.as_dict())
        results.add(row)
        print(f"{len(results.rows):5}  {row['outcome']:<12}{row['case']}  {' '.join(row['commands'])}", flush=True)


class Lane:
    """A process of lane.py."""

    def __init__(self, copy, folder, say):
        folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lane", folder, *(["say"] if say else [])],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": f"{copy}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,  # a Ctrl-C is not for it
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question):
        """The answer to a case or to "record". Raises RuntimeError when the lane has died."""
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the lane died of {question}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def state_of_the_code():
    """The commit that is played, with "-dirty" when the tree has changes; "unknown" outside a clone."""
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.strip() or "unknown"


class Results:
    """The rows of the cases so far, in a file that outlives this process. wanted: names; rows of others stay there.

    code: what the new rows were played on.
    """

    def __init__(self, path, wanted, code):
        self.path, self.code, self.lock = path, code, threading.Lock()
        lines = path.read_text().splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines]
        self.rows = {row["case"]: row for row in rows if row["case"] in wanted}

    def add(self, row):
        with self.lock:
            self.rows[row["case"]] = row | {"code": self.code}
            with self.path.open("a") as file:
                file.write(json.dumps(self.rows[row["case"]]) + "\n")


if __name__ == "__main__":
    sys.exit(main())
