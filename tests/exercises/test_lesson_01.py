"""The solutions of lesson 01 against independent formulas, and mistakes written another way."""

import math

import pytest
import torch

from llmkit.exercises import check
from llmkit.exercises import lesson_01_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_01 import (
    bits_for_each_byte,
    excess,
    interpolated,
    log_probability,
    perplexity_of,
)
from llmkit.metrics import bits_per_byte, divergence, perplexity
from llmkit.ngrams import NGram


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_solutions_agree_with_the_books_own_functions():
    chances = torch.sigmoid(randn(9))
    surprise = (-chances.log()).tolist()
    assert log_probability(chances).item() == pytest.approx(math.log(math.prod(chances.tolist())), abs=1e-12)
    assert perplexity_of(chances).item() == pytest.approx(perplexity(surprise), rel=1e-12)
    lengths = torch.randint(1, 8, (9,))
    assert bits_for_each_byte(-chances.log(), lengths).item() == pytest.approx(bits_per_byte(sum(surprise), int(lengths.sum())), rel=1e-12)
    truth, model = randn(3, 6).softmax(-1), randn(3, 6, seed=1).softmax(-1)
    torch.testing.assert_close(excess(truth, model), divergence(truth, model), rtol=0, atol=1e-12)


def test_one_step_of_interpolation_is_what_the_bigram_does():
    rows, vocab, discount = [[0, 1, 2, 3, 1], [0, 1, 2, 1, 4], [0, 2, 3, 3]], 5, 0.75
    model = NGram(2, vocab, discount).fit(rows)
    counts = torch.tensor([[model.counts[1].get((h,), {}).get(w, 0) for w in range(vocab)] for h in range(vocab)], dtype=torch.float64)
    shorter = torch.tensor([model.probability((), w) for w in range(vocab)], dtype=torch.float64)
    expected = torch.tensor([[model.probability((h,), w) for w in range(vocab)] for h in range(vocab)], dtype=torch.float64)
    torch.testing.assert_close(interpolated(counts, shorter, torch.tensor(discount, dtype=torch.float64)), expected, rtol=0, atol=1e-12)


# The same mistakes, in other words ------------------------------------------------------------------


def multiplied_in_a_loop(chances):
    total = torch.ones(chances.shape[:-1], dtype=chances.dtype)
    for t in range(chances.shape[-1]):
        total = total * chances[..., t]
    return total.log()


def base_two_and_back(chances):
    return chances.log2().sum(-1)


def from_the_mean_chance(chances):
    return chances.mean(-1) ** -1


def power_of_two(chances):
    return torch.pow(2.0, chances.log().mean(-1).neg())


def bits_of_each_then_mean(nats, num_bytes):
    return (nats / math.log(2) / num_bytes).sum(-1) / nats.shape[-1]


def relu_and_forget(counts, shorter, discount):
    total = counts.sum(-1, keepdim=True)
    kept = torch.relu(counts - discount) / total.clamp(min=1)
    return torch.where(total == 0, shorter.expand_as(kept), kept)


def reversed_divergence(truth, model):
    return torch.nn.functional.kl_div(truth.log(), model, reduction="none").sum(-1)


@pytest.mark.parametrize("number, answer, mistake", [
    ("01.1", multiplied_in_a_loop, wrong.product_first),
    ("01.1", base_two_and_back, wrong.in_bits),
    ("01.2", from_the_mean_chance, wrong.inverse_of_the_mean),
    ("01.2", power_of_two, wrong.two_to_the_nats),
    ("01.3", bits_of_each_then_mean, wrong.mean_of_ratios),
    ("01.4", relu_and_forget, wrong.nothing_given_back),
    ("01.5", reversed_divergence, wrong.the_other_way_round),
])  # fmt: skip
def test_a_mistake_is_recognized_however_it_is_written(number, answer, mistake):
    verdict = check(number, answer)
    assert verdict.outcome == "incorrect"
    assert verdict.paragraphs[0] == message(mistake)


@pytest.mark.parametrize("number, answer", [
    ("01.1", lambda chances: chances.log().mean(-1) * chances.shape[-1]),
    ("01.2", lambda chances: torch.pow(2.0, -chances.log2().mean(-1))),
    ("01.3", lambda nats, num_bytes: (nats / math.log(2)).sum(-1) / num_bytes.sum(-1)),
    ("01.5", lambda truth, model: torch.nn.functional.kl_div(model.log(), truth, reduction="none").sum(-1)),
])  # fmt: skip
def test_other_right_answers_are_right(number, answer):
    assert check(number, answer).outcome == "correct"
