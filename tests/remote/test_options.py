"""Options of a command that starts a run: what was given overrides a setting, what wasn't leaves it alone."""

from remote import options


@options.of_a_run
def command(_c, given, detach=False):
    return given, detach


def test_only_what_was_given_overrides_a_setting():
    given, detach = command(None, job="tiny", volume="corpus", market=None, move_volume=False, detach=True)
    assert given.settings == {"volume": "corpus"} and detach
    given, _ = command(None, job="tiny", set=["epochs=2"], move_volume=True)
    assert given.settings == {"move_volume": True} and given.set == ["epochs=2"]
