"""Volumes as files: what a volume holds outlives its instances and the server.

    volumes/<id>/volume.json    what the API knows of it
    volumes/<id>/disk           the device: a sparse file of the real size, of which mkfs writes a superblock
    volumes/<id>/files/         what a mount of it shows
    snapshots/<id>/             the same, with snapshot.json

The folders follow moto's records: whatever call changed them, `store` brings the folders up to date.
"""

import contextlib
import shutil
import threading
from pathlib import Path

from remote.embedded import records
from remote.embedded.box import ACCOUNT

GIB = 2**30
ROOT_DEVICES = ("/dev/sda1", "/dev/xvda")
_storing = threading.Lock()  # HTTP threads and the loop's thread both store


def store(box):
    """Make the folders of volumes and snapshots what the API's records say."""
    from moto.ec2.models import ec2_backends

    with _storing:
        volumes, snapshots = {}, {}
        for backend in ec2_backends[ACCOUNT].values():
            volumes |= {volume.id: volume for volume in backend.volumes.values() if not is_root(volume)}
            snapshots |= {snapshot.id: snapshot for snapshot in backend.snapshots.values() if not snapshot.from_ami}
        for snapshot in snapshots.values():
            _store_snapshot(box, snapshot)
        for volume in volumes.values():
            _store_volume(box, volume)
        _forget(box, "volumes", volumes)
        _forget(box, "snapshots", snapshots)


def folder(box, volume_id):
    return box.state_dir / "volumes" / volume_id


def show_devices(box, machine):
    """Let the attached volumes, and no others, appear under the machine's dev/, named as udev names them on Nitro."""
    attached = {name: link for name, link in machine.instance.block_device_mapping.items() if name not in ROOT_DEVICES}
    wanted = {link.volume_id for link in attached.values()}
    by_id = machine.folder / "dev/disk/by-id"
    present = {link.name: link for link in by_id.iterdir()}
    for volume_id in sorted(wanted):
        name = _nvme_name(volume_id)
        if present.pop(name, None) is None:
            device = _free_device(machine)
            device.symlink_to(folder(box, volume_id) / "disk")
            (by_id / name).symlink_to(f"../../{device.name}")
    for link in present.values():
        (machine.folder / "dev" / link.readlink().name).unlink(missing_ok=True)
        link.unlink()


def unmount_all(machine):
    """Forget the mounts, as a power cut does: mount points are again what they were before."""
    table = machine.folder / "run/mounts"
    for line in table.read_text().splitlines() if table.exists() else []:
        _, point, hidden = (Path(word) for word in line.split("\t"))
        if point.is_symlink() and hidden.exists():
            point.unlink()
            hidden.rename(point)
    table.unlink(missing_ok=True)


def is_root(volume):
    """True for the disk an instance boots from; it begins and ends with its instance."""
    return volume.attachment is not None and volume.attachment.device in ROOT_DEVICES


def _nvme_name(volume_id):
    return "nvme-Amazon_Elastic_Block_Store_" + volume_id.replace("-", "")


def _free_device(machine):
    """The next NVMe device; nvme0n1 is the disk the machine boots from."""
    number = 1
    while (device := machine.folder / f"dev/nvme{number}n1").is_symlink():
        number += 1
    return device


def _store_volume(box, volume):
    path = folder(box, volume.id)
    if not path.exists():
        draft = path.with_name(path.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _copy(box.state_dir / "snapshots" / (volume.snapshot_id or "none"), draft)
        draft.rename(path)
    with (path / "disk").open("ab") as disk:
        disk.truncate(volume.size * GIB)
    records.write(path / "volume.json", records.of_volume(volume))


def _store_snapshot(box, snapshot):
    path = box.state_dir / "snapshots" / snapshot.id
    if not path.exists():
        draft = path.with_name(path.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _copy(folder(box, snapshot.volume.id), draft)
        draft.rename(path)
    records.write(path / "snapshot.json", records.of_snapshot(snapshot))


def _copy(source, target):
    """Copy the files and the written part of the device, which is at most its first MiB."""
    if not source.exists():  # an instance's own disk: it has no files here
        (target / "files").mkdir()
        return
    shutil.copytree(source / "files", target / "files", symlinks=True, copy_function=_copy_file)
    with (source / "disk").open("rb") as disk:
        (target / "disk").write_bytes(disk.read(2**20))


def _copy_file(source, target):
    """Copy a file, if it is still there: somebody may be writing on the volume."""
    with contextlib.suppress(FileNotFoundError):
        shutil.copy2(source, target, follow_symlinks=False)


def _forget(box, kind, known):
    """Delete the folders of what the API knew and no longer knows; a folder it never knew is not ours to delete."""
    for name in box.stored[kind] - set(known):
        shutil.rmtree(box.state_dir / kind / name, ignore_errors=True)
    box.stored[kind] = set(known)
