"""The folder of a run: its record, its lock, and where its files lie. EC2's tags are the truth; this is the log.

runs/<job>-<YYYYMMDD>-<HHMMSS>-<4 hex>/
    run.json      what was asked for, and each thing that exists because of it, written before it is made
    id_ed25519    the key that opens the instance; known_hosts pins the key by which the instance proves itself
    log           what the job printed, byte for byte
    out/          what the job wrote, verified
"""

import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
import re
import secrets
from pathlib import Path

from remote.errors import Busy, NotFound, Usage

RUN_ID = re.compile(r"(?P<job>[a-z][a-z0-9_]*)-(?P<time>\d{8}-\d{6})-[0-9a-f]{4}")


@dataclasses.dataclass
class Run:
    """What is known of one run. Times are ISO 8601 in UTC, "" when it hasn't happened; money is in dollars."""

    id: str
    job: str
    parameters: dict
    cloud: str
    region: str
    created: str
    files: dict = dataclasses.field(default_factory=dict)  # parameter name -> local path that goes along
    then: list = dataclasses.field(default_factory=list)  # jobs that follow: {"job", "parameters", "files"}
    options: dict = dataclasses.field(default_factory=dict)  # settings that this run was given on the command line
    losses: int = 0  # instances that AWS took away
    attempts: list = dataclasses.field(default_factory=list)  # each launch, recorded before it is tried
    hours: float = 0.0  # the limit that the instance enforces
    deadline: str = ""
    ssh_key: str = ""  # path of a key of the user's own that opens the instance; "": one made for this run
    host: str = ""  # "user@name:port" of a machine that the user has already; nothing is rented then
    instance_id: str = ""
    instance_type: str = ""
    zone: str = ""
    market: str = ""
    user: str = ""
    host_key: str = ""  # "ssh-ed25519 AAAA...": public
    dollars_per_hour: float = 0.0
    price_source: str = ""
    group_id: str = ""
    volume_id: str = ""
    volume_name: str = ""  # "" for a volume of this run alone
    volume_gib: int = 0
    launched: str = ""
    started: str = ""
    ended: str = ""
    exit_code: int | None = None
    stall: str = ""  # why it has stalled, for as long as it has; or had, when it ended
    pulled: str = ""  # SHA-256 of the verified manifest
    closed: str = ""
    borrowed: bool = False  # its instance was launched from another checkout, whose key alone it knows
    adopted: bool = False  # known from its tags: its parameters and files are on its volume, not here
    timeline: list = dataclasses.field(default_factory=list)  # [step, seconds]

    folder: Path = dataclasses.field(default=None, repr=False)

    @property
    def turns(self):
        """[{"job", "parameters", "files"}]: what is trained on the machine, in this order."""
        return [{"job": self.job, "parameters": self.parameters, "files": self.files}, *self.then]

    @property
    def jobs(self):
        """For people: "lstm_aiw", or "lstm_aiw, then lstm_words"."""
        return ", then ".join(turn["job"] for turn in self.turns)

    def out_of(self, job):
        """Where a job's results are, relative to the run's folder: "out", or "out/JOB" of one that takes turns."""
        return f"out/{job}" if self.then else "out"

    @property
    def program(self):
        """The module of jobs/ that the machine runs."""
        return "in_turn" if self.then else self.job

    @property
    def log(self):
        return self.folder / "log"

    @property
    def key(self):
        """Path of the private key that opens the instance."""
        return Path(self.ssh_key) if self.ssh_key else self.folder / "id_ed25519"

    @property
    def known_hosts(self):
        return self.folder / "known_hosts"

    @property
    def state(self):
        """One word: planned, launched, running, ended, pulled or closed."""
        stages = {"closed": self.closed, "pulled": self.pulled, "ended": self.ended}
        stages |= {"running": self.started, "launched": self.launched}
        return next((name for name, reached in stages.items() if reached), "planned")


