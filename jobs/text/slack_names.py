"""What the ids in a Slack export stand for: people, channels, groups of people."""

from dataclasses import dataclass

from jobs.text.slack_archive import CONVERSATIONS, PEOPLE, index, text

DIRECT = ("dms.json", "mpims.json")  # their conversations are named by who is in them
SLACKBOT = "USLACKBOT"
CANVAS = "FC:"  # how the name of what is said about a canvas begins


@dataclass(frozen=True)
class Person:
    """Somebody, or a bot."""

    name: str  # as Slack shows it
    user_name: str = ""
    is_bot: bool = False


@dataclass(frozen=True)
class Names:
    """By their ids, and the folders by themselves."""

    people: dict  # of Person; grows when somebody speaks whom the export does not list
    channels: dict  # of shown names, direct messages among them
    folders: dict  # of the days of a conversation: its shown name
    groups: dict  # of handles

    def person(self, identity):
        """What is shown for a person's id."""
        return self.people[identity].name if identity in self.people else "someone"


def read(archive):
    """The Names of an export. Raises BadInput for damaged lists."""
    people = {text(row, "id"): _person(row) for name in PEOPLE for row in index(archive, name) if text(row, "id")}
    groups = {text(row, "id"): text(row, "handle") or text(row, "name") for row in index(archive, "usergroups.json")}
    names = Names(people, {}, {}, groups)
    with_days = {name.rpartition("/")[0] for name in archive}
    for name in CONVERSATIONS:
        for row in index(archive, name):
            _add_conversation(names, row, name in DIRECT, with_days)
    return names


def meet(names, row):
    """Learn from a message who its speaker is, for those of another organisation, whom users.json does not list."""
    identity, profile = text(row, "user"), row.get("user_profile")
    if identity and identity not in names.people and isinstance(profile, dict):
        names.people[identity] = _person({"id": identity, "name": text(profile, "name"), "profile": profile})


def speaker(names, identity):
    """The Person with an id, whether listed or not."""
    return names.people.get(identity) or Person(f"Someone {identity}", is_bot=identity in ("", SLACKBOT))


def _person(row):
    """The display name is what Slack shows, or the real name, or the user name."""
    profile = row.get("profile") if isinstance(row.get("profile"), dict) else {}
    shown = [text(profile, "display_name"), text(row, "real_name"), text(profile, "real_name"), text(row, "name")]
    name = next(filter(None, map(_in_one_line, shown)), f"Someone {text(row, 'id')}")
    return Person(name, text(row, "name"), bool(row.get("is_bot")) or text(row, "id") == SLACKBOT)


def _in_one_line(name):
    """A name that can stand at the beginning of a line and before a colon."""
    return " ".join(name.replace(":", " ").lstrip("# ").split())


def _add_conversation(names, row, is_direct, with_days):
    """Enter a row of channels.json or dms.json: its folder has its name, or its id."""
    identity, name = text(row, "id"), text(row, "name")
    if name.startswith(CANVAS):
        return
    members = row.get("members") if is_direct and isinstance(row.get("members"), list) else []
    together = " and ".join(names.person(member) for member in members if isinstance(member, str))
    shown = _in_one_line(together or name or identity)
    names.channels[identity] = shown
    names.folders.update({folder: shown for folder in (name, identity) if folder and folder in with_days})
