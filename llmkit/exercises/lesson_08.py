r"""Lesson 08, absolute positions: five exercises, from the table of waves to the four terms of a score.

Each is a solution and a card. The wrong answers are in `lesson_08_mistakes.py`, the numbers they are tried on in
`lesson_08_cases.py`. Shapes: T tokens or positions, C model width, D head width.
"""

import math

import torch

import llmkit.exercises.lesson_08_cases as cases
import llmkit.exercises.lesson_08_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 08.1 -----------------------------------------------------------------------------------------------


def add_positions(embeddings):
    """Embeddings (..., T, C) with the sinusoidal table added."""
    tokens, width = embeddings.shape[-2:]
    k = torch.arange(width // 2, dtype=embeddings.dtype)
    frequencies = 10_000 ** (-2 * k / width)  # (C/2,)
    place = torch.arange(tokens, dtype=embeddings.dtype)
    angles = place[:, None] * frequencies  # (T, C/2)
    both = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (T, C/2, 2)
    return embeddings + both.flatten(-2)  # (..., T, C)


ADD = Exercise(
    id="08.1",
    title="Tell every token where it stands",
    stars=1,
    minutes=8,
    task=r"""
Write `add_positions(embeddings)`, which adds to every token the row of its position:

$$\mathrm{PE}(p, 2k) = \sin(p\,\omega_k), \qquad \mathrm{PE}(p, 2k+1) = \cos(p\,\omega_k)$$

with the frequencies $\omega_k = 10000^{-2k/C}$.

`embeddings` has shape `(..., T, C)`, and so has the answer. Positions $p$ count from 0, and the pairs of columns,
$k = 0, 1, \dots, C/2 - 1$, too. $C$ is even.
""",
    hints=(
        "Begin with the angles: positions in a column `(T, 1)` times frequencies in a row `(C/2,)` is a table `(T, C/2)`.",
        "There are C/2 frequencies, not C. `k = torch.arange(C // 2)` numbers the pairs.",
        "To put sines and cosines in turn: `torch.stack([sines, cosines], dim=-1)` has shape `(T, C/2, 2)`, and "
        "`.flatten(-2)` lays each pair side by side.",
    ),
    solution=add_positions,
    mistakes=(
        wrong.a_frequency_per_column,
        wrong.multiplied,
        wrong.two_forgotten,
        wrong.sines_then_cosines,
        wrong.cosine_first,
        wrong.counted_from_one,
        wrong.not_added,
    ),
    cases=cases.add_cases,
    returns=("with_positions",),
    afterword="The same rows are added to every example of the batch: a position does not depend on the words.",
)


# 08.2 -----------------------------------------------------------------------------------------------


def equivariance_gap(outputs, shuffled_outputs, order):
    """Largest difference (...) beyond what the shuffle itself makes."""
    expected = outputs[..., order, :]  # (..., T, C)
    difference = (shuffled_outputs - expected).abs()
    return difference.flatten(-2).max(dim=-1).values


GAP = Exercise(
    id="08.2",
    title="A test for a layer that is blind to order",
    stars=1,
    minutes=8,
    task=r"""
A layer was run twice: on tokens $X$, and on the same tokens in another order, `X[..., order, :]`. Its outputs are
`outputs` and `shuffled_outputs`, both of shape `(..., T, C)`; `order` holds $T$ whole numbers.

Write `equivariance_gap(outputs, shuffled_outputs, order)`, the largest absolute difference between what the second run
gave and what a layer that is blind to order would have given: the first outputs, in the new order. One number for
each example of the batch, so the answer has shape `(...)`. Zero means blind to order.
""",
    hints=(
        "`outputs[..., order, :]` picks rows in the new order: row i of it is row `order[i]` of `outputs`. "
        "The dots leave batch dimensions as they are.",
        "Differences have signs, so take `.abs()` before the maximum.",
        "`.flatten(-2)` joins the last two axes, and `.max(dim=-1).values` is one number for each example.",
    ),
    solution=equivariance_gap,
    mistakes=(wrong.not_reordered, wrong.inverse_order, wrong.without_abs, wrong.mean_gap, wrong.one_for_all),
    cases=cases.gap_cases,
    returns=("gap",),
    afterword="Try it on your own layers: for attention without positions and without a causal mask the gap is rounding only.",
)


# 08.3 -----------------------------------------------------------------------------------------------


def walk(rows, frequencies, places):
    """Rows (..., T, C) of the table, moved on by `places` positions."""
    angles = places * frequencies  # (C/2,)
    cos, sin = angles.cos(), angles.sin()
    sine, cosine = rows[..., 0::2], rows[..., 1::2]  # (..., T, C/2)
    new_sine = sine * cos + cosine * sin
    new_cosine = cosine * cos - sine * sin
    return torch.stack([new_sine, new_cosine], dim=-1).flatten(-2)


WALK = Exercise(
    id="08.3",
    title="Walk without knowing where you are",
    stars=2,
    minutes=12,
    task=r"""
You get some rows of the sinusoidal table, and nobody tells you of which positions. Write
`walk(rows, frequencies, places)`, which returns the rows that stand `places` positions further on. Because

$$\mathrm{PE}(p + k) = R_k\, \mathrm{PE}(p),$$

you need not know $p$: turn every pair of columns by the angle $k\,\omega$.

`rows` has shape `(..., T, C)`, `frequencies` has `(C/2,)`, `places` is one number, which may be negative. The answer has
the shape of `rows`. In each pair the sine comes first.
""",
    hints=(
        "Split the rows into sines, `rows[..., 0::2]`, and cosines, `rows[..., 1::2]`. Both have shape `(..., T, C/2)`, "
        "which lines up with `frequencies`.",
        r"$\sin(a + b) = \sin a \cos b + \cos a \sin b$. Here $\sin a$ and $\cos a$ are what you were given, and $b$ is "
        "`places * frequencies`.",
        r"$\cos(a + b) = \cos a \cos b - \sin a \sin b$, with a minus. Then put both back in turn with `torch.stack` and "
        "`.flatten(-2)`.",
    ),
    solution=walk,
    mistakes=(
        wrong.backwards,
        wrong.places_forgotten,
        wrong.no_cross_terms,
        wrong.both_plus,
        wrong.halves,
        wrong.angle_added,
    ),
    cases=cases.turn_cases,
    returns=("moved",),
    tolerance=1e-9,
    afterword="Turn the queries and the keys of a head like this instead of adding a table, and you have RoPE, which is in lesson 09.",
)


# 08.4 -----------------------------------------------------------------------------------------------


def distance_profile(rows):
    """For each distance the mean dot product of two rows: (..., T)."""
    dots = rows @ rows.mT  # (..., T, T)
    tokens = rows.shape[-2]
    means = [dots.diagonal(k, -2, -1).mean(-1) for k in range(tokens)]
    return torch.stack(means, dim=-1)  # (..., T)


PROFILE = Exercise(
    id="08.4",
    title="Dot product against distance, for any table",
    stars=2,
    minutes=10,
    task=r"""
In the sinusoidal table the dot product of two rows depends on their distance only. A learned table keeps no such
promise, so one takes the mean over all pairs at the same distance. Write `distance_profile(rows)`: entry $k$ of the
answer is the mean of $\mathrm{row}_p \cdot \mathrm{row}_{p+k}$ over all $p$ for which both rows exist,
$k = 0, 1, \dots, T - 1$.

`rows` has shape `(..., T, C)`; the answer has shape `(..., T)`.
""",
    hints=(
        "All dot products at once are `rows @ rows.mT`, of shape `(..., T, T)`. Where in that table do the pairs at distance "
        "k stand?",
        "On a diagonal: `dots.diagonal(k, -2, -1)` has shape `(..., T - k)`.",
        "Take `.mean(-1)` of each diagonal, for `k in range(T)`, and put them side by side with `torch.stack(..., dim=-1)`.",
    ),
    solution=distance_profile,
    mistakes=(wrong.wrapped_around, wrong.divided_by_all, wrong.summed, wrong.first_row_only, wrong.as_cosines),
    cases=cases.profile_cases,
    returns=("profile",),
    afterword="With each row divided by its length first, this is the figure of section 5.",
)


# 08.5 -----------------------------------------------------------------------------------------------


def four_terms(words, places, w_query, w_key):
    """A score in four: word-word, word-place, place-word, place-place."""
    scale = math.sqrt(w_query.shape[-1])
    word_query, word_key = words @ w_query / scale, words @ w_key
    place_query, place_key = places @ w_query / scale, places @ w_key
    word_word = word_query @ word_key.mT  # (..., T, T)
    word_place = word_query @ place_key.mT
    place_word = place_query @ word_key.mT
    place_place = place_query @ place_key.mT  # (T, T)
    return word_word, word_place, place_word, place_place


TERMS = Exercise(
    id="08.5",
    title="What a score is made of",
    stars=3,
    minutes=15,
    task=r"""
A token is a word plus a place, $x_i = e_i + p_i$, and a score is the scaled dot product of a query $x_i W_Q$ with a key
$x_j W_K$. Multiply it out, and four sums remain. Write `four_terms(words, places, w_query, w_key)`, which returns them,
each divided by $\sqrt{d}$, in this order: word asks word, word asks place, place asks word, place asks place.

`words` has shape `(..., T, C)`, `places` has `(T, C)`, both matrices have `(C, D)`. The first three answers have shape
`(..., T, T)`; the last, which no word has a part in, has `(T, T)`. Together they are the scores.
""",
    hints=(
        "Project four times: words and places, each with `w_query` and with `w_key`. Never add words and places.",
        "`query @ key.mT` has a row for each query. In the second term the query comes from `words` and the key from `places`.",
        "$d$ is the width of a query, `w_query.shape[-1]`. All four terms share the factor.",
    ),
    solution=four_terms,
    mistakes=(
        wrong.crossed,
        wrong.not_divided,
        wrong.divided_by_width,
        wrong.projections_swapped,
    ),
    cases=cases.terms_cases,
    returns=("word_word", "word_place", "place_word", "place_place"),
    afterword="The last term is the same for every sentence. It is where a head that looks one back has to work; lesson 09 gives it another place.",
)


LESSON = Lesson("08", "Absolute positions", (ADD, GAP, WALK, PROFILE, TERMS))
