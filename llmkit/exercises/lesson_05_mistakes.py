"""Lesson 05, exercises 1 to 4: the wrong answers that readers give, written out, each with the sentence it gets.

A check runs them beside the reader's function: who computes the same wrong numbers made the same mistake,
however it was written. At the end, what a right answer satisfies; it helps when no mistake is recognized.
Shapes: T queries, S keys, D numbers in a query or key, E numbers in a value.
"""

import math

import torch


def scaled(query, key):
    """The right scores, for the mistakes that come after them."""
    return query @ key.mT / math.sqrt(query.shape[-1])  # (..., T, S)


# 05.1 -----------------------------------------------------------------------------------------------


def divided_by_d(query, key):
    """Each row sums to 1, but you divided by `d`, not by `sqrt(d)`. Dot products of random vectors grow
    like `sqrt(d)`, so dividing by `d` flattens the weights more the wider queries and keys are."""
    return torch.softmax(query @ key.mT / query.shape[-1], dim=-1)


def divided_by_root_of_keys(query, key):
    """Each row sums to 1, but you divided by the square root of the number of keys. `d` is the width, how many
    numbers one query or key has: the last axis, `query.shape[-1]`."""
    return torch.softmax(query @ key.mT / math.sqrt(key.shape[-2]), dim=-1)


def not_divided(query, key):
    """Each row sums to 1, but the scores were not divided by `sqrt(d)`."""
    return torch.softmax(query @ key.mT, dim=-1)


def multiplied(query, key):
    """Each row sums to 1, but you multiplied the scores by `sqrt(d)` where you should divide."""
    return torch.softmax(query @ key.mT * math.sqrt(query.shape[-1]), dim=-1)


def softmax_over_queries(query, key):
    """Softmax ran over the queries, so each column sums to 1. A query shares its attention among the keys:
    each row should sum to 1, which is `dim=-1`."""
    return torch.softmax(scaled(query, key), dim=-2)


def no_softmax(query, key):
    """These are the scaled scores, and they are right. The softmax that turns each row into weights is missing."""
    return scaled(query, key)


def divided_after_softmax(query, key):
    """You divided by `sqrt(d)` after the softmax, so each row sums to `1 / sqrt(d)`. Divide the scores, before it."""
    return torch.softmax(query @ key.mT, dim=-1) / math.sqrt(query.shape[-1])


# 05.2 -----------------------------------------------------------------------------------------------


def nothing_subtracted(scores):
    """Small scores come out right, but `exp(10000)` is inf, and inf / inf is NaN. Subtract the largest score
    of each row before `exp`: the weights stay the same, and no exponent is above 0."""
    return torch.exp(scores) / torch.exp(scores).sum(dim=-1, keepdim=True)


def one_maximum_for_all(scores):
    """You subtracted one maximum from the whole tensor. In a row far below it every `exp` is 0, and 0 / 0 is
    NaN. Each row needs its own maximum: `dim=-1, keepdim=True`."""
    return nothing_subtracted(scores - scores.max())


def mean_subtracted(scores):
    """You subtracted the mean of the row. Scores above the mean can still overflow in `exp`, and a single -inf
    makes the mean itself -inf. Subtract the maximum."""
    return nothing_subtracted(scores - scores.mean(dim=-1, keepdim=True))


def keepdim_forgotten(scores):
    """The maximum and the sum lost their axis, so they were lined up with the columns, not with the rows.
    `keepdim=True` keeps one number for each row, in shape (..., 1)."""
    exponentials = torch.exp(scores - scores.max(dim=-1).values)
    return exponentials / exponentials.sum(dim=-1)


def softmax_called(name):
    """PyTorch's own softmax computed these numbers, and that is the function you were asked to write. Try it from
    `exp`, `max` and `sum`."""
    return "softmax" in name


# 05.3 -----------------------------------------------------------------------------------------------


def mask_ignored(query, key, value, mask):
    """This is attention without a mask: every query still sees every key."""
    return torch.softmax(scaled(query, key), dim=-1) @ value


