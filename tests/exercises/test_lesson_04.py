"""The solutions of lesson 04 against torch and independent formulas, and mistakes written another way."""

import math

import pytest
import torch
from torch import nn

from llmkit.exercises import check
from llmkit.exercises import lesson_04_mistakes as wrong
from llmkit.exercises.card import message
from llmkit.exercises.lesson_04 import last_state, layers_needed, look_back, mixed_state, reach_of_a_nudge
from llmkit.recurrence import gru_step, rnn_jacobian


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_last_state_is_the_one_that_torch_ends_with():
    layer = nn.RNN(3, 5, bias=False, batch_first=True).double()
    letters = randn(4, 7, 3)
    torch.testing.assert_close(last_state(letters, layer.weight_ih_l0, layer.weight_hh_l0), layer(letters)[1][0], rtol=0, atol=1e-12)


def test_the_gates_mix_as_in_torch():
    cell = nn.GRUCell(3, 4).double()
    x, state = randn(6, 3), randn(6, 4, seed=1)
    reset, update, _, expected = gru_step(x, state, cell)
    read = (x @ cell.weight_ih.T + cell.bias_ih)[:, 8:]
    kept = (state @ cell.weight_hh.T + cell.bias_hh)[:, 8:]
    torch.testing.assert_close(mixed_state(reset, update, read, kept, state), expected, rtol=0, atol=1e-12)


def test_the_reach_is_the_largest_singular_value_of_the_books_product():
    states, keep = randn(6, 4).tanh(), randn(4, 4, seed=1)
    expected = torch.linalg.svdvals(rnn_jacobian(states, keep))[:, 0]
    torch.testing.assert_close(reach_of_a_nudge(states, keep), expected, rtol=0, atol=1e-10)


def test_looking_back_is_attention_with_one_query():
    query, states, match = randn(4), randn(6, 4, seed=1), randn(4, 4, seed=2)
    weights, context = look_back(query, states, match)
    expected = nn.functional.scaled_dot_product_attention((match @ query)[None, None], states[None], states[None], scale=1.0)
    torch.testing.assert_close(context, expected[0, 0], rtol=0, atol=1e-12)
    assert weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize(("kernel", "growth"), [(2, 2), (3, 3), (3, 1), (5, 2)])
def test_the_layers_are_those_of_the_closed_formula(kernel, growth):
    tokens = torch.arange(1, 300).double()
    found = layers_needed(tokens, torch.tensor(float(kernel)), torch.tensor(float(growth)))
    for n, layers in zip(tokens.tolist(), found.tolist(), strict=True):
        if growth == 1:
            assert layers == math.ceil((n - 1) / (kernel - 1))
        else:
            assert growth**layers >= 1 + (n - 1) * (growth - 1) / (kernel - 1) > growth ** (layers - 1) or n == 1


# The same mistakes, in other words ------------------------------------------------------------------


def only_now(letters, read, keep):
    return torch.tanh(torch.einsum("ce,...e->...c", read, letters[..., -1, :]))


def papers_convention(reset, update, read, kept, state):
    return torch.lerp(state, torch.tanh(read + reset * kept), update)


def multiplied_bounds(states, keep):
    norms = [torch.linalg.svdvals(torch.diag_embed(1 - states[..., t, :] ** 2) @ keep)[..., 0] for t in range(states.shape[-2])]
    return torch.stack(norms, -1).cumprod(-1)


def mean_of_states(query, states, match):
    count = states.shape[-2]
    return torch.full(states.shape[:-1], 1 / count, dtype=states.dtype), states.mean(-2)


def neighbors_only(tokens, kernel, growth):
    return torch.ceil((tokens - 1) / (kernel - 1))


@pytest.mark.parametrize(
    "number, function, mistake",
    [
        ("04.1", only_now, wrong.forgets),
        ("04.2", papers_convention, wrong.gates_swapped),
        ("04.3", multiplied_bounds, wrong.product_of_norms),
        ("04.4", mean_of_states, wrong.all_alike),
        ("04.5", neighbors_only, wrong.no_gaps),
    ],
)
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)
