"""Figures and times as people write them."""

import datetime


def duration(seconds):
    """ "41 s", "2.1 min", "3 h 12 min"."""
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.1f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def moment(iso):
    """ "22 November 2026, 03:19 UTC"; "" for none."""
    if not iso:
        return ""
    when = datetime.datetime.fromisoformat(iso)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def dollars(amount):
    """ "$0.019", "$12.40"."""
    if 0 < amount < 0.0005:
        return "< $0.001"
    return f"${amount:.2f}" if amount >= 10 else f"${amount:.3f}"


def metric(name):
    """ "held-out mean IoU" for held_out_mean_iou."""
    spelled = {"iou": "IoU", "dice": "Dice"}
    found = " ".join(spelled.get(word, word) for word in name.replace("_", " ").split(" "))
    return found.replace("held out", "held-out")
