"""The one place where the network is crossed: an SSH connection to an instance whose host key is known beforehand."""

import contextlib
import dataclasses
import logging
import re
import select
import shlex
import socket
import time
from pathlib import Path

import fabric
import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

from remote import openssh
from remote.errors import Denied, Failure, TimedOut
from remote.openssh import CONNECT_TIMEOUT_S, KEEPALIVE_S

SCRIPTS = Path(__file__).parent.parent / "scripts"
RETRY_S = 0.3
BLOCK = 1 << 16  # bytes read at a time
ANSWER_LIMIT = 64 << 20  # bytes of a command's whole answer, which is held in memory
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # it would print tracebacks of what is handled here
# While a machine boots, its sshd is away, resets, or greets late: all of that is "not yet".
NOT_YET = (OSError, EOFError, paramiko.SSHException)


class Disconnected(TimedOut):
    """The connection broke or went silent; the machine and the job may well be alive."""


class CommandFailed(Failure):
    """A command on the instance ended with an error, which its last line on stderr explains."""


@dataclasses.dataclass(frozen=True)
class Login:
    """How to get in: user, private key file, a file that pins the host's key, the ssh_config to honour.

    For a machine of the user's own, key and known_hosts are None: the user's keys, agent and known hosts serve.
    """

    address: str
    user: str
    key: Path | None
    known_hosts: Path | None
    ssh_config: Path | None
    port: int = 22
    agent: bool = False  # may an agent hold the key?

    def __post_init__(self):
        """Names come from tags; one that begins with a hyphen would be an option of ssh's. Raises Denied."""
        for name in (self.user, self.address):
            if not re.fullmatch(r"[\w.:%][\w.:%@+-]*", name):
                raise Denied(f"Expected a plain user and address to log in to, got {name!r}. Nothing was dialled.")


@dataclasses.dataclass(frozen=True)
class Host:
    """connection: an open fabric.Connection."""

    login: Login
    connection: fabric.Connection


