"""Lesson 09's experiment: the task, the same tokens at every length, and the runs that are stored."""

import pytest
import torch

from llmkit.recipes import lengths


def test_the_answer_is_the_letter_two_before_and_nobody_asks_where_there_is_none():
    batch = lengths.batches(10)(3)
    letters, answers = batch["letters"], batch["answers"]
    assert (answers[:, :2] == -100).all() and torch.equal(answers[:, 2:], letters[:, :-2])
    assert torch.equal(letters, lengths.batches(10)(3)["letters"]) and not torch.equal(letters, lengths.batches(10)(4)["letters"])


def echo(back: int):
    """A model that names the letter so many before, at any length."""

    class Echo(torch.nn.Module):
        embedding = torch.nn.Embedding(1, 1)

        def forward(self, letters):
            return 9.0 * torch.nn.functional.one_hot(letters.roll(back, 1), lengths.LETTERS).float()

    return Echo()


def test_a_model_that_looks_two_back_is_right_at_every_length_and_one_that_looks_elsewhere_is_not():
    assert lengths.ask(echo(2)) == [1.0] * 4
    assert max(lengths.ask(echo(3))) < 0.1
    assert lengths.ask(echo(4), back=4) == [1.0] * 4


def test_every_length_is_asked_about_the_same_tokens():
    said = [lengths.guesses(echo(2), length)[0] for length in lengths.LENGTHS]
    assert all(torch.equal(said[0], other) for other in said[1:])


def test_squeezing_changes_the_tables_and_no_weight():
    torch.manual_seed(0)
    model = lengths.Transformer(lengths.SHAPE)
    half = lengths.squeezed(model, 2)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), half.parameters(), strict=True))
    assert torch.allclose(half.decoder.cos[2 * torch.arange(50)], model.decoder.cos[:50], atol=1e-6)


@pytest.mark.parametrize("kind", lengths.KINDS)
def test_the_stored_runs_hold_every_kind_with_every_seed_and_length(kind):
    stored = lengths.stored()
    assert {"hardware", "date", "steps"} <= set(stored) and stored["steps"] == lengths.PLAN.steps
    assert list(stored["shares"]) == list(lengths.KINDS) and tuple(stored["lengths"]) == lengths.LENGTHS
    for table in (stored["shares"][kind], stored["losses"][kind]):
        assert len(table) == lengths.SEEDS and {len(run) for run in table} == {len(lengths.LENGTHS)}
    assert all(0 <= share <= 1 for run in stored["shares"][kind] for share in run)
