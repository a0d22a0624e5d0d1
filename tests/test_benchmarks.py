"""The benchmarks run, at a size that says nothing about speed."""

from benchmarks import overhead, pull


def test_overhead_times_every_way_to_the_first_log_line(capsys):
    overhead.main(["--rounds", "1", "--round-trips", "10"])
    said = capsys.readouterr().out
    assert [way in said for way in ("bin/fab -H box train", "ssh and scp", "ControlMaster")] == [True] * 3


def test_pull_times_and_weighs_every_way_home(capsys):
    pull.main(["--megabytes", "10", "--rounds", "1"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith("MiB")]
    assert len(rows) >= 3
    assert all(float(row.split()[-2]) > 0 for row in rows)
