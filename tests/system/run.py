"""A run's folder on an instance, made as the product makes it, with a job of a few lines of Python."""

from dataclasses import dataclass
from pathlib import Path

from remote import host as hosts
from remote import transfer
from tests.system.instance import PYTHON, Instance, shell, wait_until

GRACE_S = 3600


@dataclass(frozen=True)
class Run:
    """folder: on the instance, relative to the login user's home."""

    instance: Instance
    machine: hosts.Host
    folder: str

    @property
    def start_command(self):
        return shell("bash", f"{self.folder}/scripts/start-job.sh", self.folder, PYTHON, "tiny", GRACE_S)

    def start(self):
        """The pid of its wrapper."""
        return int(hosts.run(self.machine, self.start_command).text)

    def stop(self, patience_s):
        hosts.script(self.machine, "stop-job.sh", self.folder, patience_s)

    def path(self, name):
        """One of its files, as it can be opened from here."""
        return self.instance.path(f"{self.folder}/{name}")

    def read(self, name):
        """The bytes of one of its files; none while it isn't there."""
        path = self.path(name)
        return path.read_bytes() if path.exists() else b""

    def exit_code(self, seconds=30):
        """The job's exit code, once it has ended."""
        wait_until(self.path("exit_code").exists, seconds)
        return int(self.read("exit_code"))

    def alive(self):
        """Command lines of living processes that belong to it."""
        return [words for words in self.instance.tree().values() if self.folder in words]


def prepare(instance, machine, folder, source, tmp_path):
    """A Run whose job has this source, ready to be started."""
    job = tmp_path / "tiny.py"
    job.write_text(source)
    parameters = tmp_path / "params.json"
    parameters.write_text("{}")
    sources = {f"scripts/{path.name}": path for path in Path(hosts.SCRIPTS).glob("*.sh")}
    transfer.push(machine, sources | {"code/jobs/tiny.py": job, "params.json": parameters}, folder)
    return Run(instance, machine, folder)
