"""Lesson 04's experiment: the task, what a model's own length is, and the runs and weights that are stored."""

import pytest
import torch

from llmkit.recipes import reversing
from llmkit.recurrence import EncoderDecoder


def test_the_answer_is_the_string_backwards_and_a_step_has_one_length():
    lengths = set()
    for step in range(60):
        batch = reversing.batches(8, rows=3)(step)
        assert torch.equal(batch["answers"].flip(1), batch["letters"])
        lengths.add(batch["letters"].shape[1])
    assert lengths == set(range(1, 9))
    assert torch.equal(reversing.batches()(5)["letters"], reversing.batches()(5)["letters"])


def test_a_models_own_length_ends_where_less_than_half_come_back_whole():
    assert reversing.reach([1.0, 0.5, 0.49, 1.0], (2, 4, 6, 8)) == 4
    assert reversing.reach([0.1, 1.0], (2, 4)) == 0


def test_letters_and_numbers_are_each_others_way_back():
    assert reversing.spell(reversing.numbers("recurrence")[0]) == "recurrence"
    for bad in ("", "Ab", "é"):
        with pytest.raises(ValueError, match="The models know the letters a to z"):
            reversing.numbers(bad)


def test_a_perfect_writer_is_right_at_every_length():
    class Perfect(EncoderDecoder):
        def write(self, letters):
            return type("Written", (), {"letters": letters.flip(1)})

    assert reversing.ask(Perfect(), (3, 9)) == [(1.0, 1.0)] * 2


@pytest.mark.parametrize("kind", reversing.KINDS)
def test_the_stored_runs_hold_every_seed_and_length(kind):
    stored = reversing.stored()
    assert {"hardware", "date", "steps"} <= set(stored) and stored["steps"] == reversing.PLAN.steps
    assert tuple(stored["lengths"]) == reversing.LENGTHS and stored["trained"] == reversing.TRAINED
    for table in (stored["letters"][kind], stored["strings"][kind]):
        assert len(table) == reversing.SEEDS and {len(run) for run in table} == {len(reversing.LENGTHS)}


def test_without_attention_the_model_fails_past_its_length_and_with_it_every_trained_length_holds_with_every_seed():
    stored = reversing.stored()
    for without, having in zip(stored["strings"]["without"], stored["strings"]["with"], strict=True):
        assert reversing.reach(without) <= 10 and reversing.reach(having) >= reversing.TRAINED


def test_the_stored_weights_do_what_the_stored_runs_of_the_first_seed_say():
    models, stored = reversing.trained(), reversing.stored()
    for kind, model in models.items():
        found = [whole for _, whole in reversing.ask(model, (8, 16), rows=100)]
        told = [stored["strings"][kind][0][reversing.LENGTHS.index(n)] for n in (8, 16)]
        assert found == pytest.approx(told, abs=0.12)
