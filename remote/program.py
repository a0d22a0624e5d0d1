"""The command line as a whole: Fabric's own, with our exit codes, one-line errors and signals."""

import contextlib
import os
import sys

from fabric.executor import Executor
from fabric.main import Fab
from invoke.config import AmbiguousMergeError
from invoke.exceptions import ParseError

from remote import runs, signals, story
from remote.configuration import Configuration
from remote.errors import Failure, Interrupted, Usage
from remote.explain import aws_errors, explain


class Program(Fab):
    """Fabric's program with the tasks of one fabfile."""

    def create_config(self):
        with _configuration_errors():
            super().create_config()

    def update_config(self):
        with _configuration_errors():
            super().update_config()

    def parse_core(self, argv):
        with _usage_errors():
            super().parse_core(argv)

    def parse_tasks(self):
        with _usage_errors():
            super().parse_tasks()

    def execute(self):
        """Run the tasks; whatever goes wrong is told, and leaves as a Failure, which sets the exit code."""
        signals.listen()
        try:
            super().execute()
        except Failure as failure:
            raise self._told(failure) from None
        except aws_errors() as error:
            raise self._told(explain(error)) from None
        except KeyboardInterrupt:
            raise self._told(Interrupted("Interrupted.")) from None
        except BrokenPipeError:
            raise
        except OSError as error:  # a full disk, a folder that isn't ours
            where = f" ({error.filename})" if error.filename else ""
            words = f"This machine refused: {error.strerror or error}{where}. Make room or rights, then: bin/fab resume"
            raise self._told(Failure(words)) from None
        finally:
            story.finish()
            signals.ignore()

    def _told(self, failure):
        """The failure, having said it, with the program's name in front as users of a shell expect it."""
        story.complain(f"{self.binary}: {failure.message}")
        failure.message = ""  # Invoke would print it again, and stumble where nobody reads stderr
        return failure


def main(collection, argv=None):
    """Run the command line with the tasks of an Invoke collection, and exit."""
    program = Program(
        name="ec2-gpu-jobs",
        binary="fab",
        namespace=collection,
        version="0.1.0",
        executor_class=Executor,
        config_class=Configuration,
    )
    with contextlib.suppress(BrokenPipeError):
        program.run(with_run_options(sys.argv if argv is None else argv))
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `fab runs | head`: nobody reads on


def with_run_options(words):
    """The words of a command line, where a run's id that stands alone means --run ID: `fab compare ID ID`."""
    spelled = []
    for word in words:
        named = runs.RUN_ID.fullmatch(word) and spelled[-1:] != ["--run"]
        spelled += ["--run", word] if named else [word]
    return spelled


@contextlib.contextmanager
def _configuration_errors():
    """Say of whom a refusal is; execute() says it of all that comes later."""
    try:
        yield
    except Usage as wrong:
        raise Usage(f"fab: {wrong.message}") from None
    except AmbiguousMergeError as wrong:
        raise Usage(f"fab: A setting of Fabric's own has another form than it expects: {wrong}.") from None


@contextlib.contextmanager
def _usage_errors():
    """Invoke exits with 1 on a wrong option; here that is 2, and it says where to look."""
    try:
        yield
    except ParseError as error:
        told = str(error).rstrip(".!")  # Invoke's own words end with one, or with both
        raise Usage(f"fab: {told}. See what there is: bin/fab --list, bin/fab --help TASK") from None
    except ValueError as error:  # of Invoke's int("few")
        got = str(error).rpartition(": ")[2]
        raise Usage(f"fab: Expected a whole number, got {got}. See: bin/fab --help TASK") from None
