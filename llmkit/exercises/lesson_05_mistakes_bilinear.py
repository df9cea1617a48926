"""Lesson 05, exercise 5: the wrong answers that readers give, written out, each with the sentence it gets.

A check runs them beside the reader's function, as in `lesson_05_mistakes.py`.
Shapes: T queries of width D, S keys of width D2, values of width E, one weight (D, D2) for the whole batch.
"""

import math

import torch

from llmkit.exercises.lesson_05_mistakes import rows_sum_to_zero


def walk(query, key, value, weight, grad_output):
    """The right answer: the attention weights alpha, the gradient at the scores, and the four gradients."""
    alpha = torch.softmax(query @ weight @ key.mT, dim=-1)  # (..., T, S)
    grad_alpha = grad_output @ value.mT  # (..., T, S)
    grad_scores = alpha * (grad_alpha - (alpha * grad_alpha).sum(dim=-1, keepdim=True))
    return alpha, grad_scores, gradients(query, key, weight, grad_output, alpha, grad_scores)


def gradients(query, key, weight, grad_output, alpha, grad_scores):
    """The right last lines, also for the mistakes that come before them."""
    return (
        grad_scores @ key @ weight.mT,
        grad_scores.mT @ query @ weight,
        alpha.mT @ grad_output,
        summed(each_weight(query, key, grad_scores)),
    )


def each_weight(query, key, grad_scores):
    """The gradient of the weight from each example of the batch, before they are summed: (..., D, D2)."""
    return query.mT @ grad_scores @ key


def summed(each):
    """Over all batch dimensions: (..., D, D2) becomes (D, D2)."""
    return each.reshape(-1, *each.shape[-2:]).sum(dim=0)


def scale_left_over(query, key, value, weight, grad_output):
    """A factor `1 / sqrt(d)` was left over. The bilinear score is not divided by anything, so its gradients are
    not either."""
    alpha, grad, _ = walk(query, key, value, weight, grad_output)
    return gradients(query, key, weight, grad_output, alpha, grad / math.sqrt(query.shape[-1]))


def scores_divided(query, key, value, weight, grad_output):
    """These are the gradients of scores divided by `sqrt(d)`. Here the scores are `query @ weight @ key.mT`, not
    divided by anything."""
    scale = 1 / math.sqrt(query.shape[-1])
    _, _, right = walk(scale * query, key, value, weight, grad_output)
    return scale * right[0], *right[1:]


def softmax_skipped(query, key, value, weight, grad_output):
    """The way back through the softmax is missing: you used the gradient of the attention weights as the
    gradient of the scores. Exercise 05.4 is the step between them."""
    alpha, _, _ = walk(query, key, value, weight, grad_output)
    return gradients(query, key, weight, grad_output, alpha, grad_output @ value.mT)


def softmax_sum_forgotten(query, key, value, weight, grad_output):
    """On the way back through the softmax, the weighted sum was not subtracted: each row needs
    `alpha * (grad_alpha - (alpha * grad_alpha).sum(dim=-1, keepdim=True))`."""
    alpha, _, _ = walk(query, key, value, weight, grad_output)
    return gradients(query, key, weight, grad_output, alpha, alpha * (grad_output @ value.mT))


def weight_left_out(query, key, value, weight, grad_output):
    """These are the gradients of query and key for a plain dot product, without `weight`. A query meets
    `weight @ key.mT`, and a key meets `query @ weight`: that is what each of them gets its gradient from."""
    _, grad, right = walk(query, key, value, weight, grad_output)
    return grad @ key, grad.mT @ query, *right[2:]


def weight_not_transposed(query, key, value, weight, grad_output):
    """For `grad_query`, `weight` must be transposed: it takes a query to the width of the keys, and the gradient
    has to come back. In code, `grad_scores @ key @ weight.mT`."""
    _, grad, right = walk(query, key, value, weight, grad_output)
    return grad @ key @ weight, *right[1:]


def weight_transposed_for_key(query, key, value, weight, grad_output):
    """For `grad_key`, `weight` must not be transposed: what a key is compared with is `query @ weight`, and that is
    what it gets its gradient from."""
    _, grad, right = walk(query, key, value, weight, grad_output)
    return right[0], grad.mT @ query @ weight.mT, *right[2:]


def scores_not_transposed(query, key, value, weight, grad_output):
    """For `grad_key` the gradient at the scores must be transposed: key j collects from every query i, down
    column j. In code, `grad_scores.mT @ query @ weight`."""
    _, grad, right = walk(query, key, value, weight, grad_output)
    return right[0], grad @ query @ weight, *right[2:]


def order_swapped(query, key, value, weight, grad_output):
    """The first two answers are right but the wrong way round: `grad_query` comes before `grad_key`."""
    _, _, right = walk(query, key, value, weight, grad_output)
    return right[1], right[0], *right[2:]


def alpha_not_transposed(query, key, value, weight, grad_output):
    """For `grad_value` the attention weights must be transposed: value j collects from every query that looked at
    it, down column j. In code, `alpha.mT @ grad_output`."""
    alpha, _, right = walk(query, key, value, weight, grad_output)
    return *right[:2], alpha @ grad_output, right[3]


def grad_weight_transposed(query, key, value, weight, grad_output):
    """`grad_weight` is transposed. `weight` has a row for each number of a query and a column for each number of a
    key, shape (D, D2), and so has its gradient: `query.mT` comes first and `key` last."""
    _, _, right = walk(query, key, value, weight, grad_output)
    return *right[:3], right[3].mT


def batch_not_summed(query, key, value, weight, grad_output):
    """Single matrices come out right, but in a batch `grad_weight` has the wrong shape: one matrix for each
    example. They all used the same `weight`, of shape (D, D2), so their gradients are summed over the batch."""
    _, grad, right = walk(query, key, value, weight, grad_output)
    return *right[:3], each_weight(query, key, grad)


def batch_averaged(query, key, value, weight, grad_output):
    """Single matrices come out right, but over a batch you took the mean of `grad_weight`. The loss depends on
    `weight` through every example, and these contributions add up: `sum`."""
    _, grad, right = walk(query, key, value, weight, grad_output)
    each = each_weight(query, key, grad)
    return *right[:3], summed(each) / (each.numel() / weight.numel())


# What a right answer satisfies ----------------------------------------------------------------------


def keys_sum_to_zero(grad_query, grad_key, grad_value, grad_weight):
    """Adding the same vector to every key changes no attention weight, so `grad_key` should sum to 0 over the
    keys. Yours does not."""
    return rows_sum_to_zero(grad_key.mT)
