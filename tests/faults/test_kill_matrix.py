"""A few cases of each stratum of the kill matrix; the whole of it is played by: python -m tests.faults.matrix."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = 36
SEED = os.environ.get("MATRIX_SEED", "1")
LONGEST_S = 1200  # on a machine that is busy with other things; it takes a minute and a half of one processor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks processes that have used threads")


def test_whatever_breaks_wherever_nothing_is_left_running_and_nothing_is_lost(tmp_path):
    words = ["--sample", CASES, "--seed", SEED, "--lanes", "2", "--into", tmp_path]
    command = [sys.executable, "-m", "tests.faults.matrix", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S)
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    wrong = [(row["case"], row["violations"], row["said"]) for row in rows if row["outcome"] == "violated"]
    assert wrong == [] and done.returncode == 0, done.stderr
    assert len(rows) == CASES and sum(row["outcome"] == "held" for row in rows) > CASES * 0.8
    assert len({(row["kind"], row["fault"], row["recovery"]) for row in rows}) == CASES
