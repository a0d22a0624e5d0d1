"""Options of a command that starts a run: what was given overrides a setting, what wasn't leaves it alone."""

import pytest

from remote import options
from remote.errors import Usage


@options.of_a_run
def command(_c, given, detach=False):
    return given, detach


def test_only_what_was_given_overrides_a_setting():
    given, detach = command(None, job="tiny", volume="corpus", market=None, move_volume=False, detach=True)
    assert given.settings == {"volume": "corpus"} and detach
    given, _ = command(None, job="tiny", set=["epochs=2"], move_volume=True)
    assert given.settings == {"move_volume": True} and given.set == ["epochs=2"]


def test_spot_is_short_for_its_market():
    assert command(None, job="tiny", spot=True)[0].settings == {"market": "spot"}
    assert command(None, job="tiny", spot=True, market="spot")[0].settings == {"market": "spot"}
    with pytest.raises(Usage, match="--market on-demand too"):
        command(None, job="tiny", spot=True, market="on-demand")
