"""What a message of Slack says, as its reader sees it: names for ids, the words of links, no code, files by name."""

import html
import re
from urllib.parse import urlsplit

from jobs.text.slack_archive import objects, text

CODE = "(code)"
SKIN_TONE = re.compile(r":skin-tone-\d:")


def readable(row, names):
    """The lines of a message, the second and later ones indented; "" for one that says nothing.

    names: of slack_names. Its text; where that is empty, as apps and forwards leave it, its blocks or attachments.
    """
    said = _marked(text(row, "text"), names) or _blocks(row.get("blocks"), names) or _attached(row, names)
    files = [f"({text(file, 'name') or 'file'})" for file in objects(row.get("files"))]
    lines = [" ".join(line.split()) for line in [*SKIN_TONE.sub("", said).splitlines(), *files]]
    return "\n  ".join(filter(None, lines))


def _marked(said, names):
    """Text in Slack's own marks: https://docs.slack.dev/messaging/formatting-message-text."""
    said = re.sub(r"```.*?```", CODE, said, flags=re.DOTALL)
    return html.unescape(re.sub(r"<([^<>]+)>", lambda match: _reference(match[1], names), said))


def _reference(inside, names):
    """What stands for <@U1>, <#C1|general>, <!here>, <!date^0^{date}|today>, <https://example.com/long|words>."""
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return "@" + (names.person(target[1:]) if target[1:] in names.people else label or "someone")
    if target.startswith("#"):
        return "#" + (names.channels.get(target[1:]) or label or "channel")
    if target.startswith("!subteam^"):
        return "@" + (label.lstrip("@") or names.groups.get(target.partition("^")[2]) or "group")
    if target.startswith("!date"):
        return label or "(date)"
    if target.startswith("!"):
        return "@" + (label or target[1:]).lstrip("@")
    return label or _site(target)


def _site(address):
    """An address for reading: that of a mail as it is, of a page its host."""
    try:
        return urlsplit(address).hostname or address.partition(":")[2] or address
    except ValueError:  # "http://[" is no address
        return "(link)"


def _blocks(blocks, names):
    """Blocks as text: https://docs.slack.dev/reference/block-kit/blocks; of those that only apps write, their text."""
    return "\n".join(
        _rich_text(block, names) if block.get("type") == "rich_text" else _marked(_text_object(block), names)
        for block in objects(blocks)
    )


def _text_object(block):
    inside = block.get("text")
    return text(inside, "text") if isinstance(inside, dict) else text(block, "text")


def _rich_text(block, names):
    """Sections, lists, quotes and code, each on lines of its own."""
    return "\n".join(filter(None, (_part(part, names) for part in objects(block.get("elements")))))


def _part(part, names):
    elements = objects(part.get("elements"))
    match part.get("type"):
        case "rich_text_preformatted":
            return CODE
        case "rich_text_list":
            items = (_inline(objects(item.get("elements")), names) for item in elements)
            return "\n".join(f"{_bullet(part, number)} {item}" for number, item in enumerate(items, start=1))
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in _inline(elements, names).splitlines())
    return _inline(elements, names)


def _bullet(part, number):
    """What stands before an item of a list, as in the text that Slack writes for it."""
    offset = part.get("offset")
    return f"{number + (offset if isinstance(offset, int) else 0)}." if part.get("style") == "ordered" else "•"


def _inline(elements, names):
    return "".join(_element(element, names) for element in elements)


def _element(element, names):
    """A piece of a line: words, or what stands for a person, a channel, a group, an emoji, a link, a date."""
    match element.get("type"):
        case "user":
            return "@" + names.person(text(element, "user_id"))
        case "channel":
            return "#" + names.channels.get(text(element, "channel_id"), "channel")
        case "usergroup":
            return "@" + (names.groups.get(text(element, "usergroup_id")) or "group")
        case "broadcast":
            return "@" + text(element, "range")
        case "emoji":
            return f":{text(element, 'name')}:"
        case "link":
            return text(element, "text") or _site(text(element, "url"))
        case "date":
            return text(element, "fallback") or "(date)"
    return text(element, "text")


def _attached(row, names):
    """The words of what was attached, as when a message is forwarded without any of one's own."""
    attached = objects(row.get("attachments"))
    return "\n".join(
        _marked(text(one, "text") or text(one, "title") or text(one, "fallback"), names) for one in attached
    )
