"""The SSH host, with the programs that will talk to it: ssh, scp, sftp, rsync, paramiko."""

import base64
import hashlib
import io
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import paramiko
import psutil
import pytest

from remote.embedded import orders
from tests.embedded.rented import client, key_pair, wait_until


@pytest.fixture
def connection(box):
    """A paramiko client that accepts the box's pinned key alone."""
    config = paramiko.SSHConfig.from_path(str(box.cloud.ssh_config)).lookup(box.address)
    known = (box.folder / "known_hosts").read_text().split()[1:]
    ssh = paramiko.SSHClient()
    ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
    name = f"[{config['hostname']}]:{config['port']}"
    ssh.get_host_keys().add(name, known[0], paramiko.PKey.from_type_string(known[0], base64.b64decode(known[1])))
    key = str(box.folder / "key")
    options = {"look_for_keys": False, "allow_agent": False}
    ssh.connect(config["hostname"], int(config["port"]), "ubuntu", key_filename=key, **options)
    yield ssh
    ssh.close()


def test_exit_codes_and_streams_arrive(box):
    done = box.run("echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert box.run("kill -KILL $$").returncode == 255  # OpenSSH's word for "ended by a signal"


def test_the_last_bytes_are_never_lost(box):
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: box.run("seq 20000; echo end >&2; exit 3"), range(12)))
    assert {(done.returncode, len(done.stdout), done.stderr) for done in runs} == {(3, 108894, "end\n")}


def test_bytes_go_both_ways_unchanged(box):
    data = os.urandom(3_000_000)
    assert box.run("cat", stdin=data, text=False).stdout == data


def test_scp_copies_there_and_back(box, tmp_path):
    (tmp_path / "there").write_bytes(data := os.urandom(1_000_000))
    for mode in ([], ["-O"]):  # SFTP, which is OpenSSH's default, and the old protocol
        there = ["scp", "-p", *mode, *box.options, tmp_path / "there", f"ubuntu@{box.address}:copied"]
        back = ["scp", *mode, *box.options, f"ubuntu@{box.address}:copied", tmp_path / "back"]
        assert subprocess.run(there, capture_output=True).returncode == 0
        assert box.say("sha256sum < copied").split()[0] == hashlib.sha256(data).hexdigest()
        assert subprocess.run(back, capture_output=True).returncode == 0
        assert (tmp_path / "back").read_bytes() == data
    box.say("rm copied")


@pytest.mark.skipif(not shutil.which("rsync"), reason="rsync is not installed")
def test_rsync_copies_a_tree(box, tmp_path):
    (tmp_path / "tree/a").mkdir(parents=True)
    (tmp_path / "tree/a/b").write_text("hello")
    shell = " ".join(f"'{word}'" for word in ["ssh", *box.options])
    words = ["rsync", "-a", "-e", shell, tmp_path / "tree", f"ubuntu@{box.address}:"]
    assert subprocess.run(words, capture_output=True).returncode == 0
    assert box.say("cat tree/a/b; rm -r tree") == "hello"


def test_sftp_begins_in_the_home(box, connection):
    with connection.open_sftp() as sftp:
        assert sftp.normalize(".") == os.path.realpath(box.say("pwd"))
        sftp.putfo(io.BytesIO(b"x" * 200_000), "by-sftp")
        sftp.posix_rename("by-sftp", "renamed")
        assert sftp.stat("renamed").st_size == 200_000
        assert sftp.open("renamed").read(3) == b"xxx"
        sftp.remove("renamed")
        with pytest.raises(FileNotFoundError):
            sftp.stat("renamed")


def test_paramiko_runs_commands_side_by_side(connection):
    streams = [connection.exec_command(f"sleep 0.2; echo {number}") for number in range(8)]
    assert [stdout.read() for _, stdout, _ in streams] == [f"{number}\n".encode() for number in range(8)]


