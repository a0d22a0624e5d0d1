"""What the instance is told before it starts: its host key, who may enter, and when it must power itself off.

It is cloud-init's `#cloud-config`, written by a JSON serialiser (JSON is YAML): invalid YAML would be dropped whole,
with a warning that nobody reads, and the machine would come up without its deadline.
"""

import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

USER_DATA_LIMIT = 16384  # bytes that EC2 accepts


def new_key():
    """(private key, public key) of a fresh ed25519 pair, both as OpenSSH text."""
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return secret.decode(), public.decode()


def write_key(path, private):
    """Write a private key so that only its owner can read it, from the first byte on."""
    path.touch(mode=0o600)
    path.write_text(private)


def power_off_after(unit, seconds):
    """A shell line for bootcmd that powers the machine off `seconds` from now.

    At that moment of the boot logind isn't there, so `shutdown -h +N` fails; and a timer with default dependencies
    would wait for sysinit.target, which waits for cloud-init, so the machine would never finish booting. Where
    systemd-run is refused, a sleeping process does it.
    """
    return (
        f"systemd-run --no-block --on-active={seconds}s --timer-property=DefaultDependencies=no"
        f" --property=DefaultDependencies=no --unit={unit} systemctl poweroff"
        f" || setsid sh -c 'sleep {seconds}; poweroff -f' >/dev/null 2>&1 </dev/null &"
    )


def user_data(host_key, client_public_key, deadline_s, start_s):
    """The cloud-config of a run's instance, as text.

    host_key: (private, public) from new_key(). deadline_s: seconds from boot to power-off, whatever happens.
    start_s: the same, unless a job has been started by then.
    """
    private, public = host_key
    config = {
        "bootcmd": [power_off_after("gpu-jobs-deadline", deadline_s), power_off_after("gpu-jobs-start", start_s)],
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": private, "ed25519_public": public},
        "ssh_authorized_keys": [client_public_key],
    }
    text = "#cloud-config\n" + json.dumps(config, indent=1) + "\n"
    assert len(text) < USER_DATA_LIMIT, "two keys and two commands cannot fill 16 KiB"
    return text
