"""The residual stream: each norm and each part against an independent formula, the stack against the book's own model."""

import math

import pytest
import torch

from llmkit.residual import (
    PARTS,
    draw_blocks,
    feed_forward,
    gradients,
    layer_norm,
    layer_norm_backward,
    rms_norm,
    run_blocks,
    sizes,
)
from llmkit.transformer import Config
from llmkit.transformer.block import Stack
from llmkit.transformer.layers import FeedForward, View


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blocks(depth, width=16, inner=40, seed=1, **options):
    return draw_blocks(depth, width, inner, torch.Generator().manual_seed(seed), **options)


# ---- norms and feed-forward ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (4, 7), (2, 3, 16)])
def test_layer_norm_is_the_formula_one_number_at_a_time_and_equals_torch(shape):
    x, gain, bias = randn(*shape), randn(shape[-1], seed=1), randn(shape[-1], seed=2)
    got = layer_norm(x, gain, bias)
    torch.testing.assert_close(got, torch.nn.functional.layer_norm(x, shape[-1:], gain, bias, 1e-5), rtol=0, atol=1e-12)
    row, width = x.reshape(-1, shape[-1])[0].tolist(), shape[-1]
    mean = sum(row) / width
    variance = sum((value - mean) ** 2 for value in row) / width
    expected = [gain[c].item() * (row[c] - mean) / math.sqrt(variance + 1e-5) + bias[c].item() for c in range(width)]
    assert got.reshape(-1, width)[0].tolist() == pytest.approx(expected, abs=1e-12)


def test_layer_norm_forgets_shift_and_stretch():
    x = randn(5, 8)
    torch.testing.assert_close(layer_norm(3 * x + 7, eps=0.0), layer_norm(x, eps=0.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (4, 7), (2, 3, 16)])
def test_rms_norm_is_the_formula_one_number_at_a_time_and_equals_torch(shape):
    x, gain = randn(*shape), randn(shape[-1], seed=1)
    got, width = rms_norm(x, gain), shape[-1]
    torch.testing.assert_close(got, torch.nn.functional.rms_norm(x, shape[-1:], gain, 1e-5), rtol=0, atol=1e-12)
    row = x.reshape(-1, width)[0].tolist()
    root = math.sqrt(sum(value**2 for value in row) / width + 1e-5)
    assert got.reshape(-1, width)[0].tolist() == pytest.approx([gain[c].item() * row[c] / root for c in range(width)], abs=1e-12)


def test_rms_norm_forgets_stretch_but_not_shift_and_is_layer_norm_where_the_mean_is_zero():
    x = randn(5, 8)
    torch.testing.assert_close(rms_norm(3 * x, eps=0.0), rms_norm(x, eps=0.0), rtol=0, atol=1e-12)
    assert (rms_norm(x + 7, eps=0.0) - rms_norm(x, eps=0.0)).abs().max() > 0.5
    centered = x - x.mean(-1, keepdim=True)
    torch.testing.assert_close(rms_norm(centered), layer_norm(x), rtol=0, atol=1e-12)


def test_layer_norm_backward_equals_autograd_and_has_no_part_along_shift_and_stretch():
    x, grad = randn(4, 9).requires_grad_(), randn(4, 9, seed=1)
    expected = torch.autograd.grad(layer_norm(x), x, grad)[0]
    got = layer_norm_backward(x.detach(), grad)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
    exact = layer_norm_backward(x.detach(), grad, eps=0.0)
    assert exact.sum(-1).abs().max() < 1e-12
    assert (exact * layer_norm(x.detach(), eps=0.0)).sum(-1).abs().max() < 1e-12


def test_feed_forward_is_two_matrices_with_a_bend_between_and_each_token_is_alone():
    x, inner, outer = randn(5, 6), randn(6, 20, seed=1), randn(20, 6, seed=2)
    got = feed_forward(x, inner, outer)
    for t in range(5):
        wide = [sum(x[t, c].item() * inner[c, f].item() for c in range(6)) for f in range(20)]
        bent = [0.5 * z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) for z in wide]
        expected = [sum(bent[f] * outer[f, c].item() for f in range(20)) for c in range(6)]
        assert got[t].tolist() == pytest.approx(expected, abs=1e-10)
    changed = x.clone()
    changed[3] += 1
    torch.testing.assert_close(feed_forward(changed, inner, outer)[[0, 1, 2, 4]], got[[0, 1, 2, 4]], rtol=0, atol=0)


def test_the_gated_part_of_the_books_model_is_the_formula_one_number_at_a_time():
    config = Config(vocab_size=9, width=6, num_layers=1, num_heads=2, hidden_width=10, positions="none")
    part, x = FeedForward(config).double(), randn(3, 6)
    with torch.no_grad():
        got = part(x)
    gate, up, down = (layer.weight.detach() for layer in (part.gate, part.up, part.down))
    for t in range(3):
        opened = [sum(x[t, c].item() * gate[f, c].item() for c in range(6)) for f in range(10)]
        passed = [sum(x[t, c].item() * up[f, c].item() for c in range(6)) for f in range(10)]
        inside = [z / (1 + math.exp(-z)) * u for z, u in zip(opened, passed, strict=True)]
        expected = [sum(inside[f] * down[c, f].item() for f in range(10)) for c in range(6)]
        assert got[t].tolist() == pytest.approx(expected, abs=1e-12)


