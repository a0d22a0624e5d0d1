"""scripts/mount-volume.sh with real block devices, mkfs, mount and blkid: nothing that holds data is ever formatted."""

import contextlib
import threading
import time

import pytest

from remote import host as hosts
from remote.host import CommandFailed
from tests.system import disks
from tests.system import instance as instances

VOLUME = "vol-0123456789abcdef0"
MIB = 32


@pytest.fixture
def volume(instance, tmp_path):
    """volume(content=b"", name="nvme1n1", attach=True) -> a Disk attached to the instance, taken away at the end."""
    with contextlib.ExitStack() as stack:

        def make(content=b"", name="nvme1n1", attach=True):
            made = stack.enter_context(disks.disk(tmp_path, VOLUME, MIB, content))
            if attach:
                made.attach(instance, name)
            stack.callback(made.detach, instance)
            return made

        yield make


@pytest.fixture
def folder(tmp_path):
    """A folder of the test's own in the login user's home, to mount on."""
    return tmp_path.name


def mount(machine, folder, origin="empty"):
    """("formatted" or "found", free KiB)"""
    outcome, free_kib = hosts.script(machine, "mount-volume.sh", VOLUME, folder, origin).text.split()
    return outcome, int(free_kib)


def test_a_blank_volume_is_formatted_and_belongs_to_the_login_user(volume, machine, folder):
    volume()
    outcome, free_kib = mount(machine, folder)
    assert outcome == "formatted" and 0.7 * MIB < free_kib / 1024 < MIB
    hosts.run(machine, f"echo kept > {folder}/file && mountpoint -q {folder}")


def test_mounting_twice_is_harmless(volume, machine, folder):
    volume()
    mount(machine, folder)
    hosts.run(machine, f"echo kept > {folder}/file")
    assert mount(machine, folder)[0] == "found"
    assert hosts.run(machine, f"cat {folder}/file; findmnt -n {folder} | wc -l").text.split() == ["kept", "1"]


def test_a_volume_with_a_file_system_keeps_its_files(volume, machine, folder, tmp_path):
    volume(disks.ext4(tmp_path, MIB, results="of another run"))
    assert mount(machine, folder)[0] == "found"
    assert hosts.run(machine, f"cat {folder}/results").text == "of another run"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\0" * 4096 + b"raw data" * 1000, id="raw data without a signature"),
        pytest.param(disks.mbr(), id="partitioned by MBR"),
        pytest.param(disks.gpt(MIB), id="partitioned by GPT"),
        pytest.param(b"\0" * 1048575 + b"x", id="one byte, at the end of the first MiB"),
        pytest.param(b"\0" * (17 << 20) + b"x", id="one byte, in the middle"),
        pytest.param(b"\0" * ((MIB << 20) - 1) + b"x", id="one byte, at the very end"),
    ],
)
def test_what_is_neither_blank_nor_a_file_system_is_left_as_it_is(volume, machine, folder, content):
    disk = volume(content)
    before = disk.content()
    with pytest.raises(CommandFailed, match="isn't blank: it is left as it is"):
        mount(machine, folder)
    assert disk.content() == before


def test_what_was_used_is_never_formatted_however_blank_it_looks(volume, machine, folder):
    disk = volume()
    with pytest.raises(CommandFailed, match="isn't blank: it is left as it is"):
        mount(machine, folder, "used")
    assert not disk.content().strip(b"\0")


def test_a_volume_that_shows_up_late_is_waited_for(volume, machine, instance, folder):
    late = threading.Timer(1.5, volume(attach=False).attach, [instance])
    late.start()
    began = time.monotonic()
    assert mount(machine, folder)[0] == "formatted"
    assert time.monotonic() - began > 1
    late.join()


def test_a_volume_that_never_shows_up_is_given_up_in_bounded_time(machine, folder, hurried):
    script = (hosts.SCRIPTS / "mount-volume.sh").read_bytes()
    output = hosts.run(machine, f"PATH={hurried} bash -s -- {VOLUME} {folder} empty", script, check=False)
    assert output.code == 1 and output.stdout == b""
    assert b"no device for it appeared within 60 s" in output.stderr and output.stderr.count(b"\n") == 1


def test_on_xen_the_device_has_no_id(volume, machine, folder):
    volume(name="xvdf")
    assert mount(machine, folder)[0] == "formatted"


def test_what_was_written_outlives_the_instance(machine, volume, folder, tmp_path_factory):
    disk = volume()
    mount(machine, folder)
    hosts.run(machine, f"echo kept > {folder}/file; sync; cd {folder} && sudo -n umount -l .")
    with instances.running(tmp_path_factory.mktemp("other") / "boot") as other:
        disk.attach(other, "nvme2n1")
        rescuer = hosts.connect(other.login, wait_s=20)
        assert mount(rescuer, folder)[0] == "found"
        assert hosts.run(rescuer, f"cat {folder}/file").text == "kept"
        hosts.close(rescuer)
