"""What can go wrong, in the user's words, each with its exit code.

Failure           1     a message: what happened, what was expected, what to type next
├── Usage         2     a wrong word, value or setting; nothing was rented
├── NotFound      3     no such run, job, volume, file
├── NoCapacity    4     AWS has none of the machines asked for, or the quota is too small
├── JobFailed     5     the job itself ended with an error
├── TimedOut      6     a wait, the deadline or the budget is over
├── Denied        7     credentials are missing, expired or not allowed to do this
├── Unverified    8     results are not home, or not what the instance had
├── Busy          9     another command works on this run
└── Interrupted 130     Ctrl-C, SIGTERM, SIGHUP
"""

from invoke.exceptions import Exit


class Failure(Exit):
    """One line for the user and a documented exit code; Invoke and Fabric print and exit by themselves."""

    exit_code = 1

    def __init__(self, message):
        super().__init__(message, self.exit_code)

    def __str__(self):
        return self.message


class Usage(Failure):
    exit_code = 2


class NotFound(Failure):
    exit_code = 3


class NoCapacity(Failure):
    """elsewhere: whether another zone of the region might do, which doesn't help where a quota is the trouble."""

    exit_code = 4

    def __init__(self, message, elsewhere=True):
        super().__init__(message)
        self.elsewhere = elsewhere


class JobFailed(Failure):
    exit_code = 5


class TimedOut(Failure):
    exit_code = 6


class Denied(Failure):
    exit_code = 7


class Unverified(Failure):
    exit_code = 8


class Busy(Failure):
    exit_code = 9


class Interrupted(Failure):
    exit_code = 130