def mask_inverted(query, key, value, mask):
    """The mask is the wrong way round: you hid the keys that may be seen. True means "may look", so the scores
    to fill are those where `~mask` is True."""
    scores = scaled(query, key).masked_fill(mask, -torch.inf)
    return torch.softmax(scores, dim=-1).masked_fill(mask, 0) @ value


def mask_inverted_nan(query, key, value, mask):
    """The mask is the wrong way round: you hid the keys that may be seen, and a query that may see all of them
    got NaN. True means "may look", so the scores to fill are those where `~mask` is True."""
    return torch.softmax(scaled(query, key).masked_fill(mask, -torch.inf), dim=-1) @ value


def masked_after_softmax(query, key, value, mask):
    """You masked after the softmax. The hidden keys have already taken their share, so what is left of a row
    sums to less than 1. Mask the scores, before the softmax."""
    return (torch.softmax(scaled(query, key), dim=-1) * mask) @ value


def multiplied_scores(query, key, value, mask):
    """You multiplied the scores by the mask, so hidden keys have score 0. But `exp(0)` is 1: they still get
    weight. A hidden key needs the score -inf."""
    return torch.softmax(scaled(query, key) * mask, dim=-1) @ value


def empty_row_nan(query, key, value, mask):
    """Nearly: every query that sees a key is right. A query that may look nowhere has only scores of -inf, and
    their softmax is 0 / 0, which is NaN. Its output should be 0."""
    return torch.softmax(scaled(query, key).masked_fill(~mask, -torch.inf), dim=-1) @ value


def empty_row_uniform(query, key, value, mask):
    """Nearly: every query that sees a key is right. A query that may look nowhere has the same score for all
    keys, so softmax shares its attention among the very keys it must not see. Its output should be 0."""
    return torch.softmax(scaled(query, key).masked_fill(~mask, -1e30), dim=-1) @ value


# 05.4 -----------------------------------------------------------------------------------------------


def sum_forgotten(weights, grad_weights):
    """You multiplied by the weights, but did not subtract the sum. Softmax ties a row together: raising one
    weight lowers the others, and `(weights * grad_weights).sum(...)` is how that comes back."""
    return weights * grad_weights


def diagonal_only(weights, grad_weights):
    """You used the diagonal of the Jacobian, `weights * (1 - weights)`, and left out the rest. Entry j, l off the
    diagonal is `-weights[j] * weights[l]`: each weight depends on every score of its row."""
    return weights * (1 - weights) * grad_weights


def sign_flipped(weights, grad_weights):
    """Right, up to the sign: the weighted sum is subtracted from the gradient, not the other way round."""
    return weights * ((weights * grad_weights).sum(dim=-1, keepdim=True) - grad_weights)


def summed_over_queries(weights, grad_weights):
    """You summed over the wrong axis. Softmax ran along each row, so the sum does too: `dim=-1`."""
    return weights * (grad_weights - (weights * grad_weights).sum(dim=-2, keepdim=True))


def summed_over_everything(weights, grad_weights):
    """You summed over the whole tensor. Each query has a softmax of its own, so each row has a sum of its own:
    `dim=-1, keepdim=True`."""
    return weights * (grad_weights - (weights * grad_weights).sum())


def unweighted_sum(weights, grad_weights):
    """You subtracted the plain sum of the gradients. It should be weighted, the average of the gradient
    under the weights: `(weights * grad_weights).sum(...)`."""
    return weights * (grad_weights - grad_weights.sum(dim=-1, keepdim=True))


# What a right answer satisfies ----------------------------------------------------------------------


def rows_sum_to_one(weights):
    """Each row of weights should sum to 1, and yours do not."""
    total = weights.sum(dim=-1)
    return torch.allclose(total, torch.ones_like(total))


def rows_sum_to_zero(grad_scores):
    """Adding a constant to all scores of a row changes no weight, so each row of the gradient should sum to 0.
    Yours do not."""
    total = grad_scores.sum(dim=-1)
    return torch.allclose(total, torch.zeros_like(total), atol=1e-6)
