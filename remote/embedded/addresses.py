"""Public addresses: loopback ones that belong to nobody, and the ssh_config that says where they really lead.

An address stands in the ssh_config from its first moment on and for as long as the server lives: without an entry, a
client would dial port 22 of this computer, where a real sshd with quite another host key may listen. Before the
instance's sshd is up, and after its end, the entry names a port at which every connection is refused.
"""

import random
import socket
import threading

_writing = threading.Lock()


def new_address(box):
    """A public address for an instance, 127.64.0.0 and up."""
    address = f"127.{random.randrange(64, 256)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    box.addresses.append(address)
    write_ssh_config(box)
    return address


def closed_port():
    """A socket that is bound, so that nobody else gets its port, and never listens."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    return reserved


def write_ssh_config(box):
    """Write which port each address leads to. 127.0.0.1, for macOS has no other loopback address."""
    with _writing:
        listening = {
            machine.instance.public_ip: machine.listener.get_port()
            for machine in list(box.machines.values())
            if machine.listener
        }
        closed = box.closed.getsockname()[1]
        text = "# Written by the embedded EC2: how to reach the public addresses of its instances. Do not edit.\n"
        for address in box.addresses:
            text += f"Host {address}\n    HostName 127.0.0.1\n    Port {listening.get(address, closed)}\n"
        draft = box.state_dir / "ssh_config.new"
        draft.write_text(text)
        draft.chmod(0o600)  # OpenSSH distrusts a configuration that others may write
        draft.replace(box.state_dir / "ssh_config")
