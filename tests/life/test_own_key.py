"""A run whose instance is opened by a key of the user's own: the setting ssh_key."""

import os
import subprocess

import pytest

from tests.life.checkout import train_words


def make_key(path, passphrase="", kind="ed25519"):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path], check=True)
    return path


@pytest.fixture
def agent(tmp_path):
    """The environment of a real ssh-agent that holds nothing yet."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    while not socket.exists():
        pass
    yield {"SSH_AUTH_SOCK": str(socket)}
    process.terminate()
    process.wait()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_the_users_key_opens_the_instance_and_no_other_is_made(checkout, tmp_path, kind):
    key = make_key(tmp_path / "my key.pem", kind=kind)
    outcome, run = checkout.train("epochs=1", FABRIC_SSH_KEY=f"{key}.pub")
    assert outcome.returncode == 0, outcome.stderr
    assert run["ssh_key"] == str(key) and not (checkout.runs / run["id"] / "id_ed25519").exists()


def test_a_key_with_a_passphrase_serves_while_an_agent_holds_it(checkout, tmp_path, agent):
    key = make_key(tmp_path / "locked", "secret")
    outcome = checkout.fab(*train_words("epochs=1"), FABRIC_SSH_KEY=key, **agent)
    assert outcome.returncode == 2 and f"ssh-add {key}" in outcome.stderr
    answer = tmp_path / "answer"
    answer.write_text("#!/bin/sh\necho secret\n")
    answer.chmod(0o700)
    asked = {"SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    subprocess.run(["ssh-add", "-q", key], check=True, env=os.environ | agent | asked)
    outcome = checkout.fab(*train_words("epochs=1"), FABRIC_SSH_KEY=key, **agent)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("lacking, said", [("both", "Make one: ssh-keygen"), ("public", "ssh-keygen -y -f")])
def test_half_a_key_is_refused_before_anything_is_rented(checkout, tmp_path, lacking, said):
    key = tmp_path / "key"
    if lacking == "public":
        make_key(key)
        (tmp_path / "key.pub").unlink()
    before = checkout.run_ids()
    outcome = checkout.fab(*train_words(), FABRIC_SSH_KEY=key)
    assert outcome.returncode == 2 and said in outcome.stderr and str(key) in outcome.stderr
    assert checkout.run_ids() == before
    assert checkout.fab("doctor", FABRIC_SSH_KEY=key).returncode == 2
