"""Plotly figures of the lessons: pure functions of numbers, with one look.

Backgrounds are transparent and text is a mid gray that can be read on white and on black;
the published page changes it with the theme.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

SERIES = ("#c93c6a", "#4f7cac", "#a08f4f", "#868c97")  # the accent first; each can be seen on white and on near-black
DASHES = ("solid", "dash", "dot", "dashdot")  # a second sign beside the color
_INK = "#7a808c"


def heatmaps(panels: Mapping[str, ArrayLike], tokens: Sequence[str], height: int = 250) -> go.Figure:
    """Attention weights side by side: one panel per entry of `panels`, each (T, T), rows are queries.

    All panels share one scale from 0 to 1, so that a brighter cell means more attention in any of them.
    """
    figure = make_subplots(1, len(panels), subplot_titles=list(panels), horizontal_spacing=0.06)
    for column, matrix in enumerate(panels.values(), start=1):
        values = np.asarray(matrix, dtype=float).round(3)
        figure.add_heatmap(
            z=values, x=list(tokens), y=list(tokens), row=1, col=column, coloraxis="coloraxis",
            hovertemplate="%{y} → %{x}: %{z:.2f}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(constrain="domain")
    figure.update_yaxes(autorange="reversed", showticklabels=False, constrain="domain")
    for column in range(1, len(panels) + 1):
        figure.update_yaxes(scaleanchor=f"x{column}", col=column)  # square cells at every width
    figure.update_yaxes(showticklabels=True, col=1)
    scale = {"colorscale": "Cividis", "cmin": 0, "cmax": 1, "colorbar": {"title": "weight", "thickness": 10}}
    return _dressed(figure, height).update_layout(coloraxis=scale)


def curves(
    x: Sequence[float], series: Mapping[str, ArrayLike], x_title: str, y_title: str, height: int = 320
) -> go.Figure:
    """Lines over a logarithmic axis, one per entry of `series`, told apart by color and by dash."""
    figure = go.Figure()
    for (name, values), color, dash in zip(series.items(), SERIES, DASHES, strict=False):
        figure.add_scatter(
            x=list(x), y=np.asarray(values, dtype=float).round(4), name=name, mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2.5},
        )  # fmt: skip
    figure.update_xaxes(type="log", title=x_title, tickvals=list(x), ticktext=[f"{value:g}" for value in x])
    figure.update_yaxes(title=y_title, rangemode="tozero")
    return _dressed(figure, height)


def training(
    losses: Sequence[float],
    held_out: Mapping[int, float] | None = None,
    marks: Mapping[str, float] | None = None,
    planned: int | None = None,
    height: int = 320,
) -> go.Figure:
    """How a training goes: the loss of every step, that on held-out text, and horizontal `marks` to compare with.

    `held_out` is {step: loss}; `marks` such as {"trigram": 2.1, "entropy floor": 0.9}; `planned` steps in all set the
    width from the start. Many steps are drawn as means of a few hundred groups. All in nats per token.
    """
    values = np.asarray(losses, dtype=float)
    size = max(1, -(-len(values) // 300))
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    figure = go.Figure()
    figure.add_scatter(
        x=[min((number + 1) * size, len(values)) for number in range(len(groups))],
        y=[round(float(group.mean()), 4) for group in groups],
        name="training", mode="lines", line={"color": SERIES[3], "width": 1.5},
    )  # fmt: skip
    if held_out:
        figure.add_scatter(
            x=list(held_out), y=[round(float(loss), 4) for loss in held_out.values()],
            name="held-out", mode="lines+markers", line={"color": SERIES[0], "width": 2.5},
        )  # fmt: skip
    for number, (name, value) in enumerate((marks or {}).items()):
        figure.add_hline(
            y=value, line={"color": SERIES[1 + number % 2], "dash": DASHES[1 + number % 3], "width": 1.5},
            annotation={"text": f"{name} {value:.2f}", "font": {"size": 12}}, annotation_position="top right",
        )  # fmt: skip
    figure.update_xaxes(title="step", range=[0, max(planned or 0, len(values), 1)])
    figure.update_yaxes(title="loss, nats per token")
    return _dressed(figure, height)


def _dressed(figure: go.Figure, height: int) -> go.Figure:
    grid = {"gridcolor": "rgba(128,134,146,0.22)", "zeroline": False}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    return figure.update_layout(
        template="none",
        height=height,
        margin={"l": 60, "r": 16, "t": 40, "b": 50},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "Inter Variable, Inter, system-ui, sans-serif", "size": 13, "color": _INK},
        legend={"orientation": "h", "y": 1.12, "x": 0},
    )
