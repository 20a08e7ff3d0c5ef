"""The chart: what a call costs, and what a slow upstream's callers wait longer, as bars in an SVG.

No library draws it. Its colours follow the reader's, light or dark; a thin line shows the lowest and the highest round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from statistics import median

_WIDTH = 840
_LABELS = 178
_PANEL = 318
_BAR = 160
_STEP = 30
_TOP = 64
_STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.head { font-weight: 600 } .value { font-size: 13px; fill: #59636e } .us { font-weight: 600 }
.ours { fill: #0969da } .bare { fill: #8c959f } .others { fill: #d29922 } .spread { stroke: #59636e; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .value { fill: #9198a1 } .spread { stroke: #f0f6fc } .ours { fill: #4493f8 } }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure: its title, its unit, and each label's values, one a round; *notes* are said beside some."""

    title: str
    unit: str
    values: Mapping[str, Sequence[float]]
    places: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)


def chart(title: str, kinds: Mapping[str, str], panels: Sequence[Panel]) -> str:
    """Draw *panels* side by side; *kinds* has the labels in their order, and what each is: ours, bare or others."""
    height = _TOP + _STEP * len(kinds) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="head" x="8" y="22">{escape(title)}</text>',
    ]
    for number, (label, kind) in enumerate(kinds.items()):
        weight = ' class="us"' if kind == "ours" else ""
        lines.append(f'<text{weight} x="{_LABELS}" y="{_middle(number)}" text-anchor="end">{escape(label)}</text>')
    for number, panel in enumerate(panels):
        lines += _panel(panel, kinds, _LABELS + 12 + number * (_PANEL + 8))
    return "\n".join([*lines, "</svg>", ""])


def _panel(panel: Panel, kinds: Mapping[str, str], left: float) -> Iterator[str]:
    most = max(max(panel.values[label]) for label in kinds)
    yield f'<text x="{left}" y="50">{escape(panel.title)}</text>'
    for number, (label, kind) in enumerate(kinds.items()):
        values = [max(0.0, value) for value in panel.values[label]]
        low, middle, high = (_BAR * value / most for value in (min(values), median(values), max(values)))
        top = _TOP + number * _STEP
        yield f'<rect class="{kind}" x="{left}" y="{top}" width="{max(middle, 1):.1f}" height="20" rx="2"/>'
        yield f'<path class="spread" d="M{left + low:.1f} {top + 10}H{left + high:.1f}"/>'
        said = f"{median(panel.values[label]):,.{panel.places}f} {panel.unit}"
        said += f", {panel.notes[label]}" if label in panel.notes else ""
        yield f'<text class="value" x="{left + max(high, 1) + 6:.1f}" y="{_middle(number)}">{escape(said)}</text>'


def _middle(number: int) -> int:
    return _TOP + number * _STEP + 15