def test_another_host_key_is_refused(box):
    pinned = (box.folder / "known_hosts").read_text()
    (box.folder / "known_hosts").write_text(f"box {key_pair()[1]}\n")
    assert "HOST IDENTIFICATION HAS CHANGED" in box.run("true").stderr
    (box.folder / "known_hosts").write_text(pinned)


def test_another_key_or_user_does_not_get_in(box):
    mine = (box.folder / "key").read_text()
    (box.folder / "key").write_text(key_pair()[0])
    assert "Permission denied" in box.run("true").stderr
    (box.folder / "key").write_text(mine)
    words = ["ssh", *box.options, f"root@{box.address}", "true"]
    assert b"Permission denied" in subprocess.run(words, capture_output=True).stderr


def test_a_nohup_job_outlives_its_client(box):
    job = box.start("nohup sh -c 'echo $$ > pid; sleep 1; echo done > result' >/dev/null 2>&1 </dev/null & sleep 60")
    wait_until(lambda: box.run("test -s pid").returncode == 0)
    job.kill()
    wait_until(lambda: box.run("test -s result").returncode == 0)
    box.say("rm pid result")


def test_a_command_that_writes_to_a_gone_client_gets_sigpipe(box):
    talker = box.start("echo $$; exec yes")
    pid = int(talker.stdout.readline())
    talker.kill()
    talker.stdout.close()
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_pushed_key_opens_the_machine_for_a_minute(cloud, box):
    connect = client(cloud, "ec2-instance-connect")
    private, public = key_pair()
    mine = (box.folder / "key").read_text()
    (box.folder / "key").write_text(private)
    push = {"InstanceOSUser": "ubuntu", "SSHPublicKey": public}
    try:
        connect.send_ssh_public_key(InstanceId=box.id, **push)
        assert box.run("true").returncode == 0
        orders.advance(cloud, 61)
        assert "Permission denied" in box.run("true").stderr
    finally:
        (box.folder / "key").write_text(mine)
    with pytest.raises(connect.exceptions.EC2InstanceNotFoundException):
        connect.send_ssh_public_key(InstanceId="i-0123456789abcdef0", **push)


def test_cut_breaks_the_connections_and_lets_new_ones_in(cloud, box):
    waiting = box.start("sleep 60")
    wait_until(lambda: "sleep 60" in [entry["command"] for entry in orders.ssh_log(cloud)])
    orders.cut(cloud, box.id)
    assert waiting.wait(timeout=5) == 255
    assert box.say("pkill -f '^sleep 60' && echo it went on") == "it went on"


def test_freeze_moves_no_byte_and_thaw_loses_none(cloud, box):
    counting = box.start("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.1; done")
    assert counting.stdout.readline() == "1\n"
    orders.freeze(cloud, box.id)
    time.sleep(1)
    assert counting.poll() is None
    assert box.run("true", timeout=20).returncode == 255  # nobody answers
    orders.thaw(cloud, box.id)
    assert counting.stdout.read().split()[-1] == "8"
    assert counting.wait(timeout=5) == 0


def test_port_forwarding_reaches_the_machines_own_ports(box):
    server = box.start("exec python3 -u -m http.server --bind 127.0.0.1 18765")
    try:
        ask = ["ssh", *box.options, "-W", "127.0.0.1:18765", f"ubuntu@{box.address}"]
        question = b"GET / HTTP/1.0\r\n\r\n"

        def answer():
            return b"200 OK" in subprocess.run(ask, input=question, capture_output=True, timeout=10).stdout

        wait_until(answer)
    finally:
        server.send_signal(signal.SIGTERM)
        box.run("pkill -f 'http.server --bind 127.0.0.1 18765'")
        server.wait()


def test_the_log_knows_connections_and_commands(cloud, box):
    box.say("echo noted")
    events = [(entry["event"], entry["command"]) for entry in orders.ssh_log(cloud) if entry["instance"] == box.id]
    assert ("command", "echo noted") in events and ("connect", "") in events
