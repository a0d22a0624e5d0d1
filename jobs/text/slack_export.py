"""A Slack export, the zip or its folder, as conversations that a reader would wish for.

    #general
    Alice: lunch?
    Bob Stone: in ten minutes
      at the door

A conversation is a thread, or the messages of a channel without a pause of an hour; a line that begins with two spaces
goes on with the message above. Format: https://slack.com/help/articles/220556107
"""

import datetime
import html
import json
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jobs.parameters import BadInput

PAUSE_SECONDS = 3600
FILE_LIMIT = 256 << 20  # bytes of one file of the export, unpacked
# Of zipfile and json: no JSON, a broken or encrypted entry, an unknown method, arrays in arrays without end.
DAMAGE = (ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)
SPOKEN = (None, "thread_broadcast", "me_message", "file_share")  # every other subtype is a notice: joins, topics, bots


@dataclass(frozen=True)
class Selection:
    """Whose messages are taken, from where and when. Empty: all."""

    people: tuple[str, ...] = ()  # names as Slack shows them, or user names
    channels: tuple[str, ...] = ()
    since: str = ""  # YYYY-MM-DD, the first day
    until: str = ""  # the last day


@dataclass(frozen=True)
class Message:
    channel: str
    person: str
    text: str
    time: float  # seconds since 1970
    thread: float  # the time of the message that it answers, or its own


def conversations(path, selection):
    """The selected messages as text, one str a conversation, by their beginnings.

    Raises BadInput for what is no export, and for people and channels that are not in it.
    """
    try:
        return _conversations(_open(Path(path).expanduser()), selection)
    except BadInput:
        raise
    except (AttributeError, KeyError, TypeError, OverflowError, *DAMAGE) as wrong:
        raise BadInput(f"{path} is not as Slack writes exports: {type(wrong).__name__}: {wrong}") from None


def _conversations(archive, selection):
    users = {user["id"]: user for user in _read_json(archive, "users.json")}
    names = {identity: _name(user) for identity, user in users.items()}
    channels = _channels(archive, names)
    _check_names("person", selection.people, {*names.values(), *(user["name"] for user in users.values())})
    _check_names("channel", selection.channels, {*channels.values()})
    groups = [
        group
        for folder, channel in channels.items()
        if not selection.channels or _is_among(channel, selection.channels)
        for group in _grouped(_messages(_rows(archive, folder, selection), channel, users, names, selection))
    ]
    return [_as_text(group) for group in sorted(groups, key=lambda group: group[0].time)]


def speakers(text):
    """{"people": [...], "channels": [...]} of conversations that come as text in pieces."""
    lines = "".join(text).splitlines()
    people = {line.partition(": ")[0] for line in lines if ": " in line and not line.startswith((" ", "#"))}
    return {"people": sorted(people), "channels": sorted({line[1:] for line in lines if line.startswith("#")})}


def _messages(rows, channel, users, names, selection):
    for row in rows:
        if _is_wanted(row, users, selection) and (text := _readable(row, names)):
            thread = float(row.get("thread_ts", row["ts"]))
            yield Message(channel, names[row["user"]], text, float(row["ts"]), thread)


def _open(path):
    """{name: function that returns the bytes} of the export's files, paths as Slack has them."""
    if path.is_dir():
        files = {file.relative_to(path).as_posix(): file.read_bytes for file in path.rglob("*.json")}
    elif zipfile.is_zipfile(path):
        archive = zipfile.ZipFile(path)
        files = {entry.filename: lambda entry=entry: _unpacked(archive, entry) for entry in archive.infolist()}
    else:
        raise BadInput(f"Expected a Slack export, the .zip or its folder, got {path}.")
    if "users.json" not in files or "channels.json" not in files:
        raise BadInput(f"Expected users.json and channels.json in the Slack export {path}, found neither or one.")
    return files


def _unpacked(archive, entry):
    """The bytes of a zip's file, in memory: nothing is written, whatever its name. Raises BadInput for a bomb."""
    if entry.file_size > FILE_LIMIT:
        raise BadInput(f"{entry.filename} in the Slack export unpacks to {entry.file_size:,} bytes. Expected a day's.")
    return archive.read(entry)


