"""Stop the bytes of an SSH connection without closing it: a frozen machine, a firewall that drops packets.

asyncssh has no such thing; this reaches for its transport, whose name a test keeps an eye on.
"""


def shut(connection):
    """From now on nothing is read, and what would be sent is kept."""
    transport = connection._transport
    if transport is None or hasattr(transport, "kept"):
        return
    transport.kept = []
    transport.pause_reading()
    transport.write = transport.kept.append


def open_again(connection):
    """Send what was kept and go on; nothing is lost."""
    transport = connection._transport
    if transport is None or not hasattr(transport, "kept"):
        return
    del transport.write  # the class's own again
    for data in transport.kept:
        transport.write(bytes(data))
    del transport.kept
    transport.resume_reading()
