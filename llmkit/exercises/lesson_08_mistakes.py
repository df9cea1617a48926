"""Lesson 08: the wrong answers that readers give, written out, each with the sentence it gets.

Shapes: T tokens or positions, C model width, D head width.
"""

import math

import torch

BASE = 10_000.0


def angles_of(embeddings, exponents):
    """Position times base to the power of each exponent: (T, columns)."""
    count = torch.arange(embeddings.shape[-2], dtype=torch.float64)
    return count[:, None] * BASE ** exponents


def pairs(embeddings):
    """2k / C for each pair: (C/2,)."""
    return torch.arange(0, embeddings.shape[-1], 2, dtype=torch.float64) / embeddings.shape[-1]


def woven(first, second):
    """Two tables column by column in turn."""
    return torch.stack([first, second], dim=-1).flatten(-2)


# 08.1 -----------------------------------------------------------------------------------------------


def a_frequency_per_column(embeddings):
    """This is the famous wrong formula: you put the number of the column where the number of the pair belongs.
    Columns 2k and 2k + 1 must share one frequency, base ** (-2k / C). With one for each column no rotation leads
    from a row to the next."""
    columns = torch.arange(embeddings.shape[-1], dtype=torch.float64)
    angles = angles_of(embeddings, -2 * columns / embeddings.shape[-1])
    return embeddings + torch.where(columns % 2 == 0, angles.sin(), angles.cos())


def multiplied(embeddings):
    """The position should be divided by base ** (2k / C), and you multiplied. Row 1 gives it away: its last cosine
    should be nearly 1, because the last pair hardly moves."""
    angles = angles_of(embeddings, pairs(embeddings))
    return embeddings + woven(angles.sin(), angles.cos())


def two_forgotten(embeddings):
    """The exponent is 2k / C, and you used k / C, so the frequencies end at about 1/100 where they should reach
    nearly 1/10,000."""
    angles = angles_of(embeddings, -pairs(embeddings) / 2)
    return embeddings + woven(angles.sin(), angles.cos())


def sines_then_cosines(embeddings):
    """All the numbers are there, but in another order: first all sines, then all cosines. A model would not mind;
    this exercise asks for them in turn, a pair side by side, as the paper writes them."""
    angles = angles_of(embeddings, -pairs(embeddings))
    return embeddings + torch.cat([angles.sin(), angles.cos()], dim=-1)


def cosine_first(embeddings):
    """Sine and cosine changed places: the even columns hold the sines, so row 0 begins with 0, then 1."""
    angles = angles_of(embeddings, -pairs(embeddings))
    return embeddings + woven(angles.cos(), angles.sin())


def counted_from_one(embeddings):
    """You counted positions from 1. The first token stands at position 0, and its row is 0, 1, 0, 1, ..."""
    angles = angles_of(embeddings, -pairs(embeddings)) + BASE ** -pairs(embeddings)
    return embeddings + woven(angles.sin(), angles.cos())


def not_added(embeddings):
    """This is the table alone, and it is right. Add it to the embeddings: every example of a batch gets the same rows."""
    angles = angles_of(embeddings, -pairs(embeddings))
    return woven(angles.sin(), angles.cos()) + torch.zeros_like(embeddings)


# 08.2 -----------------------------------------------------------------------------------------------


def per_example(difference):
    return difference.flatten(-2).max(dim=-1).values


def not_reordered(outputs, shuffled_outputs, order):
    """You compared row i with row i. But row i of the shuffled run belongs to token `order[i]`: bring `outputs` into
    the new order first."""
    return per_example((shuffled_outputs - outputs).abs())


def inverse_order(outputs, shuffled_outputs, order):
    """You undid the shuffle twice over. `shuffled_outputs` are those of the tokens `[order]`, so they are compared with
    `outputs[..., order, :]`; `order.argsort()` leads the other way."""
    return per_example((shuffled_outputs - outputs[..., order.argsort(), :]).abs())


def without_abs(outputs, shuffled_outputs, order):
    """You took the largest difference with its sign, so a large negative one goes unseen. Take absolute values first."""
    return per_example(shuffled_outputs - outputs[..., order, :])


def mean_gap(outputs, shuffled_outputs, order):
    """This is the mean difference. One token that is wrong drowns in many that are right; a test looks at the largest."""
    return (shuffled_outputs - outputs[..., order, :]).abs().flatten(-2).mean(dim=-1)


def one_for_all(outputs, shuffled_outputs, order):
    """You took one maximum over the whole batch. Each example has its own: keep the batch dimensions, and take the
    maximum over tokens and columns, the last two axes."""
    return (shuffled_outputs - outputs[..., order, :]).abs().max()


# 08.3 -----------------------------------------------------------------------------------------------


