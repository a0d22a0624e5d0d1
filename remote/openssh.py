"""OpenSSH's ssh, for large files, for a person, and through a bastion: with the one host key that remote.host accepts.

login: a remote.host.Login.
"""

import shlex

import paramiko

ALIAS = "gpu-job"  # the one name in a run's known_hosts: addresses change, the key does not
CONNECT_TIMEOUT_S = 10
KEEPALIVE_S = 15
FAST_CIPHERS = "^aes128-gcm@openssh.com"  # first, if both ends have it: half the work of OpenSSH's own first choice


def command(login):
    """The ssh command that trusts what remote.host trusts, for large files and for a person, as a list of words."""
    options = ["StrictHostKeyChecking=yes", "BatchMode=yes", f"ConnectTimeout={CONNECT_TIMEOUT_S}"]
    options += [f"ServerAliveInterval={KEEPALIVE_S}", f"Ciphers={FAST_CIPHERS}"]
    if login.key:
        options += [f'IdentityFile="{login.key.resolve()}"', "IdentitiesOnly=yes"]
    if login.known_hosts:
        options += [f'UserKnownHostsFile="{login.known_hosts.resolve()}"', f"HostKeyAlias={ALIAS}"]
    if login.port != 22:
        options.append(f"Port={login.port}")
    if way := gateway(login):
        options.append(f"ProxyCommand={way}")
    return ["ssh", "-F", str(config(login) or "none")] + [word for option in options for word in ("-o", option)]


def gateway(login):
    """What leads there by a ProxyJump of ssh_config: a command of OpenSSH's; it trusts of a bastion what `ssh` trusts.

    Fabric's own way accepts any key of a bastion, and OpenSSH's fails where the path of ssh_config has a space. None
    without a ProxyJump; False where it is "none".
    """
    path = config(login)
    configured = paramiko.SSHConfig.from_path(str(path)).lookup(login.address) if path else {}
    hops = configured.get("proxyjump", "")
    if hops.lower() in ("", "none"):
        return False if hops else None
    *before, last = hops.split(",")
    name = configured.get("hostname", login.address)
    port = login.port if login.port != 22 else configured.get("port", 22)
    target = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    jump = ["-J", ",".join(before)] if before else []
    return shlex.join(["ssh", "-F", str(path), "-o", "BatchMode=yes", *jump, "-W", target, f"ssh://{last}"])


def config(login):
    """The ssh_config to honour, as a Path; None where there is none."""
    return login.ssh_config if login.ssh_config and login.ssh_config.exists() else None
