"""What leaves this machine of a Slack export is what was selected, and nothing keeps it elsewhere."""

import json

import pytest


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """A Slack export with something to learn in one channel and a secret in another."""
    folder = tmp_path_factory.mktemp("export")
    people = [{"id": "U1", "name": "alice", "profile": {"real_name": "Alice"}}]
    channels = [{"id": "C1", "name": "general"}, {"id": "C2", "name": "secret"}]
    for name, content in {"users": people, "channels": channels}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    for channel, words in {"general": "good morning", "secret": "the password is xyzzy"}.items():
        said = [{"type": "message", "user": "U1", "text": f"{words} {n}", "ts": f"170000{n:04}.0"} for n in range(200)]
        (folder / channel).mkdir()
        (folder / channel / "2023-11-14.json").write_text(json.dumps(said))
    return folder


def test_only_the_selected_channel_is_sent(checkout, export):
    words = ("--job", "lstm_slack", "--set", f"export={export}", "--set", "channels=general")
    run_id = checkout.done("launch", *words)
    for step in ("attach", "copy"):
        checkout.done(step, "--run", run_id)
    sent = [path for path in checkout.there(run_id).rglob("*") if path.is_file() and "files" in path.parts]
    texts = {path.name: path.read_text() for path in sent if "code" not in path.parts and "scripts" not in path.parts}
    assert "good morning 7" in texts["conversations.txt"]
    assert not [name for name, text in texts.items() if "xyzzy" in text]
    checkout.done("terminate", "--run", run_id)


def test_nothing_selected_and_a_volume_that_would_keep_it_are_refused_before_anything_is_rented(checkout, export):
    words = ("train", "--job", "lstm_slack", "--set", f"export={export}")
    for more, expected in ((("--set", "channels=nowhere"), "nowhere"), (("--volume", "kept"), "private")):
        outcome = checkout.fab(*words, *more)
        assert outcome.returncode == 2 and "Traceback" not in outcome.stderr, outcome.stderr
        assert expected in outcome.stderr or "No message" in outcome.stderr
    assert checkout.billed() == []
