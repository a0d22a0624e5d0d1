"""Jobs in turn: what reaches the job whose turn it is."""

import sys
import time

from jobs import in_turn


def test_a_stop_that_comes_just_before_a_job_has_its_process_reaches_it(tmp_path, monkeypatch):
    monkeypatch.setattr(in_turn, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    began = time.monotonic()
    assert in_turn.train("tiny", {}, tmp_path, stopped=[True]) == in_turn.STOPPED
    assert time.monotonic() - began < 30 and not (tmp_path / "tiny/exit_code").exists()
