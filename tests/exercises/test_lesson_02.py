"""The solutions of lesson 02 against autograd and the book's own functions, and mistakes written another way."""

import pytest
import torch

from llmkit.exercises import check
from llmkit.exercises import lesson_02_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_02 import (
    layer,
    network_gradient,
    neuron_gradient,
    next_word_examples,
    precision_and_recall,
)
from llmkit.learning import Network, backward
from llmkit.metrics import precision_recall


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_layer_is_that_of_torch():
    theirs = torch.nn.Linear(3, 5, dtype=torch.float64)
    x = randn(2, 4, 3)
    torch.testing.assert_close(layer(x, theirs.weight, theirs.bias), torch.tanh(theirs(x)), rtol=0, atol=1e-12)


def test_the_gradients_are_those_of_autograd():
    x, y, w, b = randn(7, 3), (randn(7, seed=1) > 0).double(), randn(3, seed=2).requires_grad_(), randn(1, seed=3)[0].requires_grad_()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ w + b, y)
    for got, want in zip(neuron_gradient(x, y, w.detach(), b.detach()), torch.autograd.grad(loss, (w, b)), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    net = Network(randn(4, 3, seed=4), randn(4, seed=5), randn(4, seed=6), randn(1, seed=7)[0])
    for got, want in zip(network_gradient(x, y, *net), backward(net, x, y), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_precision_and_recall_are_the_books_own():
    scores, truth = randn(40), randn(40, seed=1) > 0.3
    got = precision_and_recall(scores, truth, torch.tensor(0.1))
    assert [part.item() for part in got] == pytest.approx(precision_recall(scores >= 0.1, truth), abs=1e-6)


def test_every_token_but_the_first_four_is_a_target_once_and_follows_its_input():
    text = torch.arange(20)
    inputs, targets = next_word_examples(text)
    assert targets.tolist() == list(range(4, 20))
    assert all(row.tolist() == list(range(target - 4, target)) for row, target in zip(inputs, targets.tolist(), strict=True))


# The same mistakes, in other words ------------------------------------------------------------------


def einsum_without_tanh(x, weight, bias):
    return torch.einsum("...d,hd->...h", x, weight) + bias


def gradient_by_autograd_of_the_sum(x, y, w, b):
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    if x.ndim > 2:
        parts = [gradient_by_autograd_of_the_sum(*one, w.detach(), b.detach()) for one in zip(x, y, strict=True)]
        return tuple(torch.stack(part) for part in zip(*parts, strict=True))
    return torch.autograd.grad(torch.nn.functional.binary_cross_entropy_with_logits(x @ w + b, y, reduction="sum"), (w, b))


def straight_through(x, y, weight, bias, v, c):
    h = (x @ weight.T + bias).tanh()
    error = (torch.sigmoid(h @ v + c) - y) / y.shape[-1]
    back = torch.einsum("...n,h->...nh", error, v)
    return torch.einsum("...nh,...nd->...hd", back, x), back.sum(-2), torch.einsum("...n,...nh->...h", error, h), error.sum(-1)


def recall_first(scores, truth, threshold):
    said = (scores >= threshold).double()
    hits = (said * truth).sum(-1)
    return hits / truth.double().sum(-1), hits / said.sum(-1).clamp(min=1)


def copies_the_last(tokens):
    inputs = torch.stack([tokens[..., i : tokens.shape[-1] - 4 + i] for i in range(4)], -1)
    return inputs, inputs[..., -1]


@pytest.mark.parametrize("number, answer, mistake", [
    ("02.1", einsum_without_tanh, wrong.no_bend),
    ("02.2", gradient_by_autograd_of_the_sum, wrong.sum_not_mean),
    ("02.3", straight_through, wrong.slope_forgotten),
    ("02.4", recall_first, wrong.swapped),
    ("02.5", copies_the_last, wrong.answer_in_the_input),
])  # fmt: skip
def test_a_mistake_is_recognized_however_it_is_written(number, answer, mistake):
    verdict = check(number, answer)
    assert verdict.outcome == "incorrect"
    assert verdict.paragraphs[0] == message(mistake)


@pytest.mark.parametrize("number, answer", [
    ("02.1", lambda x, weight, bias: torch.nn.functional.linear(x, weight, bias).tanh()),
    ("02.5", lambda tokens: (torch.stack([tokens[..., i : tokens.shape[-1] - 4 + i] for i in range(4)], -1), tokens[..., 4:])),
])  # fmt: skip
def test_other_right_answers_are_right(number, answer):
    assert check(number, answer).outcome == "correct"
