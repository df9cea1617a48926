"""Several heads at once, against torch's own layer, a loop over the heads, and a count of every operation."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from llmkit.attention import attend, causal_mask
from llmkit.multi_head import Projections, attention_flops, kv_cache_bytes, multi_head, share_heads
from llmkit.transformer import Config, KVCache


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def matrices(width, kv_width=None):
    kv_width = kv_width or width
    return Projections(*(randn(*shape, seed=n) / 4 for n, shape in enumerate([(width, width), (width, kv_width), (width, kv_width), (width, width)])))


@pytest.mark.parametrize("num_heads", [1, 2, 4, 12])
@pytest.mark.parametrize("is_causal", [False, True])
def test_multi_head_equals_torchs_layer(num_heads, is_causal):
    theirs = torch.nn.MultiheadAttention(24, num_heads, bias=False, batch_first=True, dtype=torch.float64)
    ours = Projections(*(m.T for m in theirs.in_proj_weight.detach().chunk(3)), theirs.out_proj.weight.detach().T)
    hidden, mask = randn(2, 7, 24), causal_mask(7) if is_causal else None
    output, steps = multi_head(hidden, ours, num_heads, mask)
    expected, weights = theirs(hidden, hidden, hidden, attn_mask=None if mask is None else ~mask, average_attn_weights=False)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(steps.weights, weights, rtol=0, atol=1e-12)


def test_keys_and_values_of_another_text_equal_torchs_layer():
    theirs = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True, dtype=torch.float64)
    ours = Projections(*(m.T for m in theirs.in_proj_weight.detach().chunk(3)), theirs.out_proj.weight.detach().T)
    hidden, source = randn(2, 4, 12), randn(2, 9, 12, seed=1)
    output, steps = multi_head(hidden, ours, 3, source=source)
    torch.testing.assert_close(output, theirs(hidden, source, source)[0], rtol=0, atol=1e-12)
    assert steps.weights.shape == (2, 3, 4, 9)


@pytest.mark.parametrize("num_heads", [1, 3, 6])
def test_the_output_is_a_sum_of_what_each_head_writes(num_heads):
    hidden, made, size = randn(5, 12), matrices(12), 12 // num_heads
    total = torch.zeros(5, 12, dtype=torch.float64)
    for h in range(num_heads):
        part = slice(h * size, (h + 1) * size)
        head = attend(*(hidden @ m[:, part] for m in (made.query, made.key, made.value))).output  # (T, D)
        total += head @ made.output[part]
    torch.testing.assert_close(multi_head(hidden, made, num_heads)[0], total, rtol=0, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_shared_keys_and_values_equal_torchs_grouped_attention(groups):
    query, key, value = randn(2, 8, 5, 4), randn(2, groups, 6, 4, seed=1), randn(2, groups, 6, 4, seed=2)
    ours = attend(query, share_heads(key, 8), share_heads(value, 8)).output
    torch.testing.assert_close(ours, scaled_dot_product_attention(query, key, value, enable_gqa=True), rtol=0, atol=1e-12)


def test_a_layer_with_shared_heads_is_one_with_copied_columns():
    made, hidden = matrices(16, kv_width=4), randn(3, 16)

    def copied(matrix):
        return share_heads(matrix.unflatten(-1, (1, 4)).transpose(0, 1), 4).transpose(0, 1).flatten(-2)

    full = Projections(made.query, copied(made.key), copied(made.value), made.output)
    torch.testing.assert_close(multi_head(hidden, made, 4, num_kv_heads=1)[0], multi_head(hidden, full, 4)[0], rtol=0, atol=1e-12)


def test_heads_that_cannot_be_shared_evenly_are_refused():
    with pytest.raises(ValueError, match="6 query heads cannot share 4"):
        share_heads(torch.zeros(4, 2, 2), 6)


@pytest.mark.parametrize("kv_heads", [1, 2, 8])
def test_the_caches_bytes_are_those_of_a_cache_that_exists(kv_heads):
    config = Config(vocab_size=10, width=64, num_layers=3, num_heads=8, num_kv_heads=kv_heads, context=50)
    for dtype, size in ((torch.float32, 4), (torch.float16, 2)):
        real = KVCache(config, batch_size=2, dtype=dtype).store
        assert kv_cache_bytes(3, kv_heads, 8, 50, size, batch_size=2) == real.nbytes


@pytest.mark.parametrize(("tokens", "width", "heads"), [(32, 64, 1), (32, 64, 8), (128, 32, 4)])
def test_the_operations_are_those_that_torch_counts(tokens, width, heads):
    hidden, made = torch.randn(tokens, width), Projections(*torch.randn(4, width, width))
    with FlopCounterMode(display=False) as counter:
        multi_head(hidden, made, heads)
    assert counter.get_total_flops() == sum(attention_flops(tokens, width))
