"""From token ids to vectors: a lookup that is a matrix product, its gradient, and who is near whom. Built in lesson 03.

Shape letters: T tokens, V entries of the vocabulary, C numbers in a vector, N vectors that are compared.
"""

import torch

from llmkit.shapes import Float, Int, Tensor


def one_hot(ids: Int[Tensor, "*batch T"], vocab_size: int) -> Float[Tensor, "*batch T V"]:
    """For each id a row of zeros with a single 1 at its place.

    >>> one_hot(torch.tensor([2, 0]), 3)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    _check(ids, vocab_size)
    return (ids[..., None] == torch.arange(vocab_size, device=ids.device)).float()


def lookup(ids: Int[Tensor, "*batch T"], table: Float[Tensor, "V C"]) -> Float[Tensor, "*batch T C"]:
    """The rows of the table that the ids name: one-hot rows times the table, without the multiplications.

    >>> lookup(torch.tensor([2, 0]), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    tensor([[5., 6.],
            [1., 2.]])

    Built in lesson 03, equation 3.6.
    """
    _check(ids, len(table))
    return table[ids]


def lookup_gradient(
    ids: Int[Tensor, "*batch T"], grad_output: Float[Tensor, "*batch T C"], vocab_size: int
) -> Float[Tensor, "V C"]:
    """How the loss moves with each number of the table: every row collects the gradients of the places that used it.

    >>> lookup_gradient(torch.tensor([2, 2]), torch.tensor([[1.0, 0.0], [1.0, 5.0]]), 3)
    tensor([[0., 0.],
            [0., 0.],
            [2., 5.]])

    Built in lesson 03, equation 3.7.
    """
    _check(ids, vocab_size)
    grad = grad_output.new_zeros(vocab_size, grad_output.shape[-1])
    return grad.index_add(0, ids.flatten(), grad_output.flatten(0, -2))


def cosine(a: Float[Tensor, "*batch N C"], b: Float[Tensor, "M C"]) -> Float[Tensor, "*batch N M"]:
    """The cosine of the angle between each row of `a` and each of `b`: 1 the same direction, 0 none in common.

    A row of zeros has no direction; its cosines are 0.

    >>> cosine(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]))
    tensor([[ 1.,  0., -1.]])

    Built in lesson 03, equation 3.8.
    """
    return _directions(a) @ _directions(b).mT


def nearest(
    queries: Float[Tensor, "*batch N C"], table: Float[Tensor, "V C"], k: int = 5
) -> tuple[Float[Tensor, "*batch N k"], Int[Tensor, "*batch N k"]]:
    """The k rows of the table with the largest cosines, and their indices, nearest first.

    >>> nearest(torch.tensor([[1.0, 1.0]]), torch.tensor([[9.0, 9.0], [1.0, 0.0]]), k=1)[1]
    tensor([[0]])
    """
    if not 1 <= k <= len(table):
        raise ValueError(f"k must be from 1 to the {len(table)} rows of the table; got {k}.")
    return tuple(cosine(queries, table).topk(k, dim=-1))


def _directions(vectors: Float[Tensor, "*batch N C"]) -> Float[Tensor, "*batch N C"]:
    return torch.nn.functional.normalize(vectors, dim=-1)


def _check(ids: Tensor, vocab_size: int) -> None:
    if ids.numel() and (ids.min() < 0 or ids.max() >= vocab_size):
        wrong = int(ids.max()) if int(ids.max()) >= vocab_size else int(ids.min())
        raise ValueError(
            f"There is no row {wrong} in a table of {vocab_size}; ids go from 0 to {vocab_size - 1}. Was the text cut by another tokenizer?"
        )
