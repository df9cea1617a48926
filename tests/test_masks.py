"""Masks, how far they carry, and the test that finds a leak: each against a rule written out cell by cell."""

import pytest
import torch

from llmkit.attention import attend, causal_mask, padding_mask
from llmkit.masks import moved, prefix_mask, reach, window_mask

RULES = {
    "causal": (causal_mask(9), lambda i, j: j <= i),
    "padding": (padding_mask(torch.arange(9)[None] < 6)[0, 0].expand(9, 9), lambda i, j: j < 6),
    "prefix": (prefix_mask(9, 4), lambda i, j: j <= i or j < 4),
    "window": (window_mask(9, 3), lambda i, j: 0 <= i - j < 3),
}


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", RULES)
def test_each_mask_is_its_rule_cell_by_cell(name):
    mask, allowed = RULES[name]
    assert mask.tolist() == [[allowed(i, j) for j in range(9)] for i in range(9)]


def test_masks_at_their_ends_are_masks_that_are_known():
    assert torch.equal(prefix_mask(5, 0), causal_mask(5)) and prefix_mask(5, 5).all()
    assert torch.equal(window_mask(5, 1), torch.eye(5, dtype=torch.bool)) and torch.equal(window_mask(5, 5), causal_mask(5))
    assert torch.equal(window_mask(5, 99), causal_mask(5))


@pytest.mark.parametrize(("make", "says"), [(lambda: prefix_mask(3, 4), "0 to all 3 tokens"), (lambda: window_mask(3, 0), "1 or more"),
                                            (lambda: reach(torch.ones(2, 3, dtype=torch.bool), 1), "the same tokens")])
def test_what_cannot_be_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize("name", RULES)
def test_a_hidden_key_gets_weight_zero_and_the_others_share_as_if_it_were_not_there(name):
    mask, _ = RULES[name]
    query, key, value = randn(9, 4), randn(9, 4, seed=1), randn(9, 4, seed=2)
    weights = attend(query, key, value, mask).weights
    for i in range(9):
        open_ = mask[i].nonzero().flatten()
        assert (weights[i, ~mask[i]] == 0).all()
        torch.testing.assert_close(weights[i, open_], torch.softmax(query[i] @ key[open_].T / 2, -1), rtol=0, atol=1e-12)


def stacked(mask, layers):
    """A small model of `layers` layers of attention with residuals."""
    mats = [randn(3, 6, 6, seed=layer) / 3 for layer in range(layers)]

    def run(hidden):
        for q, k, v in mats:
            hidden = hidden + attend(hidden @ q, hidden @ k, hidden @ v, mask).output
        return hidden

    return run


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("name", RULES)
def test_who_can_be_reached_is_who_moves_in_a_real_stack_of_layers(name, layers):
    mask = RULES[name][0]
    assert torch.equal(moved(stacked(mask, layers), randn(9, 6, seed=9)), reach(mask, layers))


def test_one_open_cell_lets_everyone_after_it_hear_of_the_future():
    mask = causal_mask(8)
    mask[1, 7] = True
    notices = moved(stacked(mask, 2), randn(8, 6, seed=9))[:, 7]
    assert notices.tolist() == [False] + [True] * 7
    assert reach(mask, 1)[:, 7].tolist() == [False, True] + [False] * 5 + [True]


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("layers", [1, 3, 6])
def test_a_window_hears_from_layers_times_window_less_one_back(window, layers):
    seen = reach(window_mask(40, window), layers)
    assert seen[-1].sum() == min(layers * (window - 1) + 1, 40)


def test_reach_is_a_search_through_the_graph_of_who_looks_at_whom():
    mask = torch.rand(12, 12, generator=torch.Generator().manual_seed(3)) < 0.1
    for layers in (0, 1, 2, 4):
        for i in range(12):
            found = {i}
            for _ in range(layers):
                found |= {j for k in found for j in range(12) if mask[k, j]}
            assert set(reach(mask, layers)[i].nonzero().flatten().tolist()) == found


def test_the_leak_test_sees_not_a_number():
    def spoil(hidden):
        return hidden.where(hidden == 1, torch.nan) + 0 * hidden.sum()

    assert moved(spoil, torch.ones(3, 2)).diagonal().all()