@dataclasses.dataclass(frozen=True)
class Output:
    """What a command left: exit code (-1: ended by a signal or without one) and its two streams, in bytes."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self):
        return self.stdout.decode(errors="replace").strip()


def connect(login, wait_s):
    """An open Host; tries until wait_s seconds are over.

    Raises TimedOut when nothing answers, Denied at once when the host has another key than the pinned one, or when it
    accepts none of the user's own.
    """
    ends = time.monotonic() + wait_s
    while True:
        connection = _connection(login)
        try:
            connection.open()
            connection.transport.set_keepalive(KEEPALIVE_S)
            return Host(login, connection)
        except paramiko.BadHostKeyException:
            raise Denied(
                f"{login.address} shows another host key than the one made for it, so nothing was sent to it."
                " Expected the pinned key: a wrong machine answers, or its boot went wrong."
            ) from None
        except NOT_YET as error:
            if not login.key and isinstance(error, paramiko.AuthenticationException):
                raise Denied(
                    f"{login.user}@{login.address} lets none of your keys in ({_reason(error)})."
                    " Expected what `ssh` would use: see IdentityFile in ~/.ssh/config, or ssh-add."
                ) from None
            if time.monotonic() >= ends:
                raise TimedOut(
                    f"No SSH answer from {login.user}@{login.address} within {wait_s:g} s ({_reason(error)})."
                    f" Expected {_way_in(connection)}."
                ) from None
            time.sleep(RETRY_S)
        finally:
            if not connection.is_connected:
                connection.client.close()  # Fabric's own close does nothing then, and would leave a socket open


def quote(*words):
    """words as they must be written for a shell on the instance."""
    return " ".join(shlex.quote(str(word)) for word in words)


def close(host):
    host.connection.close()


def run(host, command, stdin=b"", wait_s=60, check=True):
    """Run a shell command; returns its Output. stdin: bytes, or an iterable of bytes.

    Raises CommandFailed when it fails and check is set, Disconnected when nothing is heard for wait_s seconds.
    """
    channel = start(host, command, stdin, wait_s)
    try:
        output = Output(*_drain(channel))
    except (TimeoutError, EOFError, OSError) as error:
        raise disconnected(host, error) from None
    finally:
        hang_up(channel)
    if check and output.code != 0:
        said = output.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {output.code}"]
        raise CommandFailed(f"On {host.login.address}: {said[-1]}")
    return output


def script(host, name, *arguments, wait_s=60, check=True):
    """Run scripts/NAME on the instance, from this checkout: it needs not be there. Returns its Output."""
    return run(host, f"bash -s -- {quote(*arguments)}", (SCRIPTS / name).read_bytes(), wait_s, check)


def start(host, command, stdin=b"", wait_s=60):
    """An open channel on which command runs, its stdin sent and closed; every read waits wait_s seconds at most.

    Raises Disconnected.
    """
    try:
        channel = host.connection.transport.open_session(timeout=wait_s)
        channel.settimeout(wait_s)
        channel.exec_command(command)
        for block in [stdin] if isinstance(stdin, bytes) else stdin:
            channel.sendall(block)
        channel.shutdown_write()
        return channel
    except (*NOT_YET, AttributeError) as error:  # AttributeError: the transport is gone altogether
        raise disconnected(host, error) from None


def _connection(login):
    """A fabric.Connection, not yet open, that accepts the pinned host key and no other."""
    path = openssh.config(login)
    config = fabric.Config(overrides={"load_ssh_configs": False}, runtime_ssh_path=str(path) if path else None)
    options = {"banner_timeout": 15}
    if login.key:
        options |= {"look_for_keys": False, "allow_agent": login.agent, "key_filename": str(login.key)}
    connection = fabric.Connection(
        login.address,
        user=login.user,
        port=login.port if login.port != 22 else None,  # None: ssh_config may say
        gateway=openssh.gateway(login),
        config=config,
        connect_timeout=CONNECT_TIMEOUT_S,
        connect_kwargs=options,
    )
    if login.known_hosts:
        name = connection.host if connection.port == 22 else f"[{connection.host}]:{connection.port}"
        entry = _pinned(login)
        connection.client.get_host_keys().add(name, entry.key.get_name(), entry.key)
    else:
        connection.client.load_system_host_keys()
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())  # Fabric's own default accepts any key
    return connection


def _way_in(connection):
    """What must hold for an answer, in words."""
    if connection.gateway:
        return f"this to lead there, see it by hand: {connection.gateway}"
    return "port 22 to be open to this machine: see ssh_cidr and connect_minutes in fabric.yaml"


def _pinned(login):
    """The HostKeyEntry of the one key to accept. Raises Denied when there is none that can be read."""
    with contextlib.suppress(OSError, ValueError, paramiko.SSHException, InvalidHostKey):
        entry = HostKeyEntry.from_line(login.known_hosts.read_text())
        if entry:
            return entry
    raise Denied(
        f"{login.known_hosts} has no host key that can be read, so nothing was dialled. Expected the run's own."
    )


def _drain(channel):
    """(exit code, stdout, stderr) of a channel; both are read as they come, for one left full would block the other."""
    stdout, stderr, ended = bytearray(), bytearray(), False
    while not ended or channel.recv_ready() or channel.recv_stderr_ready():
        if not select.select([channel], [], [], channel.gettimeout())[0]:
            raise TimeoutError("nothing was heard")
        ended = channel.eof_received or channel.closed
        if channel.recv_ready():
            stdout += channel.recv(BLOCK)
        if channel.recv_stderr_ready():
            stderr += channel.recv_stderr(BLOCK)
        if len(stdout) + len(stderr) > ANSWER_LIMIT:
            raise CommandFailed(f"The instance answers a command with more than {ANSWER_LIMIT >> 20} MiB.")
    if not channel.status_event.wait(channel.gettimeout()):
        raise TimeoutError("no exit code")
    if channel.exit_status == -1 and not channel.transport.is_active():
        raise EOFError("connection closed")
    return channel.exit_status, bytes(stdout), bytes(stderr)


def hang_up(channel):
    """Close a channel, even when its connection has just broken: saying goodbye then fails, and need not be told."""
    with contextlib.suppress(EOFError, OSError):
        channel.close()


def disconnected(host, error):
    return Disconnected(
        f"The connection to {host.login.address} broke ({_reason(error)}). The job, if started, goes on without it."
    )


def _reason(error):
    if isinstance(error, socket.timeout | TimeoutError):
        return "nothing was heard"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
