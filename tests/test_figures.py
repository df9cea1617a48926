import json

import pytest
import torch

from llmkit import figures


def read(array):
    """The numbers of a figure's array, however this Plotly stores it."""
    return torch.tensor([[float(x) for x in row] for row in array])


def test_heatmaps_hold_the_numbers_they_were_given():
    matrix = torch.rand(3, 3, generator=torch.Generator().manual_seed(0))
    figure = figures.heatmaps({"one": matrix, "half": matrix / 2}, ["a", "b", "c"])
    assert len(figure.data) == 2
    assert read(figure.data[1].z) == pytest.approx(matrix / 2, abs=6e-4)


def test_all_heatmaps_share_one_scale_with_its_numbers_shown():
    figure = figures.heatmaps({"sharp": torch.eye(2), "flat": torch.full((2, 2), 0.5)}, ["a", "b"])
    assert {panel.coloraxis for panel in figure.data} == {"coloraxis"}
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 1)
    assert figure.layout.coloraxis.showscale is not False


def test_curves_differ_by_color_and_by_dash():
    figure = figures.curves([1, 2, 4], {"raw": [1, 2, 3], "scaled": [1, 1, 1]}, "d", "nats")
    lines = [(line.line.color, line.line.dash) for line in figure.data]
    assert len({color for color, _ in lines}) == len({dash for _, dash in lines}) == 2


@pytest.mark.parametrize("background", ["#ffffff", "#15171b"])
def test_every_line_can_be_seen_on_light_and_on_dark(background):
    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for color in figures.SERIES:
        darker, lighter = sorted((luminance(color), luminance(background)))
        assert (lighter + 0.05) / (darker + 0.05) >= 3  # WCAG 2.2, 1.4.11: graphics


def test_figures_survive_the_trip_through_json():
    figure = figures.curves([1, 2], {"raw": [0.5, 1]}, "d", "nats")
    assert json.loads(figure.to_json())["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"


def test_a_training_is_drawn_step_by_step_while_it_is_short_and_in_groups_when_it_is_long():
    short = figures.training([3.0, 2.0, 1.5], planned=10)
    assert list(short.data[0].x) == [1, 2, 3] and list(short.data[0].y) == [3.0, 2.0, 1.5]
    assert list(short.layout.xaxis.range) == [0, 10]
    losses = [1.0] * 5000 + [0.5] * 5001
    long = figures.training(losses)
    assert len(long.data[0].x) <= 300 and long.data[0].x[-1] == 10_001
    assert long.data[0].y[0] == 1.0 and long.data[0].y[-1] == 0.5


def test_a_training_stands_beside_the_marks_to_compare_it_with():
    figure = figures.training([2.0, 1.0], {2: 1.1}, {"trigram": 1.7, "entropy floor": 0.9})
    assert figure.data[1].name == "held-out" and list(figure.data[1].x) == [2]
    assert [line.y0 for line in figure.layout.shapes] == [1.7, 0.9]
    assert [note.text for note in figure.layout.annotations] == ["trigram 1.70", "entropy floor 0.90"]
    assert len({line.line.dash for line in figure.layout.shapes}) == 2


def test_a_training_without_a_step_is_an_empty_figure():
    assert len(figures.training([]).data[0].x) == 0
