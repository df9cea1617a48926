"""Recurrent networks and the encoder and decoder, against torch, autograd and formulas written another way."""

import math

import pytest
import torch
from torch import nn

from llmkit import recurrence
from llmkit.recurrence import (
    KINDS,
    EncoderDecoder,
    gru_step,
    multiplications,
    path_length,
    rnn_jacobian,
    rnn_step,
)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small(attends=True, **shape):
    torch.manual_seed(3)
    return EncoderDecoder(**({"letters": 7, "embed": 5, "width": 6} | shape), attends=attends).double()


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_a_step_of_the_plain_network_equals_torch(batch):
    cell = nn.RNNCell(3, 5, bias=False).double()
    x, state = randn(*batch, 3), randn(*batch, 5, seed=1)
    expected = cell(x.view(-1, 3), state.view(-1, 5)).view(*batch, 5)
    torch.testing.assert_close(rnn_step(x, state, cell.weight_ih, cell.weight_hh), expected, rtol=0, atol=1e-12)


def walk(start, letters, read, keep):
    states = []
    for x in letters:
        start = rnn_step(x, start, read, keep)
        states.append(start)
    return states


def test_the_product_of_jacobians_equals_autograd():
    letters, read, keep, start = randn(9, 3), randn(4, 3, seed=1), randn(4, 4, seed=2) / 2, randn(4, seed=3)
    found = rnn_jacobian(torch.stack(walk(start, letters, read, keep)), keep)
    for t in (0, 3, 8):
        expected = torch.autograd.functional.jacobian(lambda s, t=t: walk(s, letters, read, keep)[t], start)
        torch.testing.assert_close(found[t], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [0.5, 0.9, 1.3])
def test_the_gradient_through_steps_never_exceeds_the_power_of_the_largest_stretch(size):
    keep = size * torch.linalg.qr(randn(6, 6))[0]
    states = torch.stack(walk(randn(6, seed=1), randn(30, 2, seed=2), randn(6, 2, seed=3), keep))
    norms = torch.linalg.matrix_norm(rnn_jacobian(states, keep), ord=2)
    slope = (1 - states**2).amax()
    bound = (slope * torch.linalg.matrix_norm(keep, ord=2)) ** torch.arange(1, 31)
    assert (norms <= bound + 1e-12).all()


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_a_step_of_the_gated_network_equals_torch(batch):
    cell = nn.GRUCell(3, 5).double()
    x, state = randn(*batch, 3), randn(*batch, 5, seed=1)
    expected = cell(x.view(-1, 3), state.view(-1, 5)).view(*batch, 5)
    torch.testing.assert_close(gru_step(x, state, cell).state, expected, rtol=0, atol=1e-12)


def test_a_gated_state_lies_between_the_old_one_and_the_proposal_and_an_open_gate_copies_it():
    layer = nn.GRU(3, 5).double()
    gates = gru_step(randn(8, 3), randn(8, 5, seed=1), layer)
    old = randn(8, 5, seed=1)
    assert ((gates.state - old) * (gates.state - gates.proposal) <= 1e-12).all()
    with torch.no_grad():
        layer.bias_ih_l0[5:10] = 100.0  # the update gate
    torch.testing.assert_close(gru_step(randn(8, 3), old, layer).state, old, rtol=0, atol=1e-12)


# ---- encoder and decoder -----------------------------------------------------------------------------------------


def test_the_chances_of_all_answers_sum_to_one_letter_by_letter():
    model = small(False, letters=3)
    letters = torch.tensor([[0, 2]])
    total = 0.0
    for first in range(3):
        for second in range(3):
            answer = torch.tensor([[first, second]])
            chances = model(letters, answer).softmax(-1)
            total += (chances[0, 0, first] * chances[0, 1, second]).item()
    assert total == pytest.approx(1, abs=1e-12)


def test_without_attention_only_the_last_state_counts():
    model = small(False)
    states, queries = randn(2, 6, 6), randn(2, 4, 6, seed=1)
    logits, weights = model.say(queries, states)
    assert (weights[..., :-1] == 0).all() and (weights[..., -1] == 1).all()
    other = states.clone()
    other[:, :-1] = 5.0
    assert torch.equal(model.say(queries, other)[0], logits)


