"""The solutions of lesson 05 against independent formulas, and mistakes written another way."""

import functools
import math

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from llmkit import attention
from llmkit.exercises import check, exercise
from llmkit.exercises import lesson_05_mistakes as wrong
from llmkit.exercises import lesson_05_mistakes_bilinear as bilinear
from llmkit.exercises.card import message
from llmkit.exercises.lesson_05 import (
    attention_weights,
    bilinear_backward,
    masked_attention,
    softmax_backward,
)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


SHAPES = [((), 3, 5, 4), ((2,), 4, 4, 8), ((2, 3), 1, 6, 16)]
shapes = pytest.mark.parametrize("batch, T, S, D", SHAPES)


@shapes
def test_weights_and_masked_attention_agree_with_torch_and_with_the_books_own(batch, T, S, D):  # noqa: N803
    query, key, value = randn(*batch, T, D), randn(*batch, S, D, seed=1), randn(*batch, S, 3, seed=2)
    mask = randn(T, S, seed=3) > 0
    mask[:, 0] = True
    torch.testing.assert_close(
        masked_attention(query, key, value, mask),
        F.scaled_dot_product_attention(query, key, value, attn_mask=mask),
        rtol=0,
        atol=1e-12,
    )
    mask[0] = False
    book = attention.attend(query, key, value, mask)
    torch.testing.assert_close(masked_attention(query, key, value, mask), book.output, rtol=0, atol=1e-12)
    torch.testing.assert_close(attention_weights(query, key), attention.attend(query, key, value).weights)


@shapes
def test_bilinear_gradients_agree_with_autograd_through_the_books_own_score(batch, T, S, D):  # noqa: N803
    given = [
        randn(*batch, T, D),
        randn(*batch, S, 5, seed=1),
        randn(*batch, S, 3, seed=2),
        randn(D, 5, seed=4),
    ]
    grad_output = randn(*batch, T, 3, seed=3)
    query, key, value, weight = leaves = [tensor.clone().requires_grad_() for tensor in given]
    score = functools.partial(attention.bilinear_score, weight=weight)
    output = attention.attend(query, key, value, score=score).output
    expected = torch.autograd.grad(output, leaves, grad_output)
    for mine, autograd in zip(bilinear_backward(*given, grad_output), expected, strict=True):
        torch.testing.assert_close(mine, autograd, rtol=0, atol=1e-10)


@shapes
def test_with_the_identity_over_the_root_they_are_the_gradients_of_the_lesson(batch, T, S, D):  # noqa: N803
    given = [randn(*batch, T, D), randn(*batch, S, D, seed=1), randn(*batch, S, 3, seed=2)]
    grad_output = randn(*batch, T, 3, seed=3)
    weight = torch.eye(D, dtype=torch.float64) / math.sqrt(D)
    *ours, _ = bilinear_backward(*given, weight, grad_output)
    for mine, theirs in zip(ours, attention.attention_gradients(*given, grad_output), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-10)


@shapes
def test_the_gradient_of_the_weight_is_how_the_loss_moves(batch, T, S, D):  # noqa: N803
    query, key, value = randn(*batch, T, D), randn(*batch, S, 5, seed=1), randn(*batch, S, 3, seed=2)
    weight, grad_output = randn(D, 5, seed=4) / D, randn(*batch, T, 3, seed=3)
    step, direction = 1e-5, randn(D, 5, seed=5)

    def loss(weight):
        return (attention.softmax(query @ weight @ key.mT) @ value * grad_output).sum()

    moved = (loss(weight + step * direction) - loss(weight - step * direction)) / (2 * step)
    grad_weight = bilinear_backward(query, key, value, weight, grad_output)[3]
    torch.testing.assert_close((grad_weight * direction).sum(), moved, rtol=1e-6, atol=1e-7)


def test_one_input_has_queries_and_keys_of_different_widths():
    shapes = [case.inputs["weight"].shape for case in exercise("05.5").cases()]
    assert any(rows != columns for rows, columns in shapes)


def test_softmax_backward_is_the_jacobian_times_the_gradient():
    weights, grad = torch.softmax(randn(4, 7), dim=-1), randn(4, 7, seed=1)
    jacobian = torch.diag_embed(weights) - weights[..., :, None] * weights[..., None, :]
    torch.testing.assert_close(
        softmax_backward(weights, grad), (jacobian @ grad[..., None])[..., 0], rtol=0, atol=1e-14
    )


def test_autograd_is_what_the_gradient_exercises_are_compared_with():
    assert exercise("05.4").reference.__name__ == "softmax_by_autograd"
    assert exercise("05.5").reference.__name__ == "bilinear_by_autograd"
    assert exercise("05.5").tolerance == 1e-10


# The same mistakes, in other words ------------------------------------------------------------------


def weights_by_einsum(query, key):
    scores = torch.einsum("...td,...sd->...ts", query, key) * query.size(-1) ** -1
    exponentials = torch.exp(scores)
    return exponentials / exponentials.sum(-1, keepdim=True)


def weights_with_dim_0(query, key):
    return F.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5, 0)


def weights_in_float32(query, key):
    return torch.softmax(query.float() @ key.float().mT, -1)


def softmax_row_by_row(scores):
    rows = [row.exp() / sum(number.exp() for number in row) for row in scores.reshape(-1, scores.shape[-1])]
    return torch.stack(rows).reshape(scores.shape)


