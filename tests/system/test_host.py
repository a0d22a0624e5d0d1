"""remote/host.py against the real OpenSSH server: who is let in, who is refused, and what a silence means."""

import dataclasses
import subprocess
import threading
import time

import pytest

from remote import boot, openssh, rsync, stream
from remote import host as hosts
from remote.errors import Denied, TimedOut
from remote.host import CommandFailed, Disconnected


def test_a_command_gets_its_bytes_and_gives_them_back(machine):
    every_byte = bytes(range(256)) * 1000
    output = hosts.run(machine, "cat; echo failing >&2; exit 3", every_byte, check=False)
    assert output == hosts.Output(3, every_byte, b"failing\n")


def test_a_command_may_say_much_on_both_streams(machine):
    flood = "head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero"
    output = hosts.run(machine, flood, wait_s=5)
    assert (len(output.stdout), len(output.stderr)) == (5_000_000, 5_000_000)


def test_a_failed_command_is_told_by_its_last_line(machine):
    with pytest.raises(CommandFailed, match="No such file"):
        hosts.run(machine, "echo first >&2; cat /nowhere")


def test_a_command_ended_by_a_signal_has_no_exit_code(machine):
    assert hosts.run(machine, "kill -KILL $$", check=False).code == -1


def test_a_script_runs_as_the_login_user_without_being_there(machine):
    output = hosts.script(machine, "gpu.sh", check=False)
    assert output.code == 3 and output.stderr == b"no GPU on this machine: nvidia-smi is not installed\n"
    assert hosts.run(machine, "whoami; pwd").text.split() == ["ubuntu", "/home/ubuntu"]


@pytest.fixture
def stranger(instance, tmp_path):
    """The instance's Login, with the host key of another machine pinned."""
    pinned = tmp_path / "known hosts"
    pinned.write_text(f"{openssh.ALIAS} {boot.new_key()[1]}\n")
    return dataclasses.replace(instance.login, known_hosts=pinned)


def test_another_host_key_is_refused_at_once(stranger):
    began = time.monotonic()
    with pytest.raises(Denied, match="another host key") as refused:
        hosts.connect(stranger, wait_s=30)
    assert refused.value.code == 7
    assert time.monotonic() - began < 10


def test_rsync_and_people_get_an_ssh_that_refuses_it_too(instance, stranger):
    def ssh(login):
        command = [*openssh.command(login), f"{login.user}@{login.address}", "whoami"]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    assert ssh(instance.login).stdout == "ubuntu\n"
    refused = ssh(stranger)
    assert refused.returncode == 255 and "Host key verification failed" in refused.stderr


def test_a_client_key_that_is_not_accepted_ends_in_words(instance, tmp_path):
    boot.write_key(tmp_path / "other", boot.new_key()[0])
    with pytest.raises(TimedOut, match="Authentication failed"):
        hosts.connect(dataclasses.replace(instance.login, key=tmp_path / "other"), wait_s=0.5)


BASTION_PORT = 2222


@pytest.fixture
def bastion(instance, tmp_path):
    """(Login, known_hosts of the bastion): the instance behind a bastion, both as ssh_config describes them.

    The bastion is an SSH server with a key and a port of its own. Behind it, 127.0.0.1 is the instance.
    """
    private, public = boot.new_key()
    instance.path("/run/bastion").mkdir()
    boot.write_key(instance.path("/run/bastion/key"), private)
    server = (
        f"/usr/sbin/sshd -p {BASTION_PORT} -h /run/bastion/key -o PidFile=/run/bastion/pid -f /dev/null -o UsePAM=no"
    )
    instance.root(server)
    known, config = tmp_path / "known of bastion", tmp_path / "ssh config"
    known.write_text(f"[{instance.login.address}]:{BASTION_PORT} {public}\n")
    config.write_text(
        f"Host bastion\n  HostName {instance.login.address}\n  Port {BASTION_PORT}\n  User ubuntu\n"
        f'  IdentityFile "{instance.login.key}"\n  UserKnownHostsFile "{known}"\n'
        "Host 127.0.0.1\n  ProxyJump bastion\n"
    )
    yield dataclasses.replace(instance.login, address="127.0.0.1", ssh_config=config), known
    instance.root("kill $(cat /run/bastion/pid); rm -r /run/bastion")


