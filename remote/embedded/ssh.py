"""The SSH host of a machine, on asyncssh: OpenSSH's ssh, scp, sftp and rsync, paramiko and Fabric all work with it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time

import asyncssh

from remote.embedded import addresses, firewall, processes, valve

CHUNK = 65536  # bytes moved at a time
LOGIN_USER = "ubuntu"


def host_key(private):
    """The host key that user-data brought (OpenSSH text), or a new one if it brought none."""
    return asyncssh.import_private_key(private) if private else asyncssh.generate_private_key("ssh-ed25519")


async def open_host(box, machine, key):
    """Start sshd: from now on the ssh_config says how to reach the machine."""
    machine.listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: Login(box, machine),
        server_host_keys=[key],
        process_factory=lambda process: _serve(box, machine, process),
        sftp_factory=lambda channel: Files(box, machine, channel),
        encoding=None,  # bytes, not text
        line_editor=False,
        allow_scp=False,  # `scp -O` then runs the real scp
        agent_forwarding=False,
        compression_algs=None,
        window=2**21,
        login_timeout=120,
    )
    addresses.write_ssh_config(box)


def close(machine):
    """Stop listening and cut every connection, as a machine that loses power does."""
    if machine.listener:
        machine.listener.close()
        machine.listener = None
    cut(machine)


def freeze(machine):
    """Let no byte pass, on the connections there are and on new ones."""
    machine.frozen = True
    for connection in machine.connections:
        valve.shut(connection)


def thaw(machine):
    """End a freeze; nothing was lost."""
    machine.frozen = False
    for connection in machine.connections:
        if firewall.admits(machine.instance, port=22):
            valve.open_again(connection)


def cut(machine):
    """Break the connections; the next one is welcome."""
    for connection in list(machine.connections):
        connection.abort()


class Login(asyncssh.SSHServer):
    """One connection: who may come in. The keys are those in the machine's files now, not when it booted."""

    def __init__(self, box, machine):
        self.box, self.machine = box, machine

    def connection_made(self, connection):
        self.connection = connection
        self.machine.connections.add(connection)
        self._note("connect")
        if self.machine.frozen or not firewall.admits(self.machine.instance, port=22):
            valve.shut(connection)  # nobody answers, as when a security group drops the packets

    def connection_lost(self, _exc):
        self.machine.connections.discard(self.connection)
        self._note("disconnect")

    def begin_auth(self, _username):
        return True

    def public_key_auth_supported(self):
        return True

    def validate_public_key(self, username, key):
        return username == LOGIN_USER and key.export_public_key().split()[1] in self._authorized()

    def connection_requested(self, dest_host, *_):
        return dest_host in ("127.0.0.1", "localhost")  # ssh -L to a port of the machine itself

    def _authorized(self):
        """The base64 parts of the keys that open this machine now."""
        path = self.machine.home / ".ssh/authorized_keys"
        lines = path.read_bytes().splitlines() if path.exists() else []
        pushed = [key.encode() for key, end in self.machine.pushed_keys if end > self.box.clock.now()]
        words = [word for line in [*lines, *pushed] if not line.startswith(b"#") for word in line.split()]
        return {word for word in words if word.startswith(b"AAAA")}

    def _note(self, event):
        note(self.box, self.machine, event)


def note(box, machine, event, command=""):
    """Remember an SSH event for the log that tests read."""
    box.touch()
    box.ssh_log.append({"time": time.time(), "instance": machine.id, "event": event, "command": command})


class Files(asyncssh.SFTPServer):
    """SFTP, whose relative paths begin in the login user's home."""

    def __init__(self, box, machine, channel):
        super().__init__(channel)
        self.home = os.fsencode(machine.home)
        note(box, machine, "sftp")

    def map_path(self, path):
        return path if path.startswith(b"/") else self.home + b"/" + path

    def exit(self):
        with contextlib.suppress(OSError):
            self.channel.exit(0)  # asyncssh sends no exit status here; OpenSSH's scp calls that a failure


async def _serve(box, machine, process):
    """Run one command, or a shell, and move its bytes; the command outlives its connection if it wants to."""
    note(box, machine, "command", process.command or "")
    words = ["/bin/bash", "-c", process.command] if process.command is not None else ["/bin/bash"]
    env = {name: value for name, value in process.env.items() if name.startswith("LC_")}
    env |= processes.environment(box, machine)
    child = await asyncio.create_subprocess_exec(
        *words,
        env=env,
        cwd=machine.home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    if machine.stage == "gone":
        child.kill()
    stdin = asyncio.create_task(_feed(process.stdin, child.stdin))
    outputs = [_drain(child, 1, process.stdout), _drain(child, 2, process.stderr)]
    try:
        # Own pumps: asyncssh's redirection loses the last bytes or the exit status now and then. Like sshd, the
        # channel stays open until whoever inherited the pipes has closed them.
        await asyncio.gather(child.wait(), *outputs)
    finally:
        stdin.cancel()
    _report(process, child.returncode)


def _report(process, code):
    with contextlib.suppress(OSError, asyncssh.Error):
        if code >= 0:
            process.exit(code)
        else:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))


async def _feed(source, target):
    """Client to command."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
    target.close()


async def _drain(child, number, target):
    """Command to client. When the client has gone, the pipe is closed: the next write is a SIGPIPE, as with sshd."""
    source = child.stdout if number == 1 else child.stderr
    try:
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
    except (OSError, asyncssh.Error):
        child._transport.get_pipe_transport(number).close()  # no public way from a Process to its pipes