# ---- the stack -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["pre", "post"])
@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_the_stack_is_that_of_the_books_own_model(place, norm):
    """Plain functions and llmkit.transformer, with the same weights."""
    weights, x = blocks(3), randn(5, 16)
    config = Config(vocab_size=10, width=16, num_layers=3, num_heads=4, hidden_width=40, norm=norm, norm_place=place,
                    activation="gelu_tanh", positions="none")  # fmt: skip
    stack = Stack(config, is_causal=True).double()
    for block, given in zip(stack.blocks, weights, strict=True):
        for linear, weight in ((block.attention.query, given.query), (block.attention.key, given.key), (block.attention.value, given.value),
                               (block.attention.output, given.output), (block.feed_forward.inner, given.inner), (block.feed_forward.outer, given.outer)):  # fmt: skip
            linear.weight.data.copy_(weight.mT)
    with torch.no_grad():
        expected = stack(x[None], View(is_causal=True))[0]
    torch.testing.assert_close(run_blocks(x, weights, 4, place, norm).output.detach(), expected, rtol=0, atol=1e-10)


def test_the_stream_at_the_end_is_what_came_in_and_all_that_was_written():
    x = randn(6, 16)
    passage = run_blocks(x, blocks(5), 4)
    written = sum(part[name] for part in passage.wrote for name in ("attention", "feed_forward"))
    torch.testing.assert_close(passage.states[-1], x + written, rtol=0, atol=1e-12)
    for state, wrote in zip(passage.states, passage.wrote, strict=False):  # and one step
        torch.testing.assert_close(wrote["add1"], state + wrote["attention"], rtol=0, atol=1e-12)


def test_the_gradient_of_a_residual_step_is_the_identity_plus_that_of_the_part():
    x, weight, grad = randn(4, 6), randn(6, 6, seed=1), randn(4, 6, seed=2)

    def part(x):
        return torch.tanh(x @ weight)

    with_stream = torch.autograd.functional.vjp(lambda x: x + part(x), x, grad)[1]
    alone = torch.autograd.functional.vjp(part, x, grad)[1]
    torch.testing.assert_close(with_stream, grad + alone, rtol=0, atol=1e-12)


def test_pre_norm_leaves_the_stream_alone_and_post_norm_holds_its_size():
    x = randn(6, 16)
    pre, post = run_blocks(x, blocks(4), 4, "pre"), run_blocks(x, blocks(4), 4, "post")
    first = pre.wrote[0]
    torch.testing.assert_close(first["add1"], x + first["attention"], rtol=0, atol=1e-12)
    torch.testing.assert_close(first["norm1"], layer_norm(x), rtol=0, atol=1e-12)
    for wrote, state in zip(post.wrote, post.states[1:], strict=True):
        torch.testing.assert_close(state, layer_norm(wrote["norm1"] + wrote["feed_forward"]), rtol=0, atol=1e-12)
        assert state.norm(dim=-1).tolist() == pytest.approx([4.0] * 6, abs=1e-3)  # the root of 16


def test_variances_of_what_is_written_add_up_and_shrinking_by_the_root_of_their_number_holds_the_stream():
    x, many = randn(64, 128), 24
    grown = {}
    for shrink in (1.0, 1 / math.sqrt(2 * many)):
        passage = run_blocks(x, blocks(many, 128, 512, shrink=shrink), 8, is_causal=False)
        grown[shrink] = (passage.states[-1].var() / x.var()).item()
        written = sum(wrote[name].var().item() for wrote in passage.wrote for name in ("attention", "feed_forward"))
        if shrink < 1:
            assert grown[shrink] == pytest.approx(1 + written, rel=0.15)
    assert grown[1.0] > 8 and grown[1 / math.sqrt(2 * many)] < 2


def test_without_norms_the_stream_explodes_without_additions_too_it_vanishes():
    x, readout = randn(6, 32), torch.nn.functional.normalize(randn(6, 32, seed=3), dim=-1)
    deep = blocks(12, 32, 128)

    def ends(*off):
        passage = run_blocks(x, deep, 4, parts=set(PARTS) - set(off))
        return sizes(passage.states)[-1], sizes(gradients(passage, readout))[0]

    assert 5 < ends()[0] < 50 and ends()[1] < 5
    assert min(ends("norm1", "norm2")) > 100
    assert max(ends("norm1", "norm2", "add1", "add2")) < 0.05


@pytest.mark.parametrize("off", [("attention",), ("feed_forward",), ("attention", "feed_forward"), ("attention", "add1"), tuple(PARTS)])
def test_whatever_is_switched_off_stream_and_gradient_stay_numbers(off):
    for place in ("pre", "post"):
        passage = run_blocks(randn(3, 16), blocks(3), 4, place, parts=set(PARTS) - set(off))
        for each in [*passage.states, *gradients(passage, randn(3, 16, seed=5))]:
            assert each.isfinite().all()


def test_without_attention_no_token_learns_of_another_and_without_both_nothing_is_written():
    x = randn(4, 16)
    other = x.clone()
    other[0] *= -1  # a shift alone would pass unseen: LayerNorm forgets it

    def last(x, *off):
        return run_blocks(x, blocks(3), 4, parts=set(PARTS) - set(off)).output

    assert (last(x) - last(other))[1:].abs().max() > 1e-3
    assert torch.equal(last(x, "attention")[1:], last(other, "attention")[1:])
    assert torch.equal(run_blocks(x, blocks(3), 4, parts={"add1", "add2"}).output.detach(), x)


@pytest.mark.parametrize("wrong", [{"place": "middle"}, {"norm": "batch"}, {"parts": ("norm3",)}])
def test_what_is_not_known_is_refused_in_a_sentence(wrong):
    with pytest.raises(ValueError, match=r"knows .*; got"):
        run_blocks(randn(2, 16), blocks(1), 4, **wrong)
