r"""Lesson 05, scaled dot-product attention: five exercises, from the weights to the gradients of a learned score.

Each is a solution and a card. The wrong answers are in `lesson_05_mistakes*.py`, the numbers they are tried on in
`lesson_05_cases.py`. Shapes: T queries, S keys, D numbers in a query or key, E numbers in a value; in 05.5 a key
has D2 numbers.
"""

import math

import torch

import llmkit.exercises.lesson_05_cases as cases
import llmkit.exercises.lesson_05_mistakes as wrong
import llmkit.exercises.lesson_05_mistakes_bilinear as bilinear
from llmkit.exercises.card import Exercise, Lesson

# 05.1 -----------------------------------------------------------------------------------------------


def attention_weights(query, key):
    """Weights (..., T, S) of each query over all keys."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])  # (..., T, S)
    return torch.softmax(scores, dim=-1)  # (..., T, S)


WEIGHTS = Exercise(
    id="05.1",
    title="Attention weights",
    stars=1,
    minutes=5,
    task=r"""
Write `attention_weights(query, key)`, the first three of the four steps. Score every query against every key with
a dot product, divide by $\sqrt{d}$, and let softmax turn each row of scores into weights:

$$A = \operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right)$$

Here $d$ is the width of queries and keys. Row $i$ of $A$ holds the weights $\alpha_{ij}$, which say how query $i$
shares its attention among the keys $j$, so it sums to 1.

`query` has shape `(..., T, D)`, `key` has `(..., S, D)`, and the answer has `(..., T, S)`. The dots stand for
batch dimensions: none, one or several.
""",
    hints=(
        "All dot products at once are one matrix product: `(T, D)` times `(D, S)` gives `(T, S)`. "
        "`key.mT` swaps the last two axes and leaves batch dimensions where they are.",
        "`query.shape[-1]` is $d$, and `math.sqrt` takes its root.",
        "In `torch.softmax(scores, dim=...)`, the axis you name is the one whose numbers will sum to 1. "
        "Which axis of the scores runs over the keys?",
    ),
    solution=attention_weights,
    mistakes=(
        wrong.divided_by_d,
        wrong.divided_by_root_of_keys,
        wrong.not_divided,
        wrong.multiplied,
        wrong.softmax_over_queries,
        wrong.no_softmax,
        wrong.divided_after_softmax,
    ),
    properties=(wrong.rows_sum_to_one,),
    cases=cases.weights_cases,
    returns=("weights",),
    afterword="Multiply these weights by the values, and you have attention.",
)


# 05.2 -----------------------------------------------------------------------------------------------


def stable_softmax(scores):
    """Softmax along the last axis, for scores of any size."""
    largest = scores.max(dim=-1, keepdim=True).values  # (..., 1)
    exponentials = torch.exp(scores - largest)  # at most 1
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


STABLE = Exercise(
    id="05.2",
    title="A softmax that does not overflow",
    stars=1,
    minutes=8,
    task=r"""
Write `stable_softmax(scores)` along the last axis, from `exp`, `max` and `sum`. The formula

$$\alpha_j = \frac{e^{s_j}}{\sum_l e^{s_l}}$$

is right on paper and breaks in a computer: at a score of 10,000, $e^{10000}$ is larger than any float, and the
weight becomes NaN. But only differences of scores matter. Subtract the same number from every score in a row, and
no weight changes. Choose that number well.

A score of $-\infty$ marks a key that must not be seen; its weight is 0. Every row has at least one finite score,
and the rows of one tensor may lie far apart.
""",
    hints=(
        "`exp` overflows above about 709 in float64, and above 88 in float32. It never overflows at 0 or below, where "
        "it can at worst become 0.",
        "After subtracting the largest score of its row, every score is at most 0, and one of them is exactly 0. So the "
        "sum is at least 1, and nothing is divided by 0.",
        "`scores.max(dim=-1, keepdim=True).values` has one number for each row, in shape `(..., 1)`, which lines up with "
        "`scores`. The sum needs `keepdim=True` as well.",
    ),
    solution=stable_softmax,
    mistakes=(
        wrong.nothing_subtracted,
        wrong.one_maximum_for_all,
        wrong.mean_subtracted,
        wrong.keepdim_forgotten,
    ),
    properties=(wrong.rows_sum_to_one,),
    shortcut=wrong.softmax_called,
    cases=cases.softmax_cases,
    returns=("weights",),
    afterword="`torch.softmax` does the same inside. Now you know what it protects you from.",
)


# 05.3 -----------------------------------------------------------------------------------------------


def masked_attention(query, key, value, mask):
    """Attention (..., T, E) that looks only where mask is True."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])  # (..., T, S)
    scores = scores.masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores, dim=-1)  # NaN where a row is all -inf
    weights = weights.masked_fill(~mask, 0)  # now 0 there
    return weights @ value  # (..., T, E)


