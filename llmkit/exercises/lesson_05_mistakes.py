"""Lesson 05: the wrong answers that readers give, written out, each with the sentence it gets.

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
    like `sqrt(d)`, so dividing by `d` flattens the weights more the longer the vectors are."""
    return torch.softmax(query @ key.mT / query.shape[-1], dim=-1)


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
    weight lowers the others, and `sum(w * g)` is how that comes back."""
    return weights * grad_weights


def diagonal_only(weights, grad_weights):
    """You used the diagonal of the Jacobian, `w * (1 - w)`, and left out the rest. Entry i, j off the diagonal
    is `-w_i * w_j`: each weight depends on every score of its row."""
    return weights * (1 - weights) * grad_weights


def sign_flipped(weights, grad_weights):
    """Right, up to the sign: the weighted sum is subtracted from the gradient, not the other way round."""
    return weights * ((weights * grad_weights).sum(dim=-1, keepdim=True) - grad_weights)


def summed_over_queries(weights, grad_weights):
    """You summed over the wrong axis. Softmax ran along each row, so the sum does too: `dim=-1`."""
    return weights * (grad_weights - (weights * grad_weights).sum(dim=-2, keepdim=True))


def unweighted_sum(weights, grad_weights):
    """You subtracted the plain sum of the gradients. It should be weighted: `sum(w * g)`, the average of the
    gradient under the weights."""
    return weights * (grad_weights - grad_weights.sum(dim=-1, keepdim=True))


# 05.5 -----------------------------------------------------------------------------------------------


def steps(query, key, value, grad_output):
    """What the right answer has in hand just before the end: weights and the gradient of the scores."""
    weights = torch.softmax(scaled(query, key), dim=-1)  # (..., T, S)
    grad_weights = grad_output @ value.mT  # (..., T, S)
    grad_scores = weights * (grad_weights - (weights * grad_weights).sum(dim=-1, keepdim=True))
    return weights, grad_scores / math.sqrt(query.shape[-1])


def scale_forgotten(query, key, value, grad_output):
    """The factor `1 / sqrt(d)` is missing. The scores are `query @ key.mT / sqrt(d)`, so the gradients of query
    and key carry the same factor."""
    weights, grad = steps(query, key, value, grad_output)
    grad = grad * math.sqrt(query.shape[-1])
    return grad @ key, grad.mT @ query, weights.mT @ grad_output


def softmax_skipped(query, key, value, grad_output):
    """The way back through the softmax is missing: you used the gradient of the weights as the gradient of the
    scores. Exercise 05.4 is the step between them."""
    weights, _ = steps(query, key, value, grad_output)
    grad = grad_output @ value.mT / math.sqrt(query.shape[-1])
    return grad @ key, grad.mT @ query, weights.mT @ grad_output


def softmax_sum_forgotten(query, key, value, grad_output):
    """On the way back through the softmax, the weighted sum was not subtracted: `w * g` in place of
    `w * (g - sum(w * g))`."""
    weights, _ = steps(query, key, value, grad_output)
    grad = weights * (grad_output @ value.mT) / math.sqrt(query.shape[-1])
    return grad @ key, grad.mT @ query, weights.mT @ grad_output


def scores_not_transposed(query, key, value, grad_output):
    """For `grad_key` the gradient of the scores must be transposed: key j collects from every query i, down
    column j. In code, `grad_scores.mT @ query`."""
    weights, grad = steps(query, key, value, grad_output)
    return grad @ key, grad @ query, weights.mT @ grad_output


def query_and_key_swapped(query, key, value, grad_output):
    """Query and key are swapped: in a product, each factor receives the other one. `grad_query` is made from
    `key`, and `grad_key` from `query`."""
    weights, grad = steps(query, key, value, grad_output)
    return grad @ query, grad.mT @ key, weights.mT @ grad_output


def order_swapped(query, key, value, grad_output):
    """The first two answers are right but the wrong way round: return `grad_query, grad_key, grad_value`."""
    weights, grad = steps(query, key, value, grad_output)
    return grad.mT @ query, grad @ key, weights.mT @ grad_output


def weights_not_transposed(query, key, value, grad_output):
    """For `grad_value` the weights must be transposed: value j collects from every query that looked at it, down
    column j. In code, `weights.mT @ grad_output`."""
    weights, grad = steps(query, key, value, grad_output)
    return grad @ key, grad.mT @ query, weights @ grad_output


def values_scaled(query, key, value, grad_output):
    """`grad_value` was divided by `sqrt(d)`. The scale belongs to the scores; the values never met it."""
    weights, grad = steps(query, key, value, grad_output)
    return grad @ key, grad.mT @ query, weights.mT @ grad_output / math.sqrt(query.shape[-1])


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


def keys_sum_to_zero(grad_query, grad_key, grad_value):
    """Adding the same vector to every key changes no weight, so `grad_key` should sum to 0 over the keys. Yours
    does not."""
    return rows_sum_to_zero(grad_key.mT)
