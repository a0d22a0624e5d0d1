"""How a text begins in which somebody speaks somewhere, for models that have learnt conversations."""

from jobs.parameters import NotFound
from jobs.text import description


def opening(folder, person, channel):
    """The start of a prompt: the channel's line, the person's name; "" for neither.

    folder: of the model. Names may be shortened where that leaves one. Raises NotFound for names it has not learnt.
    """
    if not person and not channel:
        return ""
    known = description.read(folder)
    start = f"#{_one('channel', channel.lstrip('#'), description.texts(known, 'channels'))}\n" if channel else ""
    return start + (f"{_one('person', person.lstrip('@'), description.texts(known, 'people'))}: " if person else "")


def _one(kind, name, names):
    """The name among names that equals the given one, capitals aside, or is the only one to begin so."""
    alike = [other for other in names if other.lower() == name.lower()]
    alike = alike or [other for other in names if other.lower().startswith(name.lower())]
    if len(alike) != 1:
        found = f"There are: {', '.join(names[:20])}" if names else "This run has learnt no conversations"
        raise NotFound(f"Expected the name of one {kind}, got {name!r}. {found}.")
    return alike[0]
