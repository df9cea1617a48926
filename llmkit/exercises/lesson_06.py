r"""Lesson 06, heads, masks and cost: five exercises, from a mask of two conditions to joining what two machines have seen.

Each is a solution and a card. The wrong answers are in `lesson_06_mistakes.py`, the numbers they are tried on in
`lesson_06_cases.py`. Shapes: T tokens, C model width, H heads, G key-value heads, D head width, E width of values.
"""

import math

import torch

import llmkit.exercises.lesson_06_cases as cases
import llmkit.exercises.lesson_06_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 06.1 -----------------------------------------------------------------------------------------------


def batch_mask(is_token):
    """Mask (..., T, T), True where a query may look at a key."""
    tokens = is_token.shape[-1]
    causal = torch.ones(tokens, tokens, dtype=torch.bool).tril()  # (T, T)
    return causal & is_token[..., None, :]  # (..., T, T)


BATCH_MASK = Exercise(
    id="06.1",
    title="Two masks at once",
    stars=1,
    minutes=6,
    task=r"""
A batch of texts for a model that writes: each is filled up with padding to one length. Write `batch_mask(is_token)`. A
query may look at a key when **both** hold: the key does not come later, and it is a real token.

$$M_{ij} \;=\; (j \le i) \;\text{ and }\; \text{token } j \text{ is real}$$

`is_token` has shape `(..., T)` and holds True at real tokens. The answer has shape `(..., T, T)` and holds True where
query $i$ (row) may look at key $j$ (column). Padding may look: what it finds is thrown away.
""",
    hints=(
        "`torch.ones(T, T, dtype=torch.bool).tril()` is the causal mask.",
        "Keys are columns. `is_token[..., None, :]` has shape `(..., 1, T)`, the same row for every query.",
        "`&` holds where both masks do, and it broadcasts.",
    ),
    solution=batch_mask,
    mistakes=(wrong.one_is_enough, wrong.rows_for_columns, wrong.both_sides, wrong.turned_over, wrong.not_itself, wrong.future),
    cases=cases.mask_cases,
    returns=("mask",),
    afterword="With the padding on the left, the first rows of this mask are empty. Now you know where such rows come from.",
)


# 06.2 -----------------------------------------------------------------------------------------------


def multi_head(hidden, w_query, w_key, w_value, w_output, heads):
    """Multi-head attention (..., T, C), without a mask."""
    count = int(heads)
    q, k, v = (
        (hidden @ w).unflatten(-1, (count, -1)).transpose(-3, -2)
        for w in (w_query, w_key, w_value)
    )  # (..., H, T, D) each
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (..., H, T, T)
    mixed = torch.softmax(scores, dim=-1) @ v  # (..., H, T, D)
    joined = mixed.transpose(-3, -2).flatten(-2)  # (..., T, C)
    return joined @ w_output


MULTI_HEAD = Exercise(
    id="06.2",
    title="Several heads",
    stars=2,
    minutes=15,
    task=r"""
Write `multi_head(hidden, w_query, w_key, w_value, w_output, heads)`, equations 6.4 and 6.5 without a mask:

$$\begin{aligned} \text{head}_h &= \operatorname{softmax}\!\left(\frac{Q_h K_h^\top}{\sqrt D}\right) V_h \\
\operatorname{MultiHead}(X) &= [\text{head}_1, \dots, \text{head}_H]\, W^O \end{aligned}$$

where $Q_h$ are columns $hD$ to $(h+1)D - 1$ of $XW^Q$, counting heads from 0, and $K_h$, $V_h$ likewise.

`hidden` has shape `(..., T, C)`, each matrix `(C, C)`; `heads` is the number $H$, a tensor: take `int(heads)`. The answer
has the shape of `hidden`.
""",
    hints=(
        "`x.unflatten(-1, (H, D))` cuts the last axis into heads: `(..., T, H, D)`. Attention wants `(..., H, T, D)`, so "
        "swap two axes with `.transpose(-3, -2)`.",
        "Scores of all heads at once: `q @ k.mT` is `(..., H, T, T)`. Each head divides by the root of its own width, `q.shape[-1]`.",
        "Back: `.transpose(-3, -2).flatten(-2)` lays the heads side by side, `(..., T, C)`. Then `@ w_output`.",
    ),
    solution=multi_head,
    mistakes=(
        wrong.root_of_the_model_width,
        wrong.reshaped_without_swapping,
        wrong.interleaved,
        wrong.not_swapped_back,
        wrong.no_output_matrix,
        wrong.one_wide_head,
        wrong.averaged_weights,
    ),
    cases=cases.multi_head_cases,
    returns=("output",),
    tolerance=1e-9,
    afterword="Add a mask and four biases, and this is `torch.nn.MultiheadAttention`.",
)


# 06.3 -----------------------------------------------------------------------------------------------


def hears_of(mask, layers):
    """True (..., T, T) where token i can hear of token j."""
    itself = torch.eye(mask.shape[-1], dtype=torch.bool)
    step = (mask | itself).double()  # a token keeps what it carries
    heard = itself.double()
    for _ in range(int(layers)):
        heard = (step @ heard > 0).double()  # (..., T, T)
    return heard > 0


