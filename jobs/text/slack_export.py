"""A Slack export, the zip or its folder, as conversations that a reader would wish for.

    #general
    Alice: lunch?
    Bob Stone: in ten minutes
      at the door

A conversation is a thread, or the messages of a channel without a pause of an hour; a line that begins with two spaces
goes on with the message above. Format: https://slack.com/help/articles/220556107
"""

import datetime
import math
from dataclasses import dataclass
from pathlib import Path

from jobs.parameters import BadInput
from jobs.text import slack_archive, slack_names
from jobs.text.slack_archive import text
from jobs.text.slack_markup import readable

PAUSE_SECONDS = 3600
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
    archive = slack_archive.files(Path(path).expanduser())
    names = slack_names.read(archive)
    _check_names("channel", selection.channels, {*names.channels.values(), *names.folders.values()})
    groups = [
        group
        for folder, channel in names.folders.items()
        if not selection.channels or _is_among(channel, selection.channels)
        for group in _grouped(_messages(archive, folder, names, selection))
    ]
    _check_names("person", selection.people, {name for person in names.people.values() for name in _calls(person)})
    return [_as_text(group) for group in sorted(groups, key=lambda group: group[0].time)]


def speakers(text):
    """{"people": [...], "channels": [...]} of conversations that come as text in pieces."""
    lines = "".join(text).splitlines()
    people = {line.partition(": ")[0] for line in lines if ": " in line and not line.startswith((" ", "#"))}
    return {"people": sorted(people), "channels": sorted({line[1:] for line in lines if line.startswith("#")})}


def _messages(archive, folder, names, selection):
    """The selected messages of a conversation; rows that are no messages are passed over."""
    for rows in slack_archive.days(archive, folder, selection.since, selection.until):
        for row in rows:
            slack_names.meet(names, row)
        for row in rows:
            if message := _message(row, names.folders[folder], names, selection):
                yield message


def _message(row, channel, names, selection):
    """A row as a Message; None for a notice, what a bot says, what isn't selected or says nothing."""
    time, person = _seconds(row, "ts"), slack_names.speaker(names, text(row, "user"))
    if time is None or not _is_spoken(row) or person.is_bot or not _is_wanted(person, selection):
        return None
    said = readable(row, names)
    return Message(channel, person.name, said, time, _seconds(row, "thread_ts") or time) if said else None


def _is_spoken(row):
    return row.get("type") == "message" and row.get("subtype") in SPOKEN and not row.get("bot_id")


def _is_wanted(person, selection):
    return not selection.people or any(_is_among(name, selection.people) for name in _calls(person))


def _calls(person):
    """By which names one may choose a person."""
    return {person.name, person.user_name} - {""}


def _seconds(row, name):
    """A time, which Slack writes as "1704103200.000100"; None for anything else."""
    try:
        seconds = float(text(row, name))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def _check_names(kind, wanted, known):
    for name in wanted:
        if not _is_among(name, known):
            raise BadInput(f"No {kind} {name!r} in the export. There are: {', '.join(sorted(known)[:20])}.")


def _is_among(name, names):
    return name.lower().lstrip("#@") in {other.lower().lstrip("#@") for other in names}


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
