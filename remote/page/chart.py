"""Lines in a coordinate system, worked out for chart.html: paths in percent, so that a page may have any width."""

import dataclasses
import math

MOST_POINTS = 400  # of a line; more cannot be told apart
MOST_DOTS = 60  # points that can be pointed at
SPARSE = 30  # a line of no more points shows each of them
LABEL_GAP = 15.0  # percent of the height that two labels keep between them, if there is room


@dataclasses.dataclass(frozen=True)
class Line:
    """points: [(x, y)], y None where there is nothing to draw. colour: 0 to 7. faint: dashed. labelled: at its end."""

    name: str
    points: list
    colour: int = 0
    faint: bool = False
    labelled: bool = True


@dataclasses.dataclass(frozen=True)
class Tick:
    """percent: from the left, or from the top."""

    percent: float
    text: str


@dataclasses.dataclass(frozen=True)
class Dot:
    x: float
    y: float
    title: str


@dataclasses.dataclass(frozen=True)
class Path:
    """A Line as it is drawn. d: of an SVG path in a box of 100 x 100; label_top: percent, None without a label."""

    name: str
    d: str
    dots: list
    sparse: bool
    last: str
    label_top: float | None
    colour: int
    faint: bool


@dataclasses.dataclass(frozen=True)
class Chart:
    title: str
    unit: str
    x_unit: str
    x_ticks: list
    y_ticks: list
    paths: list
    note: str


def draw(title, lines, unit="", x_unit="epoch", low=None, high=None):
    """The Chart of Lines, or None when no line has anything to draw. low, high: what the y axis shows at least."""
    lines = [line for line in lines if _drawable(line)]
    if not lines:
        return None
    shown = [point for line in lines for point in _drawable(line)]
    x_axis = _Axis.around([x for x, _ in shown], padding=0)
    y_axis = _Axis.around([y for _, y in shown] + [bound for bound in (low, high) if bound is not None])
    paths = _apart([_path(line, x_axis, y_axis, x_unit) for line in lines])
    missing = [line.name for line in lines if len(_drawable(line)) < len(line.points)]
    note = f"Not a number in places: {', '.join(missing)}." if missing else ""
    x_ticks = [Tick(x_axis.percent(value), text) for value, text in x_axis.ticks(6, x_unit == "epoch")]
    y_ticks = [Tick(100 - y_axis.percent(value), text) for value, text in y_axis.ticks(5)]
    return Chart(title, unit, x_unit, x_ticks, y_ticks, paths, note)


@dataclasses.dataclass(frozen=True)
class _Axis:
    low: float
    high: float

    @classmethod
    def around(cls, values, padding=0.06):
        low, high = min(values), max(values)
        more = (high - low) * padding or (0 if high > low else abs(high) * 0.1 or 0.5)
        return cls(low - more, high + more)

    def percent(self, value):
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def ticks(self, most, whole=False):
        """[(value, text)]: at most so many round values on the axis. whole: only whole numbers, such as of epochs."""
        step = max(_round_step((self.high - self.low) / most), 1.0 if whole else 0.0)
        first = math.ceil(self.low / step - 1e-9)
        values = [
            number * step for number in range(first, first + most + 2) if number * step <= self.high + step * 1e-9
        ]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return [(value, f"{value:,.{digits}f}" if 1e-4 < step < 1e7 else f"{value:.3g}") for value in values]


def _round_step(rough):
    """The smallest of 1, 2, 5, 10, 20, 50, ... (and 0.5, 0.2, ...) that is not below rough."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _drawable(line):
    return [point for point in line.points if point[1] is not None]


def _path(line, x_axis, y_axis, x_unit):
    """Pieces of line between the places where there is nothing to draw; a dot for a point that stands alone."""
    words, pen_is_down = [], False
    placed = [(x_axis.percent(x), None if y is None else round(100 - y_axis.percent(y), 2)) for x, y in line.points]
    for x, y in _thinned(placed, MOST_POINTS):
        if y is not None:
            words.append(f"{'L' if pen_is_down else 'M'}{x:g} {y:g}" + ("" if pen_is_down else "h0"))
        pen_is_down = y is not None
    told = _thinned(_drawable(line), MOST_DOTS)
    dots = [
        Dot(x_axis.percent(x), round(100 - y_axis.percent(y), 2), f"{line.name}, {x_unit} {x:g}: {y:.4g}")
        for x, y in told
    ]
    sparse, last = len(line.points) <= SPARSE, f"{told[-1][1]:.3g}"
    label_top = dots[-1].y if line.labelled else None
    return Path(line.name, "".join(words), dots, sparse, last, label_top, line.colour, line.faint)


def _thinned(points, most):
    """At most so many of the points, the first and the last among them, evenly apart."""
    if len(points) <= most:
        return points
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def _apart(paths):
    """The paths with their labels moved so that none covers another: down from the top, then up from the bottom."""
    order = [index for index, path in enumerate(paths) if path.label_top is not None]
    order.sort(key=lambda index: paths[index].label_top)
    tops, gap = [paths[index].label_top for index in order], min(LABEL_GAP, 100 / len(paths))
    for index in range(1, len(tops)):
        tops[index] = max(tops[index], tops[index - 1] + gap)
    below = 100.0
    for index in reversed(range(len(tops))):
        tops[index] = min(tops[index], below)
        below = tops[index] - gap
    moved = {index: round(top, 2) for index, top in zip(order, tops, strict=True)}
    return [dataclasses.replace(path, label_top=moved.get(index)) for index, path in enumerate(paths)]