def _read_json(archive, name):
    try:
        return json.loads(archive[name]())
    except DAMAGE as wrong:
        if isinstance(wrong, BadInput):
            raise
        raise BadInput(f"{name} in the Slack export is damaged: {wrong}") from None


def _name(user):
    """What Slack shows: the display name, or the real name, or the user name."""
    profile = user.get("profile", {})
    shown = profile.get("display_name") or user.get("real_name") or profile.get("real_name") or user["name"]
    return " ".join(shown.replace(":", " ").split())


def _channels(archive, names):
    """{folder: shown name}: a channel's name is its folder's; direct messages are named by who is in them."""
    listed = [row for name in ("channels.json", "groups.json") if name in archive for row in _read_json(archive, name)]
    direct = [row for name in ("dms.json", "mpims.json") if name in archive for row in _read_json(archive, name)]
    shown = {row["name"]: row["name"] for row in listed}
    for row in direct:
        shown[row.get("name") or row["id"]] = " and ".join(names.get(user, "someone") for user in row["members"])
    return shown


def _check_names(kind, wanted, known):
    for name in wanted:
        if not _is_among(name, known):
            raise BadInput(f"No {kind} {name!r} in the export. There are: {', '.join(sorted(known)[:20])}.")


def _is_among(name, names):
    return name.lower().lstrip("#@") in {other.lower().lstrip("#@") for other in names}


def _rows(archive, folder, selection):
    """The messages of the selected days; a file is a day: FOLDER/YYYY-MM-DD.json."""
    for name in sorted(name for name in archive if name.startswith(f"{folder}/") and name.endswith(".json")):
        day = Path(name).stem
        if (selection.since or day) <= day <= (selection.until or day):
            yield from _read_json(archive, name)


def _is_wanted(row, users, selection):
    """Whether a person said it, and one of those selected."""
    user = users.get(row.get("user"))
    if row.get("type") != "message" or row.get("subtype") not in SPOKEN or row.get("bot_id") or user is None:
        return False
    if user.get("is_bot") or user["id"] == "USLACKBOT":
        return False
    return not selection.people or any(_is_among(name, selection.people) for name in (_name(user), user["name"]))


def _readable(row, names):
    """The text as a reader sees it: names for ids, the words of links, no code blocks, files by name."""
    text = re.sub(r"```.*?```", "(code)", row.get("text") or "", flags=re.DOTALL)
    text = re.sub(r"<([^<>]+)>", lambda match: _reference(match[1], names), text)
    text = re.sub(r":skin-tone-\d:", "", html.unescape(text))
    files = [f"({file.get('name') or 'file'})" for file in row.get("files") or []]
    lines = [" ".join(line.split()) for line in [*text.splitlines(), *files]]
    return "\n  ".join(filter(None, lines))


def _reference(inside, names):
    """What stands for <@U1>, <#C1|general>, <!here>, <https://example.com/long|words>."""
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return "@" + names.get(target[1:], label or "someone")
    if target.startswith("#"):
        return "#" + (label or "channel")
    if target.startswith("!"):
        return label or "@" + target[1:].partition("^")[0]
    return label or urlsplit(target).hostname or target.removeprefix("mailto:")


def _grouped(messages):
    """Conversations, each a list of messages in order: threads whole, the rest of the channel cut at pauses."""
    messages = sorted(messages, key=lambda message: message.time)
    threads = {message.thread: [] for message in messages if message.thread != message.time}
    talks = []
    for message in messages:
        if message.thread in threads:
            threads[message.thread].append(message)
        elif talks and message.time - talks[-1][-1].time <= PAUSE_SECONDS:
            talks[-1].append(message)
        else:
            talks.append([message])
    return [*threads.values(), *talks]


def _as_text(group):
    return f"#{group[0].channel}\n" + "".join(f"{message.person}: {message.text}\n" for message in group) + "\n"


def day(text):
    """A date as Slack's files are named, or "" for none. Raises BadInput."""
    try:
        return text and datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadInput(f"Expected a day as YYYY-MM-DD, got {text!r}.") from None