HEARS = Exercise(
    id="06.3",
    title="How far a word carries",
    stars=2,
    minutes=12,
    task=r"""
A word that token $i$ may not look at can still reach it, through a token that looked at it one layer earlier. Write
`hears_of(mask, layers)`: True where the output of token $i$ after so many layers can depend on token $j$. Every layer adds
to what a token carries already, so a token always hears of itself:

$$R_L = (I \vee M)^L$$

`mask` has shape `(..., T, T)`, True where $i$ may look at $j$ in one layer, the same in every layer; `layers` is a number,
1 or more, in a tensor. The answer has the shape of `mask`.
""",
    hints=(
        "In one layer: `mask | torch.eye(T, dtype=torch.bool)`.",
        "One layer more: $i$ hears of $j$ when it looks at some $k$ that has heard of $j$. That is a matrix product, and all "
        "that matters is whether an entry is above 0.",
        "Booleans cannot be multiplied as matrices: take `.double()`, multiply, and compare with `> 0`.",
    ),
    solution=hears_of,
    mistakes=(wrong.not_what_it_carries, wrong.one_layer, wrong.other_direction, wrong.a_layer_less, wrong.a_layer_more),
    cases=cases.reach_cases,
    returns=("heard",),
    afterword="A leak is a True where there should be none. It is enough to open one cell.",
)


# 06.4 -----------------------------------------------------------------------------------------------


def shared_scores(query, key):
    """Scores (..., H) of each head's query with its group's key."""
    size = query.shape[-2] // key.shape[-2]  # heads in a group
    keys = key.repeat_interleave(size, dim=-2)  # (..., H, D)
    return (query * keys).sum(-1) / math.sqrt(query.shape[-1])


SHARED = Exercise(
    id="06.4",
    title="Heads that share a key",
    stars=2,
    minutes=10,
    task=r"""
In grouped-query attention $H$ heads share $G$ keys. Heads that follow each other make a group: with $H = 8$ and $G = 2$,
heads 0 to 3 use key 0 and heads 4 to 7 use key 1. Write `shared_scores(query, key)` for one new token that looks at one old
one: the scaled dot product of each head's query with the key of its group.

`query` has shape `(..., H, D)`, `key` has `(..., G, D)`, and $G$ divides $H$. The answer has shape `(..., H)`.
""",
    hints=(
        "A group has `H // G` heads.",
        "`x.repeat_interleave(n, dim=-2)` repeats each row n times before it goes to the next; `x.repeat` would go round and round.",
        "A dot product row by row: `(a * b).sum(-1)`. Then the root of D.",
    ),
    solution=shared_scores,
    mistakes=(wrong.round_and_round, wrong.first_key_for_all, wrong.averaged_keys, wrong.root_forgotten, wrong.one_for_each_group),
    cases=cases.shared_cases,
    returns=("scores",),
    afterword="With G = 1 this is multi-query attention, with G = H the ordinary one. The cache holds G keys for a token, not H.",
)


# 06.5 -----------------------------------------------------------------------------------------------


def join(top_a, total_a, mix_a, top_b, total_b, mix_b):
    """Two parts of the keys as one: the new top, total and mix."""
    top = torch.maximum(top_a, top_b)  # (..., T, 1)
    a, b = torch.exp(top_a - top), torch.exp(top_b - top)  # at most 1
    return top, a * total_a + b * total_b, a * mix_a + b * mix_b


JOIN = Exercise(
    id="06.5",
    title="Two machines, one softmax",
    stars=3,
    minutes=15,
    task=r"""
Half of the keys of a long text lie on machine $a$, half on machine $b$. Each has read its half and kept three things for
every query: its largest score $m$, the sum $\ell = \sum_j e^{s_j - m}$, and the mix $\tilde o = \sum_j e^{s_j - m} v_j$.
Write `join(top_a, total_a, mix_a, top_b, total_b, mix_b)`, which returns the three as one machine that had read all keys
would have them: `top, total, mix`.

`top` and `total` have shape `(..., T, 1)`, `mix` has `(..., T, E)`. Scores may be as large as 1000. A part may have seen
nothing: its top is $-\infty$, its total and mix are 0. At least one of the two has seen something.
""",
    hints=(
        "The largest of all scores is the larger of the two largest.",
        "A sum that was made from $m_a$ should have been made from $m$: $e^{s - m} = e^{s - m_a}\\, e^{m_a - m}$, one factor for all its terms.",
        "Both sums, the plain one and the mix, get the same factor.",
    ),
    solution=join,
    mistakes=(wrong.added_as_they_are, wrong.divided_already, wrong.upside_down, wrong.smaller_top, wrong.averaged),
    cases=cases.join_cases,
    returns=("top", "total", "mix"),
    tolerance=1e-9,
    afterword="The order does not matter, so a thousand parts can be joined like this. Flash attention does it tile by tile.",
)


LESSON = Lesson("06", "Heads, masks and cost", (BATCH_MASK, MULTI_HEAD, HEARS, SHARED, JOIN))