def test_the_weights_are_a_softmax_of_bilinear_scores_and_the_context_their_mixture():
    model = small()
    states, queries = randn(2, 6, 6), randn(2, 4, 6, seed=1)
    logits, weights = model.say(queries, states)
    matrix = model.match.weight
    for b in range(2):
        for t in range(4):
            scores = [(states[b, s] @ matrix @ queries[b, t]).item() for s in range(6)]
            expected = [math.exp(score) / sum(map(math.exp, scores)) for score in scores]
            assert weights[b, t].tolist() == pytest.approx(expected, abs=1e-12)
            context = sum(share * states[b, s] for s, share in enumerate(expected))
            hidden = torch.tanh(model.mix.weight @ torch.cat([context, queries[b, t]]) + model.mix.bias)
            torch.testing.assert_close(logits[b, t], model.head.weight @ hidden + model.head.bias, rtol=0, atol=1e-10)


@pytest.mark.parametrize("attends", [False, True])
def test_writing_alone_gives_what_is_likeliest_after_what_was_written(attends):
    model = small(attends)
    letters = torch.randint(7, (3, 5), generator=torch.Generator().manual_seed(1))
    written = model.write(letters)
    assert written.letters.shape == (3, 5) and written.weights.shape == (3, 5, 5)
    torch.testing.assert_close(written.weights.sum(-1), torch.ones(3, 5, dtype=torch.float64))
    with torch.no_grad():
        again = model(letters, written.letters).softmax(-1)
    torch.testing.assert_close(again, written.chances, rtol=0, atol=1e-10)
    assert torch.equal(again.argmax(-1), written.letters)


def test_the_two_models_differ_in_one_matrix_only():
    with_, without = small(True), small(False)
    extra = {name for name, _ in with_.named_parameters()} - {name for name, _ in without.named_parameters()}
    assert extra == {"match.weight"}


# ---- paths and costs ----------------------------------------------------------------------------------------------


def reaches(layers: int, tokens: int, kernel: int) -> bool:
    """Whether the last token feels the first through that many causal convolutions."""
    x = randn(1, 1, tokens).requires_grad_()
    y = x
    for _ in range(layers):
        y = nn.functional.conv1d(nn.functional.pad(y, (kernel - 1, 0)), torch.ones(1, 1, kernel, dtype=torch.float64))
    y[..., -1].sum().backward()
    return x.grad[0, 0, 0].item() != 0


@pytest.mark.parametrize(("tokens", "kernel"), [(2, 3), (8, 3), (9, 3), (10, 3), (12, 2), (17, 5)])
def test_the_path_of_a_convolution_is_the_number_of_layers_until_the_gradient_arrives(tokens, kernel):
    layers = path_length("convolution", tokens, kernel)
    assert reaches(layers, tokens, kernel) and not reaches(layers - 1, tokens, kernel)
    assert path_length("recurrent", tokens) == tokens - 1 and path_length("attention", tokens) == 1


def test_attention_multiplies_less_than_recurrence_until_a_text_is_as_long_as_the_model_is_wide():
    for width in (16, 64):
        assert multiplications("attention", width, width) == multiplications("recurrent", width, width)
        assert multiplications("attention", width - 1, width) < multiplications("recurrent", width - 1, width)
        assert multiplications("attention", 2 * width, width) == 2 * multiplications("recurrent", 2 * width, width)
        assert multiplications("convolution", width, width, 5) == 5 * multiplications("recurrent", width, width)


@pytest.mark.parametrize(("kind", "tokens", "kernel"), [("magic", 9, 3), ("attention", 1, 3), ("convolution", 9, 1)])
def test_what_has_no_path_is_refused(kind, tokens, kernel):
    with pytest.raises(ValueError, match="kind is one of" if kind == "magic" else "A path needs two tokens"):
        path_length(kind, tokens, kernel)


def test_only_recurrence_takes_as_many_steps_as_there_are_tokens():
    assert [recurrence.sequential_steps(kind, 101) for kind in KINDS] == [101, 50, 1]