MASKED = Exercise(
    id="05.3",
    title="Attention with a mask",
    stars=2,
    minutes=12,
    task=r"""
Write `masked_attention(query, key, value, mask)`: all four steps, where `mask[i, j]` is True when query $i$ may
look at key $j$. A key that is hidden from a query gets weight 0, and the weights of the visible keys sum to 1.

One case needs care. A query that may look nowhere, such as one in an empty sentence of a padded batch, has nothing to
average. Its output is a row of zeros, not NaN.

`query` has shape `(..., T, D)`, `key` has `(..., S, D)`, `value` has `(..., S, E)`, and `mask` has `(T, S)` or batch
dimensions that broadcast with the others. The answer has shape `(..., T, E)`.
""",
    hints=(
        "What score does a key need so that its weight is exactly 0 after the softmax? Remember that $e^0 = 1$.",
        "`scores.masked_fill(~mask, -torch.inf)` returns a copy that is -inf wherever `mask` is False.",
        "In a row without any True, softmax gives 0 / 0, which is NaN. After the softmax, every hidden weight should be 0 in "
        "any case; say so once more with `masked_fill`.",
    ),
    solution=masked_attention,
    mistakes=(
        wrong.mask_ignored,
        wrong.mask_inverted,
        wrong.mask_inverted_nan,
        wrong.masked_after_softmax,
        wrong.multiplied_scores,
        wrong.empty_row_nan,
        wrong.empty_row_uniform,
    ),
    cases=cases.mask_cases,
    returns=("output",),
    afterword="With the mask `torch.ones(T, T).tril().bool()`, this is what every head of GPT-2 computes.",
)


# 05.4 -----------------------------------------------------------------------------------------------


def softmax_backward(weights, grad_weights):
    """Gradient of the scores (..., S), from that of their weights."""
    average = (weights * grad_weights).sum(dim=-1, keepdim=True)  # (..., 1)
    return weights * (grad_weights - average)  # (..., S)


BACKWARD = Exercise(
    id="05.4",
    title="Back through the softmax",
    stars=2,
    minutes=12,
    task=r"""
In training, a gradient arrives from above: $g_j = \partial L / \partial \alpha_j$, how much the loss changes with each
weight of one query. It has to be passed on to the scores the weights came from,

$$\frac{\partial L}{\partial s_l} = \sum_j g_j \, \frac{\partial \alpha_j}{\partial s_l}
\qquad\text{with}\qquad \frac{\partial \alpha_j}{\partial s_l} = \alpha_j \, (\delta_{jl} - \alpha_l),$$

where $\delta_{jl}$ is 1 when $j = l$ and 0 otherwise. Write `softmax_backward(weights, grad_weights)`, which returns
the gradient of the scores. All three have the same shape `(..., S)`.

Do not build the Jacobian: for a row of $S$ weights it has $S^2$ entries. Work the sum out with a pencil first. What is
left takes one or two lines.
""",
    hints=(
        r"Put the Jacobian into the sum and split it in two: $\sum_j g_j \alpha_j \delta_{jl}$ and "
        r"$-\sum_j g_j \alpha_j \alpha_l$. "
        "In the first, only one term is not 0.",
        r"The second sum is $\alpha_l$ times $\sum_j \alpha_j g_j$, a single number for the whole row: the average of the gradient "
        "under the weights.",
        r"So $\partial L / \partial s_l = \alpha_l \, \bigl(g_l - \sum_j \alpha_j g_j\bigr)$. In code the sum needs `dim=-1` and "
        "`keepdim=True`.",
    ),
    solution=softmax_backward,
    reference=cases.softmax_by_autograd,
    mistakes=(
        wrong.sum_forgotten,
        wrong.diagonal_only,
        wrong.sign_flipped,
        wrong.summed_over_queries,
        wrong.summed_over_everything,
        wrong.unweighted_sum,
    ),
    properties=(wrong.rows_sum_to_zero,),
    cases=cases.backward_cases,
    returns=("grad_scores",),
    afterword="Read it again: a step against this gradient raises the scores whose `grad_weights` is below the average of the row, and lowers the others.",
)


# 05.5 -----------------------------------------------------------------------------------------------


