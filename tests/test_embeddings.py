"""The lookup, its gradient and cosine against PyTorch and against loops."""

import math

import pytest
import torch

from llmkit.embeddings import cosine, lookup, lookup_gradient, nearest, one_hot

SHAPES = [(4,), (2, 5), (2, 3, 1)]


def case(shape: tuple[int, ...], size: int = 7, width: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randint(size, shape), torch.randn(size, width, dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_one_hot_row_times_the_table_is_the_row_of_the_table(shape):
    ids, table = case(shape)
    hot = one_hot(ids, len(table))
    assert torch.equal(hot.sum(-1), torch.ones(shape)) and torch.equal(hot.argmax(-1), ids)
    torch.testing.assert_close(hot.double() @ table, lookup(ids, table), rtol=0, atol=1e-10)
    assert torch.equal(lookup(ids, table), torch.nn.functional.embedding(ids, table))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_the_table_is_one_hot_transposed_times_the_gradient_and_equals_autograd(shape):
    ids, table = case(shape)
    grad = torch.randn(*shape, 3, dtype=torch.float64)
    ours = lookup_gradient(ids, grad, 7)
    by_formula = one_hot(ids, 7).double().flatten(0, -2).T @ grad.flatten(0, -2)
    table.requires_grad_()
    by_autograd = torch.autograd.grad(torch.nn.functional.embedding(ids, table), table, grad)[0]
    torch.testing.assert_close(ours, by_formula, rtol=0, atol=1e-10)
    torch.testing.assert_close(ours, by_autograd, rtol=0, atol=1e-10)


def test_cosine_is_the_dot_product_over_the_lengths():
    a, b = torch.randn(2, 4, 5, dtype=torch.float64), torch.randn(6, 5, dtype=torch.float64)
    got = cosine(a, b)
    for n, row in enumerate(a.flatten(0, 1)):
        for m, other in enumerate(b):
            expected = sum(x * y for x, y in zip(row, other, strict=True)) / math.sqrt(sum(x * x for x in row) * sum(y * y for y in other))
            assert got.flatten(0, 1)[n, m] == pytest.approx(float(expected), abs=1e-10)
    torch.testing.assert_close(cosine(a * 7, b / 3), got, rtol=0, atol=1e-10)  # length does not count
    assert torch.equal(cosine(torch.zeros(1, 5, dtype=torch.float64), b), torch.zeros(1, 6, dtype=torch.float64))


def test_the_nearest_rows_come_in_the_order_of_their_cosines():
    queries, table = torch.randn(3, 8), torch.randn(40, 8)
    values, indices = nearest(queries, table, k=40)
    torch.testing.assert_close(values, cosine(queries, table).gather(-1, indices))
    assert (values.diff(dim=-1) <= 0).all()
    assert nearest(table[5:6] * 9, table, k=1)[1].item() == 5


@pytest.mark.parametrize(("ids", "says"), [([0, 7], "no row 7 in a table of 7"), ([-1, 2], "no row -1")])
def test_an_id_without_a_row_is_named(ids, says):
    with pytest.raises(ValueError, match=says):
        lookup(torch.tensor(ids), torch.zeros(7, 2))


def test_more_neighbors_than_rows_are_refused():
    with pytest.raises(ValueError, match="k must be from 1 to the 3 rows"):
        nearest(torch.zeros(1, 2), torch.zeros(3, 2), k=4)
