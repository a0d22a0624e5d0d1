"""What the GPU did meanwhile: gpu.csv, a line per GPU each five seconds in the columns of scripts/gpu.sh."""

import collections
import dataclasses
import datetime
import math

from remote import story
from remote.page import files
from remote.page.chart import Line, draw

EVERY_S = 5.0  # scripts/run-job.sh samples so often
MOST_BYTES = 128 << 20
MOST_LINES = 20_000  # that are looked at, evenly spread
BLOCK = 16  # lines that are kept or left out together, for those of one moment belong together
NUMBERS = [str(number) for number in range(16)]  # of GPUs
BUCKETS = 300  # of samples, averaged for the chart


@dataclasses.dataclass(frozen=True)
class Sample:
    """One GPU at one moment. second: since the first sample; the others None where the GPU doesn't tell."""

    second: float
    number: int
    name: str
    use_percent: float | None
    memory_mib: float | None
    memory_total_mib: float | None
    celsius: float | None
    watts: float | None


def read(path):
    """All Samples of a gpu.csv, in order; [] without one. Lines that are none are left out."""
    found, began, counted = [], None, collections.Counter()
    for line in _spread(files.data(path, MOST_BYTES).splitlines()):
        fields = [field.strip() for field in story.printable(line.decode("utf-8", "replace")).split(",")] + [""]
        if len(fields) < 7:
            continue
        number = int(fields[7]) if len(fields) > 8 and fields[7] in NUMBERS else 0
        moment = _moment(fields[0])
        began = moment if began is None else began
        second = EVERY_S * counted[number] if moment is None else moment - began
        counted[number] += 1
        found.append(Sample(second, number, fields[1][:60], *map(_number, fields[2:7])))
    return found


def _spread(lines):
    every = math.ceil(len(lines) / MOST_LINES)
    return [line for number, line in enumerate(lines) if number // BLOCK % every == 0]


def charts(samples):
    """The Charts of use and memory in percent, and of temperature; a line per GPU where there are several."""
    use = _lines(samples, "busy", lambda one: one.use_percent)
    memory = _lines(samples, "memory", _memory_percent)
    shares = [("use", use), ("memory", memory)]
    if len(use) == 1:
        shares = [("use and memory", [*use, dataclasses.replace(memory[0], colour=1)])]
    drawn = [draw(title, lines, "percent", "minute", 0, 100) for title, lines in shares]
    drawn.append(draw("temperature", _lines(samples, "temperature", lambda one: one.celsius), "°C", "minute"))
    return [chart for chart in drawn if chart]


def summary(samples):
    """ "Tesla T4: on average 87 % busy, at most 5.1 of 15.0 GiB full, 71 °C, 68 W." or ""."""
    if not samples:
        return ""
    parts = []
    if busy := _known(samples, "use_percent"):
        parts.append(f"on average {sum(busy) / len(busy):.0f} % busy")
    if (used := _known(samples, "memory_mib")) and (total := _known(samples, "memory_total_mib")):
        parts.append(f"at most {max(used) / 1024:.1f} of {max(total) / 1024:.1f} GiB of memory in use")
    for name, unit in (("celsius", "°C"), ("watts", "W")):
        if known := _known(samples, name):
            parts.append(f"{max(known):.0f} {unit} at most")
    return f"{samples[0].name}: {', '.join(parts)}." if parts else ""


def _lines(samples, name, figure):
    lines, numbers = [], sorted({sample.number for sample in samples})
    for number in numbers[:8]:
        points = [(one.second / 60, figure(one)) for one in samples if one.number == number]
        lines.append(Line(f"GPU {number}" if len(numbers) > 1 else name, _averaged(points), colour=number % 8))
    return lines


def _averaged(points):
    """At most BUCKETS points, each the mean of as many neighbours."""
    each = math.ceil(len(points) / BUCKETS)
    groups = [points[start : start + each] for start in range(0, len(points), each)]
    return [(round(group[0][0], 2), _mean([y for _, y in group if y is not None])) for group in groups]


def _mean(values):
    return sum(values) / len(values) if values else None


def _memory_percent(sample):
    if sample.memory_mib is None or not sample.memory_total_mib:
        return None
    return 100 * sample.memory_mib / sample.memory_total_mib


def _known(samples, name):
    return [value for sample in samples if (value := getattr(sample, name)) is not None]


def _moment(text):
    """Seconds of "2026/11/22 03:19:29.123"; None for what is no time."""
    try:
        moment = datetime.datetime.strptime(text.partition(".")[0], "%Y/%m/%d %H:%M:%S")
        return moment.replace(tzinfo=datetime.UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(text):
    try:
        value = float(text)
    except ValueError:
        return None  # such as [N/A]
    return value if 0 <= value < 1e9 else None
