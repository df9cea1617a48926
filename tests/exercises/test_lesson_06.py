"""The solutions of lesson 06 against independent formulas, and mistakes written another way."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from llmkit import masks, online_attention
from llmkit.exercises import check
from llmkit.exercises import lesson_06_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_06 import batch_mask, hears_of, join, multi_head, shared_scores


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_mask_is_its_two_conditions_cell_by_cell():
    is_token = torch.tensor([[True, True, False, True], [False, True, True, False]])
    for text, mask in zip(is_token.tolist(), batch_mask(is_token).tolist(), strict=True):
        assert mask == [[j <= i and text[j] for j in range(4)] for i in range(4)]


@pytest.mark.parametrize("heads", [1, 2, 6])
def test_heads_equal_torchs_layer(heads):
    layer = torch.nn.MultiheadAttention(12, heads, bias=False, batch_first=True, dtype=torch.float64)
    hidden = randn(2, 5, 12)
    matrices = [m.T for m in (*layer.in_proj_weight.detach().chunk(3), layer.out_proj.weight.detach())]
    got = multi_head(hidden, *matrices, torch.tensor(float(heads)))
    torch.testing.assert_close(got, layer(hidden, hidden, hidden)[0].detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_who_hears_of_whom_is_the_books_own(layers):
    mask = randn(3, 8, 8) > 0.8
    assert torch.equal(hears_of(mask, torch.tensor(float(layers))), masks.reach(mask, layers))


def test_shared_scores_are_those_behind_torchs_grouped_attention():
    """With one old token every weight is 1; with two, the weights tell the difference of the scores."""
    query, keys, values = randn(8, 4), randn(2, 2, 4, seed=1), torch.eye(2, dtype=torch.float64).expand(2, 2, 2)
    weights = scaled_dot_product_attention(query[None, :, None], keys.transpose(0, 1)[None], values[None], enable_gqa=True)[0, :, 0]
    scores = torch.stack([shared_scores(query, key) for key in keys], -1)
    torch.testing.assert_close(torch.softmax(scores, -1), weights, rtol=0, atol=1e-12)


def test_joining_two_parts_is_the_softmax_over_all_keys():
    scores, values = 30 * randn(4, 11), randn(11, 3, seed=1)
    nothing = online_attention.nothing_seen(randn(4, 2), values)
    parts = [online_attention.take_in(nothing, scores[:, some], values[some]) for some in (slice(0, 6), slice(6, 11))]
    top, total, mix = join(*(number for one in parts for number in (one.top, one.total, one.mix)))
    torch.testing.assert_close(mix / total, torch.softmax(scores, -1) @ values, rtol=0, atol=1e-12)
    torch.testing.assert_close(top + total.log(), scores.logsumexp(-1, keepdim=True), rtol=0, atol=1e-12)


# The same mistakes, in other words ------------------------------------------------------------------


def causal_or_padding(is_token):
    size = is_token.shape[-1]
    later = torch.arange(size)[:, None] < torch.arange(size)
    return ~(later & ~is_token.unsqueeze(-2))


def view_without_transpose(hidden, w_query, w_key, w_value, w_output, heads):
    *batch, tokens, width = hidden.shape
    q, k, v = (torch.reshape(hidden @ w, (*batch, int(heads), tokens, width // int(heads))) for w in (w_query, w_key, w_value))
    return scaled_dot_product_attention(q, k, v).transpose(-3, -2).reshape(hidden.shape) @ w_output


def scaled_by_c(hidden, w_query, w_key, w_value, w_output, heads):
    q, k, v = ((hidden @ w).unflatten(-1, (int(heads), -1)).transpose(-3, -2) for w in (w_query, w_key, w_value))
    out = scaled_dot_product_attention(q, k, v, scale=hidden.shape[-1] ** -0.5)
    return out.transpose(-3, -2).flatten(-2) @ w_output


def powers_of_the_mask(mask, layers):
    return torch.linalg.matrix_power(mask.double(), int(layers)) > 0


def tiled(query, key):
    shape = [1] * (key.ndim - 2) + [query.shape[-2] // key.shape[-2], 1]
    return torch.einsum("...d,...d->...", query, key.repeat(*shape)) * query.shape[-1] ** -0.5


def plain_sums(top_a, total_a, mix_a, top_b, total_b, mix_b):
    return torch.stack([top_a, top_b]).amax(0), total_b + total_a, mix_b + mix_a


@pytest.mark.parametrize(
    "number, function, mistake",
    [
        ("06.1", causal_or_padding, wrong.one_is_enough),
        ("06.2", view_without_transpose, wrong.reshaped_without_swapping),
        ("06.2", scaled_by_c, wrong.root_of_the_model_width),
        ("06.3", powers_of_the_mask, wrong.not_what_it_carries),
        ("06.4", tiled, wrong.round_and_round),
        ("06.5", plain_sums, wrong.added_as_they_are),
    ],
)
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)