def test_an_instance_behind_a_bastion_is_reached_and_its_own_key_is_still_the_pinned_one(bastion, stranger, tmp_path):
    login, _known = bastion
    machine = hosts.connect(login, wait_s=10)
    assert hosts.run(machine, 'echo "$(whoami) ${SSH_CLIENT%% *}"').text == "ubuntu 127.0.0.1"
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    rsync.send(machine, tmp_path / "large", "through the bastion")
    stream.fetch(machine, "through the bastion", tmp_path / "back", 100_000)
    assert (tmp_path / "back").read_bytes() == b"x" * 100_000
    hosts.close(machine)
    with pytest.raises(Denied, match="another host key"):
        hosts.connect(dataclasses.replace(login, known_hosts=stranger.known_hosts), wait_s=10)


def test_a_bastion_with_another_key_than_the_known_one_is_not_gone_through(bastion):
    login, known = bastion
    known.write_text(f"{known.read_text().split()[0]} {boot.new_key()[1]}\n")
    with pytest.raises(TimedOut, match="by hand: ssh -F .* -W 127.0.0.1:22 ssh://bastion"):
        hosts.connect(login, wait_s=1)


def test_ssh_config_is_honoured(instance, tmp_path):
    config = tmp_path / "ssh config"
    config.write_text(f"Host 203.0.113.9\n  HostName {instance.login.address}\n  Port 22\n")
    login = dataclasses.replace(instance.login, address="203.0.113.9", ssh_config=config)
    machine = hosts.connect(login, wait_s=5)
    assert hosts.run(machine, "whoami").text == "ubuntu"
    hosts.close(machine)


@pytest.fixture
def start_server(instance):
    """Stops the SSH server and yields what starts it again; at the end it runs, whatever the test did."""
    instance.root("server=$(cat /run/sshd/pid); kill $server; while kill -0 $server 2>/dev/null; do sleep 0.02; done")
    alive = "kill -0 $(cat /run/sshd/pid) 2>/dev/null"
    server = "/usr/sbin/sshd -D -e -f /run/sshd/sshd_config >>/run/sshd/log 2>&1 & echo $! >/run/sshd/pid"
    yield lambda: instance.root(f"{alive} || {{ {server}; }}")
    instance.root(f"{alive} || {{ {server}; }}")


def test_a_server_that_is_not_up_yet_is_waited_for(instance, start_server):
    with pytest.raises(TimedOut, match="No SSH answer"):
        hosts.connect(instance.login, wait_s=0.5)
    late = threading.Timer(1, start_server)
    late.start()
    machine = hosts.connect(instance.login, wait_s=20)
    late.join()
    assert hosts.run(machine, "whoami").text == "ubuntu"
    hosts.close(machine)


def test_a_frozen_server_is_noticed_in_time(instance, machine):
    instance.root("pkill -STOP -f '^sshd: ubuntu'")
    began = time.monotonic()
    with pytest.raises(Disconnected, match="broke"):
        hosts.run(machine, "true", wait_s=1)
    assert time.monotonic() - began < 5
    instance.root("pkill -CONT -f '^sshd: ubuntu'")


def test_a_network_that_swallows_everything_is_noticed_in_time(instance, machine):
    with instance.unplugged():
        began = time.monotonic()
        with pytest.raises(Disconnected, match="broke"):
            hosts.run(machine, "true", wait_s=1)
        assert time.monotonic() - began < 5


def test_a_cut_connection_is_told_at_once_and_the_next_one_works(instance, machine):
    cut = threading.Timer(0.5, instance.cut)
    cut.start()
    began = time.monotonic()
    with pytest.raises(Disconnected):
        hosts.run(machine, "sleep 30", wait_s=20)
    assert time.monotonic() - began < 10
    cut.join()
    with pytest.raises(Disconnected):
        hosts.run(machine, "true")
    again = hosts.connect(instance.login, wait_s=10)
    assert hosts.run(again, "whoami").text == "ubuntu"
    hosts.close(again)
