"""Still pictures in SVG: what a reader sees where no widget can run. Plain text in, plain text out."""

from collections.abc import Sequence
from html import escape

# The cividis scale (Nuñez, Anderton and Renslow 2018, doi:10.1371/journal.pone.0199239) at ten even steps.
CIVIDIS = ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838")


def cividis(share: float) -> str:
    """The color for a share in [0, 1], as `#rrggbb`; values outside are clipped.

    >>> cividis(0.0), cividis(1.0)
    ('#00224e', '#fee838')
    """
    place = min(max(share, 0.0), 1.0) * (len(CIVIDIS) - 1)
    low = min(int(place), len(CIVIDIS) - 2)
    mix = place - low
    pairs = zip(_channels(CIVIDIS[low]), _channels(CIVIDIS[low + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * mix):02x}" for a, b in pairs)


def svg(width: float, height: float, label: str, *parts: str) -> str:
    """An SVG picture that scales with its column. `label` is read aloud by screen readers."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" style="max-width:100%;height:auto" role="img" aria-label="{escape(label)}" '
        f'font-family="Inter, system-ui, sans-serif">' + "".join(parts) + "</svg>"
    )


def text(x: float, y: float, content: str, size: float = 13, anchor: str = "start") -> str:
    """One line of text. Its mid gray can be read on white and on black."""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="#7a808c">{escape(content)}</text>'


def heatmap(shares: Sequence[Sequence[float]], x: float, y: float, cell: float, gap: float = 1) -> str:
    """Squares colored by cividis; `shares` is rows of values in [0, 1]."""
    return "".join(
        f'<rect x="{x + j * cell:g}" y="{y + i * cell:g}" width="{cell - gap:g}" height="{cell - gap:g}" fill="{cividis(share)}"/>'
        for i, row in enumerate(shares)
        for j, share in enumerate(row)
    )


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
