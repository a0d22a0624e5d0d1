"""A row of numbers as a tiny curve of characters."""

import math

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-~=+*#"  # for a terminal that knows no others


def sparkline(values, width, bars=BARS):
    """values as width characters at most, the lowest value the lowest bar; "!" stands for what is no number.

    Of more values than that, each character shows the mean of its share.
    """
    if not values or width < 1:
        return ""
    count = min(width, len(values))
    edges = [index * len(values) // count for index in range(count + 1)]
    means = [_mean(values[start:end]) for start, end in zip(edges, edges[1:], strict=False)]
    finite = [mean for mean in means if math.isfinite(mean)]
    low, span = (min(finite), max(finite) - min(finite)) if finite else (0, 0)
    return "".join(_bar(mean, low, span, bars) for mean in means)


def _mean(values):
    return sum(value / len(values) for value in values)


def _bar(mean, low, span, bars):
    if not math.isfinite(mean):
        return "!"
    share = (mean - low) / span if span else 0.5
    return bars[min(len(bars) - 1, int(share * len(bars)))]
