"""The formulas of lesson 05, each against something that was not written here: torch, autograd, or arithmetic by hand."""

import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

import llmkit.attention as A  # noqa: N812

SHAPES = [(1, 1, 1, 1), (3, 3, 2, 2), (5, 7, 4, 3), (16, 16, 64, 64)]  # T, S, D, E


def make(*shape, seed=0, dtype=torch.float64, grad=False):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype, requires_grad=grad)


def make_qkv(t, s, d, e, batch=(), grad=False):
    return make(*batch, t, d, seed=1, grad=grad), make(*batch, s, d, seed=2, grad=grad), make(*batch, s, e, seed=3, grad=grad)


def close(got, expected, tolerance=1e-10):
    return (got - expected).abs().max().item() <= tolerance


# ---- equations 5.1 to 5.3 --------------------------------------------------------------------------------------


def test_sum_form_written_with_loops_equals_the_matrix_form():
    query, key, value = make_qkv(3, 4, 5, 2)
    output = A.attend(query, key, value).output
    for i in range(3):
        scores = [sum(float(query[i, c] * key[j, c]) for c in range(5)) / math.sqrt(5) for j in range(4)]
        total = sum(math.exp(score) for score in scores)
        weights = [math.exp(score) / total for score in scores]
        by_hand = sum(w * value[j] for j, w in enumerate(weights))
        assert close(output[i], by_hand, 1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_equals_torch_on_any_axis(shape):
    scores = make(*shape)
    for dim in range(4):
        assert close(A.softmax(scores, dim), torch.softmax(scores, dim), 1e-15)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_attend_equals_torch(shape, batch):
    query, key, value = make_qkv(*shape, batch=batch)
    assert close(A.attend(query, key, value).output, scaled_dot_product_attention(query, key, value))


def test_attend_with_a_mask_equals_torch():
    query, key, value = make_qkv(6, 6, 4, 4, batch=(2, 3))
    expected = scaled_dot_product_attention(query, key, value, is_causal=True)
    assert close(A.attend(query, key, value, A.causal_mask(6)).output, expected)


def test_weights_do_not_depend_on_the_order_in_which_keys_come():
    query, key, value = make_qkv(3, 5, 4, 2)
    order = torch.tensor([3, 1, 4, 0, 2])
    assert close(A.attend(query, key[order], value[order]).output, A.attend(query, key, value).output, 1e-14)


# ---- equations 5.4 to 5.7: score functions -----------------------------------------------------------------------


def test_each_score_function_equals_its_formula_for_one_pair():
    query, key, weight = make(4, 3), make(5, 3, seed=2), make(3, 3, seed=4)
    w_query, w_key, v = make(3, 6, seed=5), make(3, 6, seed=6), make(6, seed=7)
    q, k = query[2], key[4]
    assert A.dot_score(query, key)[2, 4].item() == pytest.approx(float((q * k).sum()), abs=1e-14)
    assert A.scaled_dot_score(query, key)[2, 4].item() == pytest.approx(float((q * k).sum()) / 3**0.5, abs=1e-14)
    bilinear = sum(float(q[a] * weight[a, b] * k[b]) for a in range(3) for b in range(3))
    assert A.bilinear_score(query, key, weight)[2, 4].item() == pytest.approx(bilinear, abs=1e-14)
    hidden = [math.tanh(float(q @ w_query[:, a] + k @ w_key[:, a])) for a in range(6)]
    additive = sum(float(v[a]) * hidden[a] for a in range(6))
    assert A.additive_score(query, key, w_query, w_key, v)[2, 4].item() == pytest.approx(additive, abs=1e-14)


def test_bilinear_score_with_the_identity_is_the_dot_product():
    query, key = make(2, 4, 3), make(2, 5, 3, seed=2)
    assert close(A.bilinear_score(query, key, torch.eye(3, dtype=torch.float64)), A.dot_score(query, key), 1e-14)


def test_bilinear_score_accepts_queries_and_keys_of_different_width():
    assert A.bilinear_score(make(4, 3), make(5, 2), make(3, 2)).shape == (4, 5)


def test_any_score_function_can_drive_attend():
    query, key, value = make_qkv(3, 4, 5, 2)
    weight = make(5, 5, seed=9)
    trace = A.attend(query, key, value, score=lambda q, k: A.bilinear_score(q, k, weight))
    assert close(trace.output, torch.softmax(query @ weight @ key.T, -1) @ value)


# ---- equation 5.8: the variance of a dot product -------------------------------------------------------------------


@pytest.mark.parametrize("d", [4, 64, 1024])
def test_variance_of_a_dot_product_of_standard_normals_is_its_width(d):
    query, key = make(20_000, d, dtype=torch.float32), make(20_000, d, seed=2, dtype=torch.float32)
    products = (query * key).sum(-1)  # 20,000 independent pairs
    # the sample variance of n draws wanders by about d * sqrt((2 + 6/d) / n): 5 of these deviations
    assert products.var().item() == pytest.approx(d, rel=5 * math.sqrt((2 + 6 / d) / 20_000))
    assert (products / math.sqrt(d)).var().item() == pytest.approx(1, rel=5 * math.sqrt((2 + 6 / d) / 20_000))


# ---- equations 5.10 to 5.14: gradients ------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [1, 2, 16])
def test_softmax_jacobian_equals_autograd(keys):
    scores = make(keys)
    expected = torch.autograd.functional.jacobian(lambda s: torch.softmax(s, -1), scores)
    assert close(A.softmax_jacobian(A.softmax(scores)), expected)


def test_rows_of_the_softmax_jacobian_sum_to_zero():
    assert close(A.softmax_jacobian(A.softmax(make(3, 4, 7))).sum(-1), torch.zeros(3, 4, 7, dtype=torch.float64), 1e-15)


def test_softmax_backward_is_the_jacobian_times_the_gradient():
    weights, grad = A.softmax(make(2, 5)), make(2, 5, seed=2)
    expected = (A.softmax_jacobian(weights) @ grad.unsqueeze(-1)).squeeze(-1)
    assert close(A.softmax_backward(weights, grad), expected, 1e-15)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_attention_gradients_equal_autograd(causal, batch):
    query, key, value = make_qkv(6, 6, 4, 3, batch=batch, grad=True)
    mask = A.causal_mask(6) if causal else None
    grad_output = make(*batch, 6, 3, seed=8)
    expected = torch.autograd.grad(A.attend(query, key, value, mask).output, (query, key, value), grad_output)
    for got, want in zip(A.attention_gradients(query, key, value, grad_output, mask), expected, strict=True):
        assert close(got, want)


# ---- equation 5.17, and what must not go wrong ----------------------------------------------------------------------


def test_softmax_is_unchanged_when_a_constant_is_added():
    scores = make(4, 7)
    assert close(A.softmax(scores + 1000.0), A.softmax(scores), 1e-12)


def test_scores_of_ten_thousand_do_not_overflow():
    weights = A.softmax(torch.tensor([10_000.0, 9_999.0, -10_000.0]))
    assert close(weights, torch.softmax(torch.tensor([1.0, 0.0, -math.inf]), -1), 1e-7)


def test_a_row_that_may_look_nowhere_gets_zeros_and_a_finite_gradient():
    query, key, value = make_qkv(2, 3, 4, 2, grad=True)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    trace = A.attend(query, key, value, mask)
    assert torch.equal(trace.weights[1], torch.zeros(3, dtype=torch.float64))
    grads = torch.autograd.grad(trace.output.sum(), (query, key, value))
    assert all(grad.isfinite().all() for grad in grads)


def test_hidden_keys_change_nothing():
    query, key, value = make_qkv(4, 4, 3, 2)
    changed = value.clone()
    changed[3] = 1e6
    mask = A.causal_mask(4)
    assert torch.equal(A.attend(query, key, value, mask).output[:3], A.attend(query, key, changed, mask).output[:3])


def test_padding_mask_hides_padding_from_every_head_and_query():
    query, key, value = make_qkv(3, 3, 4, 2, batch=(2, 5))
    weights = A.attend(query, key, value, A.padding_mask(torch.tensor([[1, 1, 1], [1, 1, 0]]))).weights
    assert weights[1, :, :, 2].abs().max() == 0
    assert weights[0, :, :, 2].min() > 0


def test_split_heads_keeps_neighboring_numbers_in_one_head():
    hidden = torch.arange(12.0).reshape(1, 12)
    assert A.split_heads(hidden, 3)[1].tolist() == [[4, 5, 6, 7]]


@pytest.mark.parametrize("shape", [(5, 12), (2, 5, 12), (2, 3, 5, 12)])
def test_merge_heads_undoes_split_heads(shape):
    hidden = make(*shape)
    assert torch.equal(A.merge_heads(A.split_heads(hidden, 4)), hidden)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: A.attend(make(2, 3), make(2, 4), make(2, 4)), "share their last dimension"),
        (lambda: A.attend(make(2, 3), make(4, 3), make(5, 3)), "every key needs one value"),
        (lambda: A.split_heads(make(2, 7), 2), "cannot be cut"),
        (lambda: A.bilinear_score(make(2, 3), make(2, 4), make(4, 3)), "transposed"),
    ],
)
def test_wrong_shapes_are_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
