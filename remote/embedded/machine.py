"""One machine's life: power on, boot as cloud-init does, power off. All of it in the loop's thread."""

import asyncio
import contextlib
import functools
import logging
import shutil

from remote.embedded import addresses, boot, disks, processes, ssh
from remote.embedded.box import Machine

SILENCE_S = 120  # how long the connections of a machine that vanished stay open and mute


def switch_on(box, instance, first=True):
    """Power an instance on; its boot goes on by itself. first: user-data's once-per-instance parts run too."""
    machine = Machine(instance, box.state_dir / "instances" / instance.id)
    for folder in ("home/ubuntu/.ssh", "root", "run", "dev/disk/by-id", "usr/local/bin"):
        (machine.folder / folder).mkdir(parents=True, exist_ok=True)
    (machine.home / ".ssh").chmod(0o700)
    box.machines[instance.id] = machine
    disks.show_devices(box, machine)
    machine.boot = box.loop.create_task(_boot(box, machine, first))
    return machine


async def _boot(box, machine, first):
    try:
        await boot.run(box, machine, first)
    except asyncio.CancelledError:
        raise
    except Exception:
        logging.exception("%s did not boot", machine.id)


async def switch_off(box, machine, silently=False):
    """Cut the power: connections, processes, timers and mounts are gone; the disks stay as they are.

    silently: the network dies first, so that clients are not even told that their connections are over.
    """
    machine.stage = "gone"
    machine.timers.clear()
    if machine.boot and machine.boot is not asyncio.current_task():
        machine.boot.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await machine.boot
    if silently:
        ssh.freeze(machine)
        box.later(SILENCE_S, ssh.close, machine)
    else:
        ssh.close(machine)
    kill = functools.partial(processes.kill_marked, box.state_dir, machine.id)
    await box.loop.run_in_executor(None, kill)
    if box.machines.get(machine.id) is machine:
        del box.machines[machine.id]
    addresses.write_ssh_config(box)
    disks.unmount_all(machine)


def erase(machine):
    """Delete the instance's own disk, as its termination does; the console log is still asked for."""
    for path in machine.folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
