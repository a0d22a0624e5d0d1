"""Booting: what cloud-init makes of user-data, in the order and at the moments measured on a real machine.

    bootcmd, one line after the other, before any sshd
    write_files, host key, authorised keys, sshd
    runcmd, then the user-data script, well after sshd is up

The seconds are about a tenth of a real machine's. A line that fails is logged and the boot goes on.
"""

import asyncio
import base64
import subprocess

from remote.embedded import processes, ssh, userdata

KERNEL_S = 0.3  # from power-on to bootcmd
NETWORK_S = 0.2  # from bootcmd to sshd
FINAL_S = 0.3  # from sshd to runcmd and the script


async def run(box, machine, first):
    """Boot; returns when the last line of user-data has run."""
    config, script, warning = userdata.read(base64.b64decode(str(machine.instance.user_data or "")))
    say(machine, f"Linux on {machine.instance.instance_type}, instance {machine.id}")
    if warning:
        say(machine, f"cloud-init: WARNING: {warning}")
    machine.stage = "bootcmd"
    await asyncio.sleep(KERNEL_S)
    await _run_lines(box, machine, "bootcmd", config.get("bootcmd"))
    machine.stage = "boot"
    await asyncio.sleep(NETWORK_S)
    if first:
        _write_files(machine, config.get("write_files"))
    await _start_ssh(box, machine, config)
    await asyncio.sleep(FINAL_S)
    machine.stage = "up"
    if first:
        await _run_lines(box, machine, "runcmd", config.get("runcmd"))
        await _run_script(box, machine, script)
    say(machine, "cloud-init: finished")


def say(machine, text):
    """A line, or several, on the console."""
    with machine.console.open("a") as console:
        console.write(text + "\n")


async def _run_lines(box, machine, name, lines):
    """Run the lines of bootcmd or runcmd: text through sh, a list as it is."""
    for line in lines if isinstance(lines, list) else []:
        words = [str(word) for word in line] if isinstance(line, list) else ["/bin/sh", "-c", str(line)]
        code = await command(box, machine, words)
        if code:
            say(machine, f"cloud-init: WARNING: {name} line failed with exit code {code}: {line}")


async def _run_script(box, machine, script):
    if not script:
        return
    path = machine.folder / "run/user-data-script"
    path.write_bytes(script)
    path.chmod(0o700)
    code = await command(box, machine, [str(path)])
    if code:
        say(machine, f"cloud-init: WARNING: the user-data script failed with exit code {code}")


async def command(box, machine, words):
    """Run one command to its end, its output on the console; returns the exit code, 127 if there is no such command.

    What it left in the background is not waited for: its output goes to the console's file, not to a pipe.
    """
    env = processes.environment(box, machine, "root")
    with machine.console.open("ab") as console:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                env=env,
                cwd=env["HOME"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        except OSError as wrong:
            say(machine, f"cloud-init: WARNING: {words[0]}: {wrong.strerror}")
            return 127
    return await process.wait()


def _write_files(machine, files):
    """cloud-init's write_files; the machine's folder stands for "/". Owners are left alone: there is one user."""
    for entry in files if isinstance(files, list) else []:
        try:
            _write_file(machine.folder, **entry)
        except (OSError, TypeError, ValueError) as wrong:
            say(machine, f"cloud-init: WARNING: write_files: {entry}: {wrong}")


def _write_file(root, path, content="", encoding="", append=False, permissions="0644", **_):
    target = root / path.lstrip("/")
    if ".." in target.parts:
        raise ValueError("the path leads out of the machine")
    data = base64.b64decode(content) if encoding in ("b64", "base64") else content.encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab" if append else "wb") as file:
        file.write(data)
    target.chmod(int(str(permissions), 8))


async def _start_ssh(box, machine, config):
    """Host key and authorised keys in place, then sshd; the console shows the host key as cloud-init prints it."""
    keys = [str(key).strip() for key in config.get("ssh_authorized_keys") or []]
    keys += _launch_key(machine.instance)
    authorized = machine.home / ".ssh/authorized_keys"
    if not authorized.exists():
        authorized.write_text("".join(key + "\n" for key in keys))
        authorized.chmod(0o600)
    host_key = ssh.host_key((config.get("ssh_keys") or {}).get("ed25519_private"))
    await ssh.open_host(box, machine, host_key)
    public = host_key.export_public_key().decode().strip()
    fingerprint = f"256 {host_key.get_fingerprint()} root@ip-{machine.instance.private_ip.replace('.', '-')} (ED25519)"
    for title, line in (("FINGERPRINTS", fingerprint), ("KEYS", public)):
        say(machine, f"-----BEGIN SSH HOST KEY {title}-----\n{line}\n-----END SSH HOST KEY {title}-----")


def _launch_key(instance):
    """The public key of the key pair that the instance was launched with, as a list of at most one."""
    pair = instance.ec2_backend.key_pairs.get(instance.key_name)
    return [pair.public_key.strip()] if pair else []
