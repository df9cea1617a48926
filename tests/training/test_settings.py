"""What a run is told, and the learning rate it follows."""

import math
from itertools import pairwise

import pytest

from llmkit.training import Settings, learning_rate


def rates(**options):
    settings = Settings(steps=100, warmup=10, **options)
    return [learning_rate(step, settings) for step in range(100)]


@pytest.mark.parametrize("schedule", ["trapezoid", "cosine", "constant"])
def test_every_schedule_warms_up_in_equal_steps_to_its_peak(schedule):
    found = rates(schedule=schedule)
    assert found[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert max(found) == 1.0


def test_a_trapezoid_is_flat_and_then_a_straight_line_down():
    found = rates(schedule="trapezoid", flat=0.4, final=0.1)
    assert found[10:41] == [1.0] * 31
    slopes = [b - a for a, b in pairwise(found[40:])]
    assert slopes == pytest.approx([-0.9 / 60] * 59)
    assert found[-1] - 0.9 / 60 == pytest.approx(0.1)  # one more step would be the end of the line


def test_a_cosine_goes_down_half_a_wave():
    found = rates(schedule="cosine", final=0.2)
    expected = [0.2 + 0.8 * (1 + math.cos(math.pi * (step - 10) / 90)) / 2 for step in range(10, 100)]
    assert found[10:] == pytest.approx(expected)


def test_a_constant_rate_stays():
    assert rates(schedule="constant")[10:] == [1.0] * 90


def test_a_warm_up_longer_than_the_run_is_all_there_is():
    short = Settings(steps=5, warmup=10)
    assert [learning_rate(step, short) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize(("wrong", "sentence"), [
    ({"steps": 0}, "steps must be at least 1; got 0"),
    ({"lr": 0.0}, "lr must be a number above 0; got 0.0"),
    ({"matrix_lr": -1.0}, "matrix_lr must be a number above 0"),
    ({"clip": math.nan}, "clip must be a number above 0; got nan"),
    ({"flat": 1.5}, "flat is a share and lies between 0 and 1; got 1.5"),
    ({"schedule": "stairs"}, "schedule is one of trapezoid, cosine, constant; got 'stairs'"),
    ({"precision": "float8"}, "precision is one of auto, float32, bfloat16; got 'float8'"),
])  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused_with_what_would(wrong, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        Settings(**wrong)