def turned_by(rows, angles):
    sine, cosine = rows[..., 0::2], rows[..., 1::2]
    return woven(sine * angles.cos() + cosine * angles.sin(), cosine * angles.cos() - sine * angles.sin())


def backwards(rows, frequencies, places):
    """You turned the right way round for a step back: sin(a - b) where sin(a + b) is asked for. Change the sign of both
    terms with a sine in them."""
    return turned_by(rows, -places * frequencies)


def places_forgotten(rows, frequencies, places):
    """You turned each pair by one step. `places` steps turn it by `places * frequencies`."""
    return turned_by(rows, frequencies)


def no_cross_terms(rows, frequencies, places):
    """Each number is only scaled, by cos(kω). A rotation also mixes: the new sine needs a part of the old cosine, and
    the new cosine a part of the old sine."""
    angles = places * frequencies
    return woven(rows[..., 0::2] * angles.cos(), rows[..., 1::2] * angles.cos())


def both_plus(rows, frequencies, places):
    """The sines are right. In the cosine, cos(a + b) = cos a cos b - sin a sin b has a minus, and you wrote a plus."""
    angles = places * frequencies
    sine, cosine = rows[..., 0::2], rows[..., 1::2]
    return woven(sine * angles.cos() + cosine * angles.sin(), cosine * angles.cos() + sine * angles.sin())


def halves(rows, frequencies, places):
    """You paired column k with column k + C/2. In this table a pair stands side by side: columns 2k and 2k + 1, so
    `rows[..., 0::2]` are the sines and `rows[..., 1::2]` the cosines."""
    angles = places * frequencies
    sine, cosine = rows.chunk(2, dim=-1)
    return torch.cat([sine * angles.cos() + cosine * angles.sin(), cosine * angles.cos() - sine * angles.sin()], dim=-1)


def angle_added(rows, frequencies, places):
    """You added the angle to the numbers. They are sines and cosines of an angle, not the angle itself; turn each pair."""
    return rows + (places * frequencies).repeat_interleave(2)


# 08.4 -----------------------------------------------------------------------------------------------


def diagonals(dots, of):
    return torch.stack([of(dots.diagonal(k, -2, -1), k) for k in range(dots.shape[-1])], dim=-1)


def wrapped_around(rows):
    """Your steps wrap around: after the last position you went on with position 0, which is not k places away. At
    distance k there are T - k pairs, not T."""
    return torch.stack([(rows * rows.roll(-k, dims=-2)).sum(-1).mean(-1) for k in range(rows.shape[-2])], dim=-1)


def divided_by_all(rows):
    """You divided every sum by T. At distance k there are only T - k pairs, so far distances come out too small."""
    return diagonals(rows @ rows.mT, lambda line, k: line.sum(-1) / rows.shape[-2])


def summed(rows):
    """These are sums over the pairs at each distance. Far distances have fewer pairs, so compare means."""
    return diagonals(rows @ rows.mT, lambda line, k: line.sum(-1))


def first_row_only(rows):
    """You compared position 0 with all others. For the paper's table that is enough; for any other, each distance has
    many pairs, and their mean is asked for."""
    return (rows[..., :1, :] @ rows.mT).squeeze(-2)


def as_cosines(rows):
    """You divided by the lengths of the rows, which gives cosines. Here the plain dot product is asked for: at distance 0
    the paper's table should give C/2."""
    unit = rows / rows.norm(dim=-1, keepdim=True)
    return diagonals(unit @ unit.mT, lambda line, k: line.mean(-1))


# 08.5 -----------------------------------------------------------------------------------------------


def terms(words, places, w_query, w_key, by):
    left, right = (words @ w_query, places @ w_query), (words @ w_key, places @ w_key)
    return tuple(query @ key.mT / by for query in left for key in right)


def crossed(words, places, w_query, w_key):
    """The two mixed terms changed places. The second is a word that asks and a place that answers: query from `words`,
    key from `places`."""
    both, asks, answers, neither = terms(words, places, w_query, w_key, math.sqrt(w_query.shape[-1]))
    return both, answers, asks, neither


def not_divided(words, places, w_query, w_key):
    """The four products are right; the division by `sqrt(d)` is missing."""
    return terms(words, places, w_query, w_key, 1.0)


def divided_by_width(words, places, w_query, w_key):
    """You divided by the root of the model's width C. The root is that of the width of a query, `w_query.shape[-1]`."""
    return terms(words, places, w_query, w_key, math.sqrt(words.shape[-1]))


def projections_swapped(words, places, w_query, w_key):
    """Rows and columns changed places, or `w_query` and `w_key` did: row i holds the scores of query i, and `w_query`
    makes the queries."""
    return terms(words, places, w_key, w_query, math.sqrt(w_query.shape[-1]))
