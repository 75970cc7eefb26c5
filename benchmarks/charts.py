"""Bar charts in SVG, written by hand: no library is worth its weight for rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .results import Column

__all__ = ["chart"]

WIDTH, LABELS, RIGHT = 760, 190, 110
BAR, GAP, HEAD = 15, 4, 30
COLOURS = {"primus": "#2f7ed8", "node": "#6fa84f", "": "#9a9a9a"}
INK = "#777777"
"""Readable on light and on dark."""


def chart(columns: Sequence[Column], figure: str, unit: str, scale: float = 1.0) -> str:
    """Bars for each contestant of each column; shorter is better.

    Args:
        columns: the scenarios, from top to bottom.
        figure: which of their figures.
        unit: what the numbers are.
        scale: what a figure is divided by.
    """
    parts: list[str] = []
    top = 0
    for column in columns:
        bars = _bars(column, figure, scale)
        if not bars:
            continue
        parts.append(_text(0, top + 18, f"{column.title} ({unit})", "14px", weight="bold"))
        top += HEAD
        longest = max(value for _, value in bars)
        for name, value in bars:
            parts.append(_bar(top, name, value, value / longest, _ratio(column, name, figure)))
            top += BAR + GAP
        top += BAR
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        'font-family="system-ui, sans-serif" role="img">'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _bars(column: Column, figure: str, scale: float) -> list[tuple[str, float]]:
    found = [(name, column.typical(name, figure)) for name in column.rounds]
    return sorted(
        ((name, value / scale) for name, value in found if value is not None),
        key=lambda bar: bar[1],
    )


def _bar(top: int, name: str, value: float, share: float, ratio: float | None) -> str:
    length = max(1.0, share * (WIDTH - LABELS - RIGHT))
    kind = name.partition(" ")[0]
    colour = COLOURS.get(kind, COLOURS[""])
    said = f"{value:.1f}"
    if ratio is not None:
        said += f" ({ratio:.2f}x)"
    middle = top + BAR - 3
    rectangle = (
        f'<rect x="{LABELS}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
    )
    label = _text(LABELS - 8, middle, name, "12px", anchor="end")
    return label + rectangle + _text(round(LABELS + length + 6), middle, said, "12px")


def _ratio(column: Column, name: str, figure: str) -> float | None:
    return None if name == column.reference else column.ratio(name, figure)


def _text(
    x: int, y: int, text: str, size: str, *, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" '
        f'font-weight="{weight}" fill="{INK}">{escape(text)}</text>'
    )
