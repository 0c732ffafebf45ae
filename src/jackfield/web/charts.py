"""Small charts drawn on the server as SVG: no script, dark mode for free, readable without seeing them.

Every chart carries a title, a text for each bar and a table behind "Show as table".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 560, 170
_LEFT, _BOTTOM, _TOP = 46, 22, 8


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a stacked bar chart; `values` has one entry per label."""

    name: str
    values: tuple[float, ...]


def stacked_bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """A stacked bar per label, at most three series; "" when there is nothing to show."""
    totals = [sum(one.values[at] for one in series) for at in range(len(labels))]
    if not labels or not any(totals):
        return Markup("")
    top = _round_up(max(totals))
    slot = (_WIDTH - _LEFT) / len(labels)
    height = _HEIGHT - _BOTTOM - _TOP
    parts: list[str] = []
    for step in range(4):
        value = top * step / 3
        y = _TOP + height - height * step / 3
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_figure(value)}</text>'
        )
    every = max(1, -(-len(labels) // 7))
    for at, label in enumerate(labels):
        x = _LEFT + slot * at
        y = float(_TOP + height)
        said = "; ".join(f"{one.name} {_figure(one.values[at])}" for one in series)
        for number, one in enumerate(series, start=1):
            tall = height * one.values[at] / top
            y -= tall
            if tall:
                parts.append(
                    f'<rect class="series-{number}" x="{x + slot * 0.12:.1f}" y="{y:.1f}" '
                    f'width="{slot * 0.76:.1f}" height="{tall:.1f}" rx="2"/>'
                )
        if at % every == 0:
            parts.append(
                f'<text x="{x + slot / 2:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(label)}</text>'
            )
        parts.append(
            f'<rect class="hit" x="{x:.1f}" y="{_TOP}" width="{slot:.1f}" height="{height}">'
            f"<title>{escape(label)}: {escape(said)}</title></rect>"
        )
    legend = "".join(
        f'<span><i class="series-{number}"></i>{escape(one.name)}</span>'
        for number, one in enumerate(series, start=1)
    )
    head = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f'<td class="num">{_figure(one.values[at])}</td>' for one in series)
        + "</tr>"
        for at, label in enumerate(labels)
    )
    # Everything from outside went through escape() above.
    return Markup(  # noqa: S704
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
        f'<div class="legend">{legend}</div>'
        f'<details><summary>Show as table</summary><table><caption class="hidden-text">{escape(title)}</caption>'
        f'<thead><tr><th scope="col">When</th>{head}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _round_up(value: float) -> float:
    """The next figure that three grid lines divide well."""
    step = 3.0
    while step < value:
        step *= 2 if str(step)[0] in "36" else 2.5
    return step


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
