"""Small charts drawn on the server as SVG: no script, dark mode for free.

Every chart carries a title, a text for each bar, and a table behind "Show as table".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT = 560, 170
_LEFT, _BOTTOM, _TOP = 46, 22, 8
_LINES = 3
_FEWEST = 10
"""Fewer bars than this stay on the left."""
_LABEL_WIDTH = 60
"""Room for 00:00 in the larger letters of a small screen."""
_LABELS = 7
"""How many labels fit below the bars."""


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a stacked bar chart; `values` has one entry per bar."""

    name: str
    values: tuple[float, ...]
    tone: str = ""
    """A colour with a meaning: "good", "warn" or "bad"; "" = the one of its place."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a bar stands for; a `moment` (ISO 8601) is put into the reader's local form."""

    label: str
    moment: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; `values` has one entry per place, None where there is nothing."""

    name: str
    values: tuple[float | None, ...]


Told = Callable[[float], str]
"""How a value is written."""


def stacked_bars(key: str, title: str, bars: Sequence[Bar], series: Sequence[Series]) -> Markup:
    """One stacked bar each, at most three series; "" when there is nothing to show.

    `key` is unique on the page.
    """
    totals = [sum(one.values[at] for one in series) for at in range(len(bars))]
    if not any(totals):
        return Markup("")
    top = round_up(max(totals))
    slot = _slot(bars)
    parts = [*_grid(top, figure)]
    for at in range(len(bars)):
        parts += _stack(_LEFT + slot * at, slot, top, at, series)
    names = [(one.name, _colour(one, number)) for number, one in enumerate(series, start=1)]
    cells = [[figure(one.values[at]) for one in series] for at in range(len(bars))]
    return _chart(key, title, bars, names, parts, cells)


def lines(
    key: str, title: str, places: Sequence[Bar], series: Sequence[Line], told: Told
) -> Markup:
    """At most three lines over the same places, broken where a value is missing.

    "" when there is nothing to show. `key` is unique on the page.
    """
    known = [value for one in series for value in one.values if value is not None]
    if not known:
        return Markup("")
    top = round_up(max(known))
    slot = _slot(places)
    parts = [*_grid(top, told)]
    for number, one in enumerate(series, start=1):
        parts += _line(one, number, slot, top)
    names = [(one.name, f"series-{number}") for number, one in enumerate(series, start=1)]
    cells = [
        ["–" if (value := one.values[at]) is None else told(value) for one in series]
        for at in range(len(places))
    ]
    return _chart(key, title, places, names, parts, cells)


def _chart(
    key: str,
    title: str,
    bars: Sequence[Bar],
    names: Sequence[tuple[str, str]],
    drawn: Sequence[Markup],
    cells: Sequence[Sequence[str]],
) -> Markup:
    """The drawing with its labels, a text for each place, the legend, and the table.

    `names` are the series with their colours, `cells` what each place says of each.
    """
    parts = [*drawn]
    slot = _slot(bars)
    every = max(1, -(-len(bars) // _LABELS), math.ceil(_LABEL_WIDTH / slot))
    for at, bar in enumerate(bars):
        x = _LEFT + slot * at
        if at % every == 0:
            # Centred below a narrow bar the first one would lie on the 0 of the figures.
            begins = at == 0 and slot < _LABEL_WIDTH
            parts.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="{}"{}>{}</text>').format(
                    x if begins else x + slot / 2,
                    _HEIGHT - 6,
                    "start" if begins else "middle",
                    _local(bar, "short"),
                    bar.label,
                )
            )
        said = "; ".join(f"{name} {cell}" for (name, _), cell in zip(names, cells[at], strict=True))
        parts.append(
            Markup(
                '<rect class="hit" x="{:.1f}" y="{}" width="{:.1f}" height="{}">'
                "<title>{}: {}</title></rect>"
            ).format(x, _TOP, slot, _HEIGHT - _BOTTOM - _TOP, bar.label, said)
        )
    drawing = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        _WIDTH, _HEIGHT, title
    )
    return Markup("").join(
        [drawing, *parts, Markup("</svg>"), _legend(names), _table(key, title, bars, names, cells)]
    )


def _slot(bars: Sequence[Bar]) -> float:
    return (_WIDTH - _LEFT) / max(len(bars), _FEWEST)


def round_up(value: float) -> float:
    """The next figure that three grid lines divide well: 3, 6, 15, 30, 60, 150 ..."""
    step = 3.0
    while step < value:
        step *= 2.5 if str(step)[0] == "6" else 2
    return step


def figure(value: float) -> str:
    """A figure of a chart: whole where it is large or whole."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def _grid(top: float, told: Told) -> list[Markup]:
    height = _HEIGHT - _BOTTOM - _TOP
    parts = []
    for step in range(_LINES + 1):
        y = _TOP + height - height * step / _LINES
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH, y, y, _LEFT - 8, y + 4, told(top * step / _LINES))
        )
    return parts


