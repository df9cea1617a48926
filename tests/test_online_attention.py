"""Softmax and attention tile by tile, against the ones that see everything at once."""

import math
from fractions import Fraction

import pytest
import torch

from llmkit.attention import attend, causal_mask
from llmkit.masks import window_mask
from llmkit.memory import peak_bytes
from llmkit.metrics import growth_exponent
from llmkit.online_attention import Running, merge, nothing_seen, online_attention, take_in, tiles


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def qkv(t, s, batch=()):
    return randn(*batch, t, 8), randn(*batch, s, 8, seed=1), randn(*batch, s, 5, seed=2)


@pytest.mark.parametrize("tile", [1, 3, 16, 50, 99])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_tile_by_tile_equals_the_whole_to_1e_12(tile, batch):
    query, key, value = qkv(7, 50, batch)
    whole = attend(query, key, value).output
    assert (online_attention(query, key, value, tile) - whole).abs().max() < 1e-12
    assert (online_attention(100 * query, key, value, tile) - attend(100 * query, key, value).output).abs().max() < 1e-12


@pytest.mark.parametrize("tile", [1, 4, 20])
def test_masks_hold_and_a_row_that_sees_nothing_is_zeros(tile):
    query, key, value = qkv(20, 20)
    for mask in (causal_mask(20), window_mask(20, 3), torch.zeros(20, 20, dtype=torch.bool), causal_mask(20).flip(0)):
        got = online_attention(query, key, value, tile, mask)
        assert (got - attend(query, key, value, mask).output).abs().max() < 1e-12


def test_after_every_tile_the_running_numbers_are_those_of_the_keys_read():
    query, key, value = qkv(4, 23)
    scores = query @ key.T / math.sqrt(8)
    for n, seen in enumerate(tiles(query, key, value, 5)):
        read = scores[:, : 5 * n + 5]
        top = read.amax(-1, keepdim=True)
        torch.testing.assert_close(seen.top, top, rtol=0, atol=1e-14)
        torch.testing.assert_close(seen.total, torch.exp(read - top).sum(-1, keepdim=True), rtol=0, atol=1e-13)
        torch.testing.assert_close(seen.output, torch.softmax(read, -1) @ value[: 5 * n + 5], rtol=0, atol=1e-13)


def test_a_step_by_hand_in_fractions():
    """Base 2 in place of e: scores 1, 3 | 2 with values 2, 4 | 8."""
    ln2 = math.log(2)
    seen = Running(torch.tensor([[3 * ln2]]), torch.tensor([[1.25]]), torch.tensor([[0.25 * 2 + 4.0]]))
    first = take_in(nothing_seen(torch.zeros(1, 1), torch.zeros(1, 1)), ln2 * torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0], [4.0]]))
    torch.testing.assert_close(first.mix, seen.mix)
    then = take_in(first, ln2 * torch.tensor([[2.0]]), torch.tensor([[8.0]]))
    powers = [Fraction(1, 4), Fraction(1), Fraction(1, 2)]
    expected = sum(p * v for p, v in zip(powers, (2, 4, 8), strict=True)) / sum(powers)
    assert then.output.item() == pytest.approx(float(expected), abs=1e-6)


def test_parts_read_apart_are_merged_in_any_order():
    query, key, value = qkv(6, 30)
    scores = query @ key.T / math.sqrt(8)
    parts = [take_in(nothing_seen(query, value), scores[:, some], value[some]) for some in (slice(0, 4), slice(4, 19), slice(19, 30))]
    whole = attend(query, key, value).output
    for a, b, c in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        assert (merge(merge(parts[a], parts[b]), parts[c]).output - whole).abs().max() < 1e-12
    empty = nothing_seen(query, value)
    assert (merge(empty, parts[0]).output - parts[0].output).abs().max() == 0
    assert (merge(empty, empty).output == 0).all()


def test_nothing_overflows():
    query, key, value = qkv(3, 9)
    assert online_attention(1e5 * query, key, value, 2).isfinite().all()
    assert online_attention(1e5 * query, key, value, 2, torch.zeros(3, 9, dtype=torch.bool)).isfinite().all()


def test_a_tile_without_keys_is_refused():
    with pytest.raises(ValueError, match="at least one key"):
        online_attention(*qkv(2, 3), tile=0)


def test_gradients_pass_through_the_tiles():
    inputs = tuple(x.requires_grad_() for x in qkv(4, 10))
    ours, theirs = online_attention(*inputs, 3), attend(*inputs).output
    upstream = randn(4, 5, seed=7)
    for a, b in zip(torch.autograd.grad(ours, inputs, upstream), torch.autograd.grad(theirs, inputs, upstream), strict=True):
        assert (a - b).abs().max() < 1e-12


# ---- memory ------------------------------------------------------------------------------------------------------


def test_live_bytes_are_counted_without_the_inputs():
    x = torch.zeros(1000)
    assert peak_bytes(lambda x: x.view(10, 100).T, x) == 0  # a view is nothing new
    assert peak_bytes(lambda x: x * 2, x) == 4000
    assert peak_bytes(lambda x: ((x + 1) + 1) + 1, x) == 8000  # an old and a new one, never three
    assert peak_bytes(lambda x: x.add_(1), x) == 0
    assert peak_bytes(lambda x: [x + 1, x + 2, x + 3], x) == 12_000
    assert peak_bytes(lambda x: [(x + 1).sum() for _ in range(5)], x) == 4000 + 5 * 4


def test_memory_of_plain_attention_grows_with_the_square_and_of_the_online_one_with_the_length():
    sizes = (512, 1024, 2048)
    plain = [peak_bytes(lambda q, k, v: torch.softmax(q @ k.T / 8, -1) @ v, *torch.randn(3, n, 64)) for n in sizes]
    online = [peak_bytes(lambda q, k, v: online_attention(q, k, v, 128), *torch.randn(3, n, 64)) for n in sizes]
    assert abs(growth_exponent(sizes, plain) - 2) < 0.1
    assert abs(growth_exponent(sizes, online) - 1) < 0.1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_memory_on_a_gpu_grows_alike():
    sizes = (1024, 2048, 4096)
    plain = [peak_bytes(lambda q, k, v: torch.softmax(q @ k.T / 8, -1) @ v, *torch.randn(3, n, 64, device="cuda")) for n in sizes]
    online = [peak_bytes(lambda q, k, v: online_attention(q, k, v, 128), *torch.randn(3, n, 64, device="cuda")) for n in sizes]
    assert abs(growth_exponent(sizes, plain) - 2) < 0.1
    assert abs(growth_exponent(sizes, online) - 1) < 0.1


@pytest.mark.parametrize("exponent", [0.5, 1, 2, 3.3])
def test_the_exponent_of_a_power_law_is_the_slope_between_logarithms(exponent):
    sizes = [3, 7, 20, 100]
    assert growth_exponent(sizes, [5 * n**exponent for n in sizes]) == pytest.approx(exponent, abs=1e-12)
    costs = [5, 11, 40, 300]
    assert growth_exponent([2, 8], costs[:2]) == pytest.approx((math.log(11) - math.log(5)) / (math.log(8) - math.log(2)), abs=1e-12)


@pytest.mark.parametrize(("sizes", "costs"), [([1], [1]), ([2, 2], [1, 1]), ([1, 2], [0, 1]), ([1, 2, 3], [1, 2])])
def test_no_slope_without_two_sizes_and_costs_above_zero(sizes, costs):
    with pytest.raises(ValueError, match="at least two different sizes"):
        growth_exponent(sizes, costs)
