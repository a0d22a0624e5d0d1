"""Where settings come from: fabric.yaml, ~/.fabric.yaml and the environment, each above the one before."""

import subprocess

import pytest

from remote import settings
from remote.configuration import Configuration
from remote.errors import Usage


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The file ~/.fabric.yaml of a user who has none yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".fabric.yaml"


def read():
    configuration = Configuration()
    configuration.load_shell_env()
    return settings.read(configuration)


def test_the_file_at_home_is_above_the_projects_and_below_the_environment(home, monkeypatch):
    assert read().region == "us-east-1"
    home.write_text("region: eu-west-1\nmove_volume: yes\nvolume_gib: 7\ninstance_types: [g5.xlarge, g6.xlarge]\n")
    found = read()
    assert (found.region, found.move_volume, found.volume_gib) == ("eu-west-1", True, 7)
    assert found.instance_types == ("g5.xlarge", "g6.xlarge")
    monkeypatch.setenv("FABRIC_REGION", "eu-north-1")
    monkeypatch.setenv("FABRIC_MOVE_VOLUME", "no")
    assert (read().region, read().move_volume) == ("eu-north-1", False)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("regoin: eu-west-1", "regoin, and there is no such setting. Did you mean region?"),
        ("region: [", "is no YAML: line 1"),
        ("- region", "holds no settings"),
        ("1: 2", "holds no settings"),
        ("region: {name: eu-west-1}", "region expects one value"),
        ("volume_gib: 1.5", "volume_gib expects a whole number, got '1.5'"),
    ],
)
def test_what_can_not_be_meant_is_refused(home, content, words):
    home.write_text(content)
    with pytest.raises(Usage) as refused:
        read()
    assert words in refused.value.message


def test_settings_of_other_projects_are_none_of_ours(home):
    home.write_text("user: me\nfavourite_colour: blue\n")
    assert read().region == "us-east-1"


@pytest.mark.parametrize(("variable", "value"), [("FABRIC_VOLUME_GIB", "1.5"), ("FABRIC_REGOIN", "eu-west-1")])
@pytest.mark.usefixtures("home")
def test_the_environment_is_refused_in_one_line(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    plan = subprocess.run(
        [settings.CHECKOUT / "bin/fab", "plan", "--offline", "--job", "lstm_aiw"], capture_output=True, text=True
    )
    assert plan.returncode == Usage("").code and plan.stdout == ""
    assert plan.stderr.startswith("fab: ") and plan.stderr.count("\n") == 1