RECORDED = {field.name for field in dataclasses.fields(Run)} - {"folder"}


def now():
    """The present, to the second, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def seconds(earlier, later):
    """Seconds between two ISO 8601 times; 0 when one of them is missing or they are the wrong way round."""
    if not earlier or not later:
        return 0.0
    between = datetime.datetime.fromisoformat(later) - datetime.datetime.fromisoformat(earlier)
    return max(0.0, between.total_seconds())


def posix(moment):
    """Seconds since 1970 of an ISO 8601 time."""
    return datetime.datetime.fromisoformat(moment).timestamp()


def new(settings, job, parameters, files):
    """A Run with a fresh id; nothing is written yet."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    run_id = f"{job}-{stamp}-{secrets.token_hex(2)}"
    run = Run(run_id, job, parameters, settings.cloud, settings.region, now(), files)
    run.volume_name, run.volume_gib = settings.volume, settings.volume_gib
    run.folder = settings.runs / run_id
    return run


def record(run):
    """Make the run's folder; from now on the intent is on disk. Raises Usage where it can't be written."""
    try:
        run.folder.mkdir(parents=True)
        save(run)
    except OSError as error:
        raise Usage(
            f"Cannot write {run.folder}: {error.strerror}. Expected a runs folder that is yours; set runs_dir."
        ) from None


def save(run):
    """Replace run.json whole: a reader, or a crash, finds the old record or the new one."""
    values = {field.name: getattr(run, field.name) for field in dataclasses.fields(run) if field.name != "folder"}
    partial = run.folder / "run.json.part"
    with partial.open("w") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(run.folder / "run.json")


def load(folder):
    """The Run of a folder. Raises NotFound when the record can't be read."""
    try:
        values = json.loads((folder / "run.json").read_bytes())
        return Run(**{name: value for name, value in values.items() if name in RECORDED}, folder=folder)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise NotFound(f"{folder}/run.json can't be read: {error}. See what there is: bin/fab runs") from None


def folders(settings):
    """Folders of all runs, oldest first."""
    return list(newest(settings))[::-1]


def newest(settings):
    """Yield the folders of all runs, newest first: of many thousands most commands need a few."""
    home = settings.runs
    if not home.is_dir():
        return
    matches = [match for entry in os.scandir(home) if (match := RUN_ID.fullmatch(entry.name))]
    for match in reversed(sorted(matches, key=lambda match: match["time"])):
        if os.path.exists(f"{home}/{match[0]}/run.json"):  # noqa: PTH110
            yield home / match[0]


def recorded(settings, run_id):
    """Is there a record of the run in this checkout? run_id: anything that a tag may say."""
    return bool(RUN_ID.fullmatch(run_id)) and (settings.runs / run_id / "run.json").exists()


def made(folder):
    """When the run of a folder was asked for, as its id has it: "20260131-235959"."""
    return RUN_ID.fullmatch(folder.name)["time"]


def find(settings, run_id):
    """The Run of an id, or the newest when run_id is empty. Raises NotFound, Usage."""
    if run_id and not RUN_ID.fullmatch(run_id):
        raise Usage(f"Expected a run id such as lstm_aiw-20260131-235959-4af1, got {run_id!r}. See: bin/fab runs")
    if run_id:
        if not recorded(settings, run_id):
            raise NotFound(f"No run {run_id} in {settings.runs}/. See what there is: bin/fab runs")
        return load(settings.runs / run_id)
    there = next(newest(settings), None)
    if not there:
        raise NotFound(f"No run in {settings.runs}/ yet. Start one: bin/fab train --job lstm_aiw")
    return load(there)


@contextlib.contextmanager
def locked(run):
    """Hold the run for one command; the lock dies with its holder. Raises Busy."""
    with (run.folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"Another command works on {run.id}. Expected to be alone; to watch it: bin/fab follow --run {run.id}"
            ) from None
        yield