def _stack(x: float, slot: float, top: float, at: int, series: Sequence[Series]) -> list[Markup]:
    height = _HEIGHT - _BOTTOM - _TOP
    y = float(_TOP + height)
    width = min(slot * 0.76, 44.0)
    parts = []
    for number, one in enumerate(series, start=1):
        value = one.values[at]
        tall = height * value / top
        y -= tall
        if tall:
            parts.append(
                Markup(
                    '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="2"/>'
                ).format(_colour(one, number), x + (slot - width) / 2, y, width, tall)
            )
    return parts


def _line(one: Line, number: int, slot: float, top: float) -> list[Markup]:
    height = _HEIGHT - _BOTTOM - _TOP
    parts: list[Markup] = []
    stretch: list[str] = []
    for at, value in enumerate((*one.values, None)):
        if value is not None:
            x, y = _LEFT + slot * (at + 0.5), _TOP + height * (1 - value / top)
            stretch.append(f"{x:.1f},{y:.1f}")
            parts.append(
                Markup('<circle class="series-{}" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
                    number, x, y
                )
            )
        elif stretch:
            if len(stretch) > 1:
                drawn = Markup('<polyline class="line-{}" points="{}"/>')
                parts.append(drawn.format(number, " ".join(stretch)))
            stretch = []
    return parts


def _colour(one: Series, number: int) -> str:
    return f"series-{one.tone or number}"


def _legend(names: Sequence[tuple[str, str]]) -> Markup:
    shown = Markup("").join(
        Markup('<span><i class="{}"></i>{}</span>').format(colour, name) for name, colour in names
    )
    return Markup('<div class="legend" aria-hidden="true">{}</div>').format(shown)


def _table(
    key: str,
    title: str,
    bars: Sequence[Bar],
    names: Sequence[tuple[str, str]],
    cells: Sequence[Sequence[str]],
) -> Markup:
    head = Markup("").join(
        Markup('<th scope="col" class="num">{}</th>').format(name) for name, _ in names
    )
    rows = Markup("").join(
        Markup('<tr><th scope="row"{}>{}</th>{}</tr>').format(
            _local(bar, "medium"),
            bar.label,
            Markup("").join(Markup('<td class="num">{}</td>').format(cell) for cell in cells[at]),
        )
        for at, bar in enumerate(bars)
    )
    return Markup(
        '<details id="{}-table"><summary id="{}-summary">Show as table</summary>'
        '<div class="scroll"><table><caption class="hidden-text">{}</caption>'
        '<thead><tr><th scope="col">When</th>{}</tr></thead><tbody>{}</tbody></table></div>'
        "</details>"
    ).format(key, key, title, head, rows)


def _local(bar: Bar, form: str) -> Markup:
    if not bar.moment:
        return Markup("")
    return Markup(' data-moment="{}" data-form="{}"').format(bar.moment, form)
