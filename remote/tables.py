"""Rows of text as an aligned table, for people."""


def table(columns, rows):
    """Lines of text: a header, then a line per row, columns aligned. rows: tuples; None shows as nothing."""
    lines = [tuple(columns)] + [tuple(_cell(value) for value in row) for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell(value):
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else _plain(str(value))


def _plain(text):
    """text in one line, without what would steer a terminal: some of it is tags, which others may have written."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


def age(delta):
    """A time span in its largest unit: "3 d", "5 h", "12 min"."""
    minutes = int(delta.total_seconds() // 60)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} d"
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"
