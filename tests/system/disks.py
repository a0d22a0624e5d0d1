"""EBS volumes as loop devices: real block devices that an instance finds under the names that EC2 gives them."""

import contextlib
import os
import stat
import struct
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512  # bytes
LINUX = bytes.fromhex("af3dc60f838472478e793d69d8477de4")  # GPT's partition type "Linux filesystem"


@dataclass(frozen=True)
class Disk:
    """volume_id: as EC2 has it. file: what is on it. device: the loop device, on the machine that runs the tests."""

    volume_id: str
    file: Path
    device: Path

    def attach(self, instance, name="nvme1n1"):
        """What the kernel and udev of an instance do when the volume comes: a device, and on Nitro a link by its id."""
        node = instance.path(f"/dev/{name}")
        os.mknod(node, 0o660 | stat.S_IFBLK, self.device.stat().st_rdev)
        if name.startswith("nvme"):
            link = f"nvme-Amazon_Elastic_Block_Store_{self.volume_id.replace('-', '')}"
            instance.path(f"/dev/disk/by-id/{link}").symlink_to(f"../../{name}")

    def detach(self, instance):
        """The device and its link are gone; what was mounted isn't any more."""
        instance.root("for one in $(findmnt -rno TARGET -t ext4 | grep ^/home); do umount -l $one; done")
        instance.root("rm -f /dev/nvme1n1 /dev/xvdf /dev/disk/by-id/*")

    def content(self):
        """All bytes of it, as they would be read from the device."""
        os.sync()
        return self.device.read_bytes()


@contextlib.contextmanager
def disk(folder, volume_id="vol-0123456789abcdef0", mib=32, content=b""):
    """A Disk of so many MiB that begins with content; the rest is zeros, and takes no room."""
    file = folder / f"{volume_id}.disk"
    with file.open("wb") as image:
        image.write(content)
        image.truncate(mib << 20)
    command = ["losetup", "--find", "--show", "--partscan", file]
    device = Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    with device.open("rb"):  # given back while it is open, the kernel takes it away as soon as nobody has it open
        subprocess.run(["losetup", "--detach", device], check=True)
        yield Disk(volume_id, file, device)


def ext4(folder, mib=32, **files):
    """The bytes of an ext4 file system with these files ({name: text})."""
    tree, image = folder / "tree", folder / "ext4"
    tree.mkdir()
    for name, text in files.items():
        (tree / name).write_text(text)
    subprocess.run(["mkfs.ext4", "-q", "-d", tree, image, f"{mib}M"], check=True)
    return image.read_bytes()


def mbr(kind=0x83, start=2048, sectors=2048):
    """A master boot record with one partition."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\0\2\0", kind, b"\xff\xff\xff", start, sectors)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def gpt(mib=32):
    """A GUID partition table with one partition; the backup at the end of the disk is left out."""
    last = (mib << 20) // SECTOR - 1
    entry = struct.pack("<16s16sQQQ72s", LINUX, b"p" * 16, 2048, last - 64, 0, "data".encode("utf-16le"))
    entries = entry + bytes(127 * 128)
    fields = ("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92)
    guid = b"g" * 16

    def header(crc):
        return struct.pack(*fields, crc, 0, 1, last, 34, last - 33, guid, 2, 128, 128, zlib.crc32(entries))

    return mbr(0xEE, 1, last) + header(zlib.crc32(header(0))).ljust(SECTOR, b"\0") + entries
