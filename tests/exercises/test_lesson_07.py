"""The solutions of lesson 07 against independent formulas, and mistakes written another way."""

import pytest
import torch
from torch.nn import functional

from llmkit import residual
from llmkit.exercises import check
from llmkit.exercises import lesson_07_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_07 import block, forward_flops, gated, layer_norm_backward, rms_norm
from llmkit.transformer import Config
from llmkit.transformer.count import count_flops


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_norm_is_torchs():
    x, gain = randn(3, 5, 8), randn(8, seed=1)
    torch.testing.assert_close(rms_norm(x, gain), functional.rms_norm(x, (8,), gain, 0.0), rtol=0, atol=1e-12)


def test_the_gate_is_torchs_silu():
    x, gate, up, down = randn(5, 4), randn(4, 9, seed=1), randn(4, 9, seed=2), randn(9, 4, seed=3)
    torch.testing.assert_close(gated(x, gate, up, down), (functional.silu(x @ gate) * (x @ up)) @ down, rtol=0, atol=1e-12)


def test_the_block_is_the_first_half_and_the_second():
    x, value, inner, outer = randn(4, 6), randn(6, 6, seed=1), randn(6, 10, seed=2), randn(10, 6, seed=3)
    weights = torch.softmax(randn(4, 4, seed=4), -1)
    h = x + weights @ (residual.layer_norm(x) @ value)
    expected = h + (residual.layer_norm(h) @ inner).clamp(min=0) @ outer
    torch.testing.assert_close(block(x, weights, value, inner, outer), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("tokens", [1, 7, 300])
def test_the_cost_is_the_books_own(tokens):
    count = count_flops(Config(vocab_size=9, width=24, num_layers=5, num_heads=4, hidden_width=100, activation="gelu"), tokens)
    assert forward_flops(tokens, 24, 100, 5) == sum(count.values()) - count["head"]


def test_the_gradient_is_autograds():
    x, grad = randn(4, 7).requires_grad_(), randn(4, 7, seed=1)
    expected = torch.autograd.grad(functional.layer_norm(x, (7,), eps=0.0), x, grad)[0]
    torch.testing.assert_close(layer_norm_backward(x.detach(), grad), expected, rtol=0, atol=1e-12)


# The same mistakes, in other words ------------------------------------------------------------------


def normed_by_length(x, gain):
    return functional.normalize(x, dim=-1) * gain


def torchs_layer_norm(x, gain):
    return functional.layer_norm(x, x.shape[-1:], eps=0.0) * gain


def geglu_without_its_bend(x, gate, up, down):
    return torch.einsum("...f,fc->...c", (x @ gate) * (x @ up), down)


def bert_block(x, weights, value, inner, outer):
    ln = torch.nn.LayerNorm(x.shape[-1], elementwise_affine=False)
    x = ln(x + weights @ (x @ value))
    return ln(x + functional.relu(x @ inner) @ outer)


def macs(tokens, width, inner, layers):
    return layers * (4 * tokens * width**2 + 2 * tokens * width * inner + 2 * tokens**2 * width)


def two_per_weight(tokens, width, inner, layers):
    return 2 * tokens * layers * (4 * width**2 + 2 * width * inner)


def divided(x, grad):
    return grad / x.std(-1, correction=0, keepdim=True)


@pytest.mark.parametrize(
    "number, function, mistake",
    [
        ("07.1", normed_by_length, wrong.summed),
        ("07.1", torchs_layer_norm, wrong.centered),
        ("07.2", geglu_without_its_bend, wrong.no_bend),
        ("07.3", bert_block, wrong.post_norm),
        ("07.4", macs, wrong.once_each),
        ("07.4", two_per_weight, wrong.no_looking),
        ("07.5", divided, wrong.constants),
    ],
)
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)
