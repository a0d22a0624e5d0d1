"""Something that a user should know of, though no run ends by it."""

from remote.errors import Failure


class Doubt(Failure):
    """Found by the doctor; never ends a command."""

    exit_code = 0