def masked_by_adding(query, key, value, mask):
    hidden = torch.where(mask, 0.0, float("-inf"))
    return (query @ key.mT / math.sqrt(query.shape[-1]) + hidden).softmax(-1) @ value


def masked_by_a_billion(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    return torch.where(mask, scores, -1e9).softmax(-1) @ value


def masked_and_renormalized(query, key, value, mask):
    weights = attention_weights(query, key) * mask
    return (weights / weights.sum(-1, keepdim=True)) @ value


def diagonal_of_the_jacobian(weights, grad_weights):
    return grad_weights * (weights - weights**2)


def weights_by_number_of_keys(query, key):
    return F.softmax(query @ key.mT / len(key) ** 0.5, -1)


def softmax_backward_over_everything(weights, grad_weights):
    return weights * grad_weights - weights * torch.tensordot(weights, grad_weights, weights.ndim)


def by_hand(query, key, value, weight, grad_output):
    """Attention weights and the gradient at the scores, for the answers below."""
    weights = F.softmax(torch.einsum("...td,de,...se->...ts", query, weight, key), -1)
    return weights, softmax_backward(weights, torch.einsum("...te,...se->...ts", grad_output, value))


def bilinear_by_einsum(query, key, value, weight, grad_output):
    weights, grad = by_hand(query, key, value, weight, grad_output)
    grad = grad / query.size(-1) ** 0.5
    grad_query = torch.einsum("...ts,...se,de->...td", grad, key, weight)
    grad_key = torch.einsum("...ts,...td,de->...se", grad, query, weight)
    grad_weight = torch.einsum("...ts,...td,...se->de", grad, query, key)
    return grad_query, grad_key, weights.mT @ grad_output, grad_weight


def weight_untransposed_on_the_other_side(query, key, value, weight, grad_output):
    right = bilinear_backward(query, key, value, weight, grad_output)
    _, grad = by_hand(query, key, value, weight, grad_output)
    return grad @ (key @ weight), *right[1:]


def transposed_then_reshaped(query, key, value, weight, grad_output):
    right = bilinear_backward(query, key, value, weight, grad_output)
    _, grad = by_hand(query, key, value, weight, grad_output)
    return *right[:3], (key.mT @ grad.mT @ query).reshape(-1, *weight.shape).sum(0)


def one_weight_for_each_example(query, key, value, weight, grad_output):
    right = bilinear_backward(query, key, value, weight, grad_output)
    _, grad = by_hand(query, key, value, weight, grad_output)
    return *right[:3], torch.einsum("...ts,...td,...se->...de", grad, query, key)


@pytest.mark.parametrize(
    "number, function, mistake",
    [
        ("05.1", weights_by_einsum, wrong.divided_by_d),
        ("05.1", weights_with_dim_0, wrong.softmax_over_queries),
        ("05.1", weights_in_float32, wrong.not_divided),
        ("05.2", softmax_row_by_row, wrong.nothing_subtracted),
        ("05.3", masked_by_adding, wrong.empty_row_nan),
        ("05.3", masked_by_a_billion, wrong.empty_row_uniform),
        ("05.3", masked_and_renormalized, wrong.empty_row_nan),
        ("05.4", diagonal_of_the_jacobian, wrong.diagonal_only),
        ("05.1", weights_by_number_of_keys, wrong.divided_by_root_of_keys),
        ("05.4", softmax_backward_over_everything, wrong.summed_over_everything),
        ("05.5", bilinear_by_einsum, bilinear.scale_left_over),
        ("05.5", weight_untransposed_on_the_other_side, bilinear.weight_not_transposed),
        ("05.5", transposed_then_reshaped, bilinear.grad_weight_transposed),
        ("05.5", one_weight_for_each_example, bilinear.batch_not_summed),
    ],
)
def test_a_mistake_is_named_however_it_is_written(number, function, mistake):
    assert check(number, function).paragraphs[0] == message(mistake)


def test_two_mistakes_in_one_answer_are_both_named():
    def both(query, key, value, weight, grad_output):
        given = (query, key, value, weight, grad_output)
        return *bilinear.weight_not_transposed(*given)[:3], bilinear.grad_weight_transposed(*given)[3]

    named = check("05.5", both).paragraphs[0]
    assert named == f"{message(bilinear.weight_not_transposed)}\n\n{message(bilinear.grad_weight_transposed)}"


def test_a_weight_that_is_not_summed_is_told_by_its_shape():
    text = repr(check("05.5", bilinear.batch_not_summed))
    assert "wrong shape" in text and "got: shape (2, 4, 4)" in text and "expected: shape (4, 4)" in text
    assert "3 of 5 inputs came out right" in text


def test_an_unknown_mistake_gets_the_property_it_breaks():
    assert "sum to 1" in check("05.1", lambda query, key: query @ key.mT * 0 + 0.4).paragraphs[0]
    assert "sum to 0" in check("05.4", lambda weights, grad: weights + grad).paragraphs[0]


def test_gradients_through_float32_are_told_so():
    def in_float32(query, key, value, weight, grad_output):
        given = (query, key, value, weight, grad_output)
        return tuple(grad.double() for grad in bilinear_backward(*(tensor.float() for tensor in given)))

    verdict = check("05.5", in_float32)
    assert verdict.outcome == "incorrect" and "float32" in verdict.paragraphs[0]
