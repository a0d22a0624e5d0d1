"""A key of the user's own that opens a run's instance, in place of one made for that run: the setting ssh_key."""

from pathlib import Path

import paramiko

from remote.errors import Usage


def checked(text):
    """The absolute path of the private half, as text, once the key can be used; "" for none. Raises Usage.

    text: the setting. Either half may be named; the private one may be in an agent alone, the public one must be there.
    """
    if not text:
        return ""
    private = Path(text).expanduser().absolute()
    private = private.with_suffix("") if private.suffix == ".pub" else private
    public = public_half(private)
    if not public.exists():
        mend = f"Make it: ssh-keygen -y -f {private} > {public}" if private.exists() else "Make one: ssh-keygen"
        raise Usage(f"ssh_key={text}: there is no {public}. Expected a key of yours, both halves. {mend}")
    _refuse_if_locked(private, public)
    return str(private)


def public_half(private):
    """The Path of the public half of a key, which OpenSSH keeps beside it."""
    return private.with_name(f"{private.name}.pub")


def _refuse_if_locked(private, public):
    """Nobody is there to type a passphrase at three in the morning: an agent must hold a key that has one."""
    try:
        paramiko.PKey.from_path(private)
        return
    except (paramiko.SSHException, OSError, ValueError, TypeError) as error:
        if _in_agent(public):
            return
        why = (
            "has a passphrase" if isinstance(error, paramiko.PasswordRequiredException) else f"can't be read ({error})"
        )
    raise Usage(f"{private} {why}, and no agent holds it. Add it to one: ssh-add {private}")


def _in_agent(public):
    try:
        wanted = public.read_text().split()[1]
        return any(key.get_base64() == wanted for key in paramiko.Agent().get_keys())
    except (paramiko.SSHException, OSError, IndexError):
        return False