def bilinear_backward(query, key, value, weight, grad_output):
    """Gradients of query, key, value, weight, from that of the output."""
    alpha = torch.softmax(query @ weight @ key.mT, dim=-1)  # (..., T, S)
    grad_value = alpha.mT @ grad_output  # (..., S, E)
    grad_alpha = grad_output @ value.mT  # (..., T, S)
    average = (alpha * grad_alpha).sum(dim=-1, keepdim=True)  # (..., T, 1)
    grad_scores = alpha * (grad_alpha - average)  # (..., T, S)
    grad_query = grad_scores @ key @ weight.mT  # (..., T, D)
    grad_key = grad_scores.mT @ query @ weight  # (..., S, D2)
    each = query.mT @ grad_scores @ key  # (..., D, D2)
    grad_weight = each.reshape(-1, *weight.shape).sum(dim=0)  # (D, D2)
    return grad_query, grad_key, grad_value, grad_weight


LEARNED = Exercise(
    id="05.5",
    title="The gradients of a learned score",
    stars=3,
    minutes=15,
    task=r"""
The lesson differentiates a score that has nothing to learn. The bilinear score $s_{ij} = q_i^\top W k_j$ has a matrix
$W$ in the middle, and training must find out how to change it:

$$O = A V, \qquad A = \operatorname{softmax}\bigl(Q W K^\top\bigr).$$

Write `bilinear_backward(query, key, value, weight, grad_output)`, which returns, without autograd,
`grad_query, grad_key, grad_value, grad_weight`. Given is `grad_output`, $G = \partial L / \partial O$. There is no
mask, and no $1/\sqrt{d}$: a factor is something that $W$ can learn.

`query` has shape `(..., T, D)`, `key` has `(..., S, D2)`, `value` has `(..., S, E)`, `weight` has `(D, D2)`, and
`grad_output` has `(..., T, E)`. Queries and keys may differ in width, because $W$ takes one to the other. There is one
`weight` for the whole batch. Each gradient has the shape of what it belongs to, which settles most questions about
transposing.

The check compares with autograd, in float64, to within $10^{-10}$.
""",
    hints=(
        r"One rule carries most of the way. For a product $C = MN$, $\partial L / \partial M = "
        r"(\partial L / \partial C)\, N^\top$ and $\partial L / \partial N = M^\top\, (\partial L / \partial C)$. "
        "Compute $A$ again, then go back from $O$ to $A$ and $V$, from $A$ to the scores, and from the scores to the rest.",
        r"With $O = AV$, the rule gives $\partial L / \partial A = G V^\top$ and $\partial L / \partial V = A^\top G$. "
        r"From $\partial L / \partial A$ to $\partial L / \partial s$, the gradient at the scores, is exercise 05.4.",
        r"$Q W K^\top$ is a product of three, and brackets make it a product of two. As $Q\,(W K^\top)$ it gives "
        r"$\partial L / \partial Q = (\partial L / \partial s)\, K W^\top$. As $(Q W)\, K^\top$ it gives the gradient of "
        "$K^\\top$; transpose it to get `grad_key`.",
        r"For $W$ use the rule twice: $\partial L / \partial W = Q^\top\, (\partial L / \partial s)\, K$. In a batch that is "
        "one matrix `(D, D2)` for each example, and as all of them used the same $W$, their gradients add up. For any "
        "number of batch dimensions, also none: `.reshape(-1, *weight.shape).sum(dim=0)`.",
    ),
    solution=bilinear_backward,
    reference=cases.bilinear_by_autograd,
    mistakes=(
        bilinear.scale_left_over,
        bilinear.scores_divided,
        bilinear.softmax_skipped,
        bilinear.softmax_sum_forgotten,
        bilinear.weight_left_out,
        bilinear.weight_not_transposed,
        bilinear.weight_transposed_for_key,
        bilinear.scores_not_transposed,
        bilinear.order_swapped,
        bilinear.alpha_not_transposed,
        bilinear.grad_weight_transposed,
        bilinear.batch_not_summed,
        bilinear.batch_averaged,
    ),
    properties=(bilinear.keys_sum_to_zero,),
    cases=cases.bilinear_cases,
    returns=("grad_query", "grad_key", "grad_value", "grad_weight"),
    tolerance=1e-10,
    afterword="With `torch.eye(d) / math.sqrt(d)` for `weight`, the first three are the gradients of scaled dot-product "
    "attention. The fourth is how training would change what counts as a good match.",
)


LESSON = Lesson("05", "Scaled dot-product attention", (WEIGHTS, STABLE, MASKED, BACKWARD, LEARNED))
