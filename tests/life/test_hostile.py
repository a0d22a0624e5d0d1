"""What comes back is not to be trusted: names, links, bytes; whatever they are, nothing outside the run's folder."""

from tests.life.checkout import wait_until

UNSAFE = [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160)) if chr(code) != "\t"]


def outside(checkout):
    """{path: size and time} of every file of the copy, but for runs/ and what Python compiles."""
    found = [path for path in checkout.path.rglob("*") if not {"runs", ".venv", "__pycache__"} & set(path.parts)]
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found if path.is_file()}


def test_odd_names_come_home_as_they_are_and_links_stay(checkout):
    before = outside(checkout)
    outcome, run = checkout.train("odd=files", "epochs=1")
    assert outcome.returncode == 0, outcome.stderr
    home = checkout.home(run["id"])
    for name in ("-rf", "a b", "quo'te\"s", "$(touch gotcha)", "`touch gotcha`", "semi;colon", "star*", "ünïcode 文"):
        assert home[f"out/{name}"].decode() == name
    out = checkout.runs / run["id"] / "out"
    assert not any(path.is_symlink() or path.name in ("passwd", "up") for path in out.rglob("*"))
    assert not list(checkout.path.rglob("gotcha")) and outside(checkout) == before


def test_an_odd_log_and_large_results_come_home_byte_for_byte_and_are_shown_harmless(checkout):
    run_id = checkout.detached("odd=log", "epochs=1", "megabytes=24")
    followed = checkout.fab("follow", "--run", run_id)
    assert followed.returncode == 0, followed.stderr
    there = checkout.there(run_id)
    log, big = (there / "log").read_bytes(), (there / "out/big.bin").read_bytes()
    assert checkout.home(run_id)["log"] == log and len(log) > 5_000_000
    assert not [char for char in UNSAFE if char in followed.stderr]
    checkout.done("terminate", "--run", run_id)
    home = checkout.home(run_id)
    assert home["log"] == log and home["out/big.bin"] == big


LIES = {
    "find": "printf 'out/../exit_code\\0'",
    "sha256sum": "cat >/dev/null; echo 0000000000000000000000000000000000000000000000000000000000000000  -",
    "wc": "cat >/dev/null; echo 999999999999999",
}


def test_a_machine_that_lies_about_its_results_is_not_believed(checkout):
    before = outside(checkout)
    run_id = checkout.detached("epochs=1")
    wait_until(lambda: (checkout.there(run_id) / "exit_code").exists())
    folder = checkout.state / "instances" / checkout.run(run_id)["instance_id"] / "usr/local/bin"
    for program, lie in LIES.items():
        (folder / program).write_text(f"#!/bin/bash\n{lie}\n")
        (folder / program).chmod(0o755)
        outcome = checkout.fab("pull", "--run", run_id)
        assert outcome.returncode == 8 and "Traceback" not in outcome.stderr, (program, outcome.stderr)
        assert outcome.stderr.splitlines()[-1].startswith("fab: ")
        (folder / program).unlink()
    assert outside(checkout) == before and not list(checkout.path.parent.rglob("gotcha"))
    checkout.done("terminate", "--run", run_id)
    assert checkout.home(run_id)["exit_code"] == b"0\n"


def test_a_name_that_could_do_harm_stays_on_the_volume_and_everything_else_comes_home(checkout):
    outcome, run = checkout.train("odd=harm")
    assert outcome.returncode == 8, outcome.stderr
    assert "\x1b" not in outcome.stderr and "two" in outcome.stderr
    assert "out/model.weights.h5" in checkout.home(run["id"])
    assert len(checkout.billed()) == 1, "the volume alone is kept"
    checkout.done("terminate", "--run", run["id"], "--discard", "--yes")
