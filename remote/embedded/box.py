"""What the server process knows: one Box, passed as the first argument to everything that needs it."""

import asyncio
import secrets
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from remote.embedded.addresses import closed_port

ACCOUNT = "123456789012"  # moto's only account
LOG_ENTRIES = 20000  # a run makes a few hundred


@dataclass
class Clock:
    """Wall-clock time that a test can advance: deadlines then come at once, processes don't notice."""

    offset_s: float = 0.0

    def now(self):
        """Seconds since the epoch, plus what was advanced."""
        return time.time() + self.offset_s


@dataclass
class Timer:
    """Something that will happen on a machine. due: seconds since the epoch on the box's clock."""

    due: float
    act: object  # called without arguments in the loop's thread


@dataclass
class Machine:
    """One instance that is switched on or on its way there; an instance that is started again gets a new one."""

    instance: object  # moto's record: type, zone, addresses, tags, user data
    folder: Path  # stands for the root folder of the instance's own disk
    token: str = field(default_factory=lambda: secrets.token_hex(16))  # what its processes call the server with
    stage: str = "off"  # off, bootcmd, boot, up, gone
    boot: asyncio.Task | None = None
    listener: object = None  # asyncssh's, once sshd is up
    connections: set = field(default_factory=set)
    frozen: bool = False  # SSH connections stay open and no byte moves
    timers: dict[str, Timer] = field(default_factory=dict)  # by unit name, as systemd's transient timers
    spot_action: dict | None = None  # the interruption notice as IMDS shows it
    pushed_keys: list = field(default_factory=list)  # (OpenSSH line, end) from EC2 Instance Connect
    metadata_tokens: set = field(default_factory=set)
    credentials: list = field(default_factory=list)  # of its profile's role, temporary, the newest last

    @property
    def id(self):
        return self.instance.id

    @property
    def home(self):
        return self.folder / "home" / "ubuntu"

    @property
    def console(self):
        """The boot log, as GetConsoleOutput shows it."""
        return self.folder / "console.log"


@dataclass
class Box:
    """The server's state. HTTP threads read it and post work to the loop; the loop's thread changes machines."""

    state_dir: Path
    region: str
    idle_s: float
    access_key: str = field(default_factory=lambda: "EMBEDDED" + secrets.token_hex(6).upper())
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    port: int = 0
    loop: asyncio.AbstractEventLoop | None = None
    stopping: asyncio.Event | None = None
    ready: threading.Event = field(default_factory=threading.Event)  # the API can answer
    clock: Clock = field(default_factory=Clock)
    started: float = field(default_factory=time.monotonic)
    last_activity: float = field(default_factory=time.monotonic)
    machines: dict[str, Machine] = field(default_factory=dict)  # by instance id; those that are on
    timers: dict[str, Timer] = field(default_factory=dict)  # the cloud's own: interruptions
    stored: dict[str, set] = field(default_factory=lambda: {"volumes": set(), "snapshots": set()})  # ids with a folder
    changes: set = field(default_factory=set)  # asyncio tasks that change an instance's state
    moto_instance: dict = field(default_factory=dict)  # moto's own methods of Instance, by name
    addresses: list = field(default_factory=list)  # public addresses given out so far
    closed: socket.socket = field(default_factory=closed_port)
    tokens: dict = field(default_factory=dict)  # tokens.Token by (region, action, ClientToken)
    faults: list = field(default_factory=list)
    quotas: dict[str, float] = field(default_factory=dict)  # vCPUs by quota code, where a test changed it
    api_log: deque = field(default_factory=lambda: deque(maxlen=LOG_ENTRIES))
    ssh_log: deque = field(default_factory=lambda: deque(maxlen=LOG_ENTRIES))
    state_log: deque = field(default_factory=lambda: deque(maxlen=LOG_ENTRIES))  # of the instances

    def touch(self):
        """Something happened: the idle time starts anew."""
        self.last_activity = time.monotonic()

    def soon(self, function, *arguments):
        """Call function in the loop's thread."""
        self.loop.call_soon_threadsafe(function, *arguments)

    def later(self, delay_s, function, *arguments):
        """Call function in the loop's thread after delay_s real seconds."""
        self.soon(self.loop.call_later, delay_s, function, *arguments)
