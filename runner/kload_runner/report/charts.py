"""Line charts as SVG text: a few series over the seconds of a run. No scripts, no fonts, no sizes but the viewBox.

Pure; the colours are CSS classes of the page (`line-0` ...), so that a dark page needs no other picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 26
MOST_PARTS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One series: a label and a value per interval; None where nothing was measured, which leaves a gap."""

    label: str
    values: Sequence[float | None]


def chart(
    lines: Sequence[Line],
    interval_s: float,
    write: Callable[[float], str],
    title: str,
    *,
    whole: bool = False,
) -> str:
    """Draw lines over time.

    Args:
        lines: the series, on one scale from 0.
        interval_s: seconds from one value to the next.
        write: turns a value of the scale into its label.
        title: what the picture shows, for people who cannot see it.
        whole: values are whole numbers.
    """
    points = max((len(line.values) for line in lines), default=0)
    most = max((v for line in lines for v in line.values if v is not None), default=0.0)
    top, grid = scale(most, whole=whole)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">',
        *_grid(top, grid, write),
        *_time_axis(points, interval_s),
    ]
    for number, line in enumerate(lines):
        parts.append(
            f'<path class="line line-{number}" d="{_path(line.values, points, top)}">'
            f"<title>{escape(line.label)}</title></path>"
        )
    return "".join([*parts, "</svg>"])


def scale(most: float, *, whole: bool = False) -> tuple[float, int]:
    """Return the top of a scale from 0, and in how many equal parts it falls, at most MOST_PARTS.

    A part is 1, 2, 2.5 or 5 times a power of ten, so that its labels are round.

    Args:
        most: the largest value to be shown.
        whole: nothing between whole numbers makes sense on it.
    """
    if most <= 0:
        return 1.0, 1
    power: float = 10.0 ** floor(log10(most / MOST_PARTS))
    if whole:
        power = max(power, 1.0)
    part = next(
        step * power
        for step in (1, 2, 2.5, 5, 10)
        if most <= MOST_PARTS * step * power * (1 + 1e-9) and not (whole and step * power % 1)
    )
    parts = min(MOST_PARTS, max(1, ceil(most / part * (1 - 1e-9))))
    return part * parts, parts


def _x(point: int, points: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (point / max(points - 1, 1))


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _path(values: Sequence[float | None], points: int, top: float) -> str:
    commands: list[str] = []
    pen_down = False
    for point, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        x, y = _x(point, points), _y(value, top)
        alone = not pen_down and (point + 1 == len(values) or values[point + 1] is None)
        commands.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}" + ("h0.1" if alone else ""))
        pen_down = True
    return "".join(commands)


def _grid(top: float, grid: int, write: Callable[[float], str]) -> list[str]:
    parts = []
    for number in range(grid + 1):
        value = top * number / grid
        y = _y(value, top)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" '
            f'text-anchor="end">{escape(write(value))}</text>'
        )
    return parts


def _time_axis(points: int, interval_s: float) -> list[str]:
    whole_s = max(points - 1, 0) * interval_s
    if whole_s <= 0:
        return []
    step_s = next(
        (s for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600) if whole_s / s <= 8),
        ceil(whole_s / 8),
    )
    parts = []
    for number in range(int(whole_s // step_s) + 1):
        x = _x(0, 2) + (WIDTH - LEFT - RIGHT) * (number * step_s / whole_s)
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{_seconds(number * step_s)}</text>"
        )
    return parts


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} min"
