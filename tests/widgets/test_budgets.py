"""What makes a move late once is other work; what makes it late every time breaks the budget."""

import pytest
from budgets import keep_budgets

MOVES = 60


def tries(*runs: dict) -> int:
    """How many of these runs are asked for. Each is what differs from a quiet one."""
    quiet = {"handlers": [1.0] * MOVES, "frames": [17.0] * MOVES, "empty": [16.7] * 20, "longest": [0.0]}
    asked = iter(runs)
    keep_budgets("planted", lambda: {**quiet, **next(asked)}, len(runs), pause=0)
    return len(runs) - len(list(asked))


def late(*moves: int, by: float = 30.0) -> dict:
    return {"frames": [17.0 + by * (number in moves) for number in range(MOVES)]}


def test_three_late_moves_of_sixty_are_within_the_95th_percentile():
    assert tries(late(1, 2, 3), {}) == 1


def test_a_move_that_was_late_once_counts_as_it_was_in_another_try():
    assert tries(late(1, 2, 3, 4), late(1, 6, 7, 8, 9), {}) == 2


@pytest.mark.parametrize("slow", [
    late(1, 2, 3, 4, by=3.5),
    {"handlers": [1.0] * 56 + [4.1] * 4},
    {"longest": [51.0]},
])  # fmt: skip
def test_what_is_slow_in_every_try_breaks_the_budget(slow):
    with pytest.raises(AssertionError, match="over budget"):
        tries(*[slow] * 12)


def test_where_empty_frames_always_come_late_the_budgets_stretch_and_no_further():
    busy = {"empty": [16.7 * 1.25] * 20}
    assert tries(*[{**busy, "frames": [24.0] * MOVES}] * 3) == 2
    with pytest.raises(AssertionError, match=r"next frame p95 26\.0 ms"):
        tries(*[{**busy, "frames": [26.0] * MOVES}] * 3)


def test_empty_frames_that_come_late_once_stretch_nothing():
    with pytest.raises(AssertionError, match="over budget"):
        tries({"frames": [24.0] * MOVES, "empty": [40.0] * 20}, *[{"frames": [24.0] * MOVES}] * 3)
