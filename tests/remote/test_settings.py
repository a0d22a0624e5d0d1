"""Settings: fabric.yaml's defaults hold, options win, nonsense is refused with the name of the setting."""

from pathlib import Path

import pytest
import yaml

from remote import settings
from remote.errors import Usage

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "fabric.yaml").read_text())


def test_the_shipped_file_is_valid_and_typed():
    read = settings.read(DEFAULTS)
    assert read.instance_types == ("g4dn.xlarge", "g6.xlarge", "g5.xlarge")
    assert read.zones == () and read.max_hours == 4.0 and read.cloud == "embedded"


def test_options_win_and_none_means_not_given():
    read = settings.read(DEFAULTS, {"max_hours": "1.5", "volume": None, "instance_types": "g5.xlarge, g6.xlarge"})
    assert read.max_hours == 1.5 and read.volume == "" and read.instance_types == ("g5.xlarge", "g6.xlarge")


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_hours": "soon"},
        {"max_hours": 0},
        {"max_hours": float("nan")},
        {"volume_gib": 0},
        {"market": "black"},
        {"instance_types": " , "},
        {"ssh_cidr": "203.0.113.7/33"},
        {"max_cost": -1},
        {"move_volume": "maybe"},
    ],
)
def test_nonsense_is_refused_by_name(wrong):
    with pytest.raises(Usage, match=f"Setting {next(iter(wrong))}"):
        settings.read(DEFAULTS, wrong)


@pytest.mark.parametrize("name", ["vol-0123456789abcdef0", "aws:mine", "*", "what?", " corpus", "a\nb", "x" * 129])
def test_what_can_not_name_a_volume_is_refused(name):
    with pytest.raises(Usage, match="Expected the name of a volume"):
        settings.read(DEFAULTS, {"volume": name})
    assert settings.read(DEFAULTS, {"volume": "Zoës corpus-2.1"}).volume == "Zoës corpus-2.1"


def test_a_setting_that_the_file_lost_is_named():
    with pytest.raises(Usage, match="market has no value"):
        settings.read({name: value for name, value in DEFAULTS.items() if name != "market"})
