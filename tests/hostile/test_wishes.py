"""What a user, or a script in a user's place, asks for: any job, parameter, run id, file name is used or refused."""

import contextlib
import dataclasses
import json
import os

import hypothesis
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobs import parameters as job_parameters
from remote import catalog, openssh, request, runs, settings
from remote.errors import Denied, Failure, NotFound, Usage
from remote.host import Login
from tests.hostile.conftest import nasty_text

PARAMETERS = ("epochs", "batch", "temperature", "text", "learning_rate", "seed", "nosuch")
NUMBERS = st.sampled_from(
    ["0", "-1", "1e400", "nan", "inf", "1_0", "٣", "9" * 5000, "0x10", " 7 ", "", "1e-320", "=", "a=b"]
)
RUN = "lstm_aiw-20260101-000000-0000"


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """The settings as shipped, with a runs folder of the test's own."""
    shipped = yaml.safe_load((settings.CHECKOUT / "fabric.yaml").read_text())
    return settings.read(shipped, {"runs_dir": str(tmp_path_factory.mktemp("wishes") / "runs")})


@given(st.sampled_from(PARAMETERS) | nasty_text(10), NUMBERS | nasty_text(30))
def test_any_parameter_is_what_its_job_allows_or_refused(parameters, name, value):
    try:
        given = job_parameters.parse(parameters, {name: value})
    except job_parameters.BadInput:
        return
    json.dumps(dataclasses.asdict(given), allow_nan=False)


@hypothesis.settings(max_examples=10)  # each reads all of jobs/
@given(nasty_text(30), nasty_text(30))
def test_any_job_is_there_or_refused(chosen, job, assignment):
    with pytest.raises((Usage, NotFound)):
        request.new_run(chosen, [job], [assignment])
    assert not chosen.runs.exists()


@pytest.fixture(scope="module")
def parameters():
    return catalog.parameters_class("lstm_aiw")


@given(nasty_text(50) | st.builds("{}{}".format, st.just(RUN), nasty_text(20)))
def test_any_run_id_is_an_id_or_refused(chosen, run_id):
    with pytest.raises((Usage, NotFound)):
        runs.find(chosen, run_id)


@given(nasty_text(200) | st.recursive(st.none() | st.integers() | nasty_text(), st.lists, max_leaves=5).map(json.dumps))
def test_any_record_is_read_or_told_to_be_damaged(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("record")
    (folder / "run.json").write_text(text)
    with contextlib.suppress(NotFound):
        assert isinstance(runs.load(folder), runs.Run)


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"two\nlines.txt", b"\x1b[2J.txt", b"\x7f"])
def test_a_file_of_the_users_whose_name_cannot_travel_is_told_before_anything_is_rented(chosen, tmp_path, name):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / os.fsdecode(name)).write_text("text")
    with pytest.raises(Usage, match="cannot travel"):
        request.new_run(chosen, ["lstm_aiw"], [f"text={tmp_path / 'texts'}"])
    assert not chosen.runs.exists()


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=40))
def test_a_file_of_any_other_name_may_travel(tmp_path_factory, name):
    hypothesis.assume(name not in (".", "..") and len(name.encode()) < 256)
    folder = tmp_path_factory.mktemp("texts")
    (folder / name).write_text("text")
    assert request._readable("text", str(folder)) == folder.resolve()


@given(nasty_text(30), nasty_text(30))
def test_a_tag_that_names_the_login_user_is_no_option_of_ssh(user, address):
    try:
        login = Login(address, user, None, None, None)
    except Denied:
        return
    target = f"{login.user}@{login.address}"
    assert target.isprintable() and not target.startswith("-") and not set(target) & set(" $`;|&<>()'\"\\\n")
    assert openssh.command(login)[0] == "ssh"


def test_it_is_refused_in_one_line():
    with pytest.raises(Failure, match="Expected a plain user and address.*Nothing was dialled"):
        Login("127.0.0.1", "-oProxyCommand=touch gotcha", None, None, None)
