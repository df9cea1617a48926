r"""Lesson 01, what a language model is: five exercises, from the chain rule to the distance from perfect.

Each is a solution and a card. The wrong answers are in `lesson_01_mistakes.py`, the numbers they are tried on in
`lesson_01_cases.py`. Shapes: T tokens of a text, V tokens of a vocabulary.
"""

import math

import torch

import llmkit.exercises.lesson_01_cases as cases
import llmkit.exercises.lesson_01_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 01.1 -----------------------------------------------------------------------------------------------


def log_probability(chances):
    """Log-probability (...) of texts, from each token's chance (..., T)."""
    return torch.log(chances).sum(dim=-1)  # (...)


CHAIN = Exercise(
    id="01.1",
    title="The chain rule, for texts of any length",
    stars=1,
    minutes=5,
    task=r"""
A model gave each token of a text a probability, $P(w_t \mid w_1, \dots, w_{t-1})$. Write `log_probability(chances)`,
the natural logarithm of the probability of the whole text.

`chances` has shape `(..., T)`, one number above 0 for each of T tokens; the answer has shape `(...)`. The dots stand for
batch dimensions: none, one or several. One of the texts has 2,000 tokens. Its probability is smaller than any number a
computer can hold, and its logarithm is an ordinary number.
""",
    hints=(
        "By the chain rule the probability of the text is the product of the chances of its tokens.",
        "The logarithm of a product is the sum of the logarithms. Which of the two should come first in your code?",
        "`torch.log(chances)` takes every logarithm, and `.sum(dim=-1)` adds along the last axis.",
    ),
    solution=log_probability,
    mistakes=(
        wrong.product_first,
        wrong.sum_of_chances,
        wrong.mean_of_logarithms,
        wrong.sign_changed,
        wrong.in_bits,
    ),
    cases=cases.chance_cases,
    returns=("log_probability",),
    afterword="Minus this number is the surprise of the text, and what training makes smaller.",
)


# 01.2 -----------------------------------------------------------------------------------------------


def perplexity_of(chances):
    """Perplexity (...) of texts, from the chance (..., T) of each token."""
    surprise = -torch.log(chances)  # (..., T), in nats
    return torch.exp(surprise.mean(dim=-1))  # (...)


PERPLEXITY = Exercise(
    id="01.2",
    title="Perplexity",
    stars=1,
    minutes=5,
    task=r"""
Write `perplexity_of(chances)` from the same input: $e$ to the mean surprise,

$$\exp\Bigl(-\frac{1}{T} \sum_{t=1}^{T} \ln P(w_t \mid w_1, \dots, w_{t-1})\Bigr)$$

A model that always hesitates between 8 equally likely tokens has perplexity 8. `chances` has shape `(..., T)` and the
answer has shape `(...)`.
""",
    hints=(
        "Three steps: the surprise of every token, their mean, and $e$ to that power.",
        "It is the geometric mean of $1/P$, not the arithmetic one: a single very unlikely token weighs differently in the two.",
        "Surprise in nats goes with `torch.exp`. Two to the power of a number of *bits* would be the same; of nats it is not.",
    ),
    solution=perplexity_of,
    mistakes=(
        wrong.inverse_of_the_mean,
        wrong.mean_of_inverses,
        wrong.two_to_the_nats,
        wrong.exponential_of_the_sum,
        wrong.not_exponentiated,
    ),
    cases=cases.chance_cases,
    returns=("perplexity",),
    afterword="It is never below 1, and 1 means that every token was certain.",
)


# 01.3 -----------------------------------------------------------------------------------------------


def bits_for_each_byte(nats, num_bytes):
    """Bits per byte (...), from the nats and bytes (..., T) of tokens."""
    bits = nats.sum(dim=-1) / math.log(2)  # (...)
    return bits / num_bytes.sum(dim=-1)  # (...)


BITS = Exercise(
    id="01.3",
    title="Bits per byte",
    stars=1,
    minutes=8,
    task=r"""
Two models cut the same text into different tokens, so their losses per token cannot be compared. Write
`bits_for_each_byte(nats, num_bytes)`, which can: the surprise of the whole text in bits, for each byte of the text.

`nats` holds the surprise of every token and `num_bytes` its length in bytes, both with shape `(..., T)`. The answer has
shape `(...)`.
""",
    hints=(
        "One bit is $\\ln 2 = 0.693$ nats. So a number of nats, written in bits, becomes larger.",
        "All bits of the text over all bytes of the text. Tokens have no part in the answer.",
        "A ratio of two sums is not the mean of the ratios: a short token would count as much as a long one.",
    ),
    solution=bits_for_each_byte,
    mistakes=(
        wrong.still_in_nats,
        wrong.times_ln_2,
        wrong.bits_per_token,
        wrong.mean_of_ratios,
    ),
    cases=cases.byte_cases,
    returns=("bits_per_byte",),
    afterword="Cut every token in two, and this number stays as it is, while the loss per token halves.",
)


# 01.4 -----------------------------------------------------------------------------------------------


def interpolated(counts, shorter, discount):
    """Chances (..., V) from counts, and from a shorter context's (V,)."""
    total = counts.sum(dim=-1, keepdim=True)  # (..., 1)
    kinds = (counts > 0).sum(dim=-1, keepdim=True)  # (..., 1): tokens seen
    kept = (counts - discount).clamp(min=0)  # (..., V)
    given = discount * kinds * shorter  # (..., V): all that was taken off
    mixed = (kept + given) / total.clamp(min=1)
    return torch.where(total > 0, mixed, shorter)  # (..., V)


DISCOUNT = Exercise(
    id="01.4",
    title="Take a little from every count",
    stars=3,
    minutes=15,
    task=r"""
The step that lets a long context and a short one work together. In the row of one context, take `discount` off every
count above 0, divide by the total, and give what was taken to the shorter context:

$$P(w) = \frac{\max(c(w) - \delta,\, 0)}{C} + \frac{\delta\, N}{C}\, P_{\text{shorter}}(w)$$

Here $c(w)$ is the count of token $w$ in this row, $C$ the sum of the row, $\delta$ the discount, and $N$ the number of
*different* tokens with a count above 0. A context that was never seen has a row of zeros: then the shorter one decides
alone. Each row of the answer sums to 1.

`counts` has shape `(..., V)` with whole numbers as floats, `shorter` has `(V,)`, `discount` is one number, and the
answer has shape `(..., V)`.
""",
    hints=(
        "`counts > 0` is True where a token was seen; its `.sum(dim=-1, keepdim=True)` is $N$ for each row.",
        "A count of 0 has nothing to take from: `(counts - discount).clamp(min=0)` leaves it at 0.",
        "Each of the $N$ seen tokens gave $\\delta$, so $\\delta N$ was taken in all. That over $C$ is the weight of the shorter context.",
        "In a row of zeros $C$ is 0, and 0 / 0 is NaN. `torch.where(total > 0, mixed, shorter)` chooses row by row.",
    ),
    solution=interpolated,
    mistakes=(
        wrong.nothing_given_back,
        wrong.given_for_every_token,
        wrong.not_clipped,
        wrong.weight_of_the_discount,
        wrong.empty_row_nan,
        wrong.empty_row_zero,
    ),
    properties=(wrong.sums_to_one,),
    cases=cases.count_cases,
    returns=("chances",),
    afterword="Repeat this from one token of context to four, and you have the five rungs of the ladder.",
)


# 01.5 -----------------------------------------------------------------------------------------------


def excess(truth, model):
    """Nats (...) that a model pays above the entropy; both (..., V)."""
    floor = -torch.xlogy(truth, truth).sum(dim=-1)  # (...): the entropy
    paid = -torch.xlogy(truth, model).sum(dim=-1)  # (...): cross-entropy
    return paid - floor


EXCESS = Exercise(
    id="01.5",
    title="How far from perfect",
    stars=2,
    minutes=10,
    task=r"""
In the tales the true probability of every next token is known. Write `excess(truth, model)`, what a model pays on average
for each token beyond what the perfect model pays, in nats:

$$\sum_w p(w) \ln \frac{p(w)}{q(w)}$$

`truth` is $p$ and `model` is $q$, both with shape `(..., V)`; rows sum to 1. Every $q(w)$ is above 0. Many $p(w)$ are
exactly 0, because most words cannot come: such a term counts as 0. The answer has shape `(...)`.
""",
    hints=(
        "It is the difference of two things you know: the cross-entropy $-\\sum p \\ln q$ and the entropy $-\\sum p \\ln p$.",
        "`0 * torch.log(torch.tensor(0.0))` is NaN in a computer. `torch.xlogy(x, y)` is $x \\ln y$, and 0 where $x$ is 0.",
        "The tokens come from the truth, so every mean is taken with the weights $p$, also that of the model's surprise.",
    ),
    solution=excess,
    mistakes=(
        wrong.nan_where_impossible,
        wrong.the_other_way_round,
        wrong.floor_not_subtracted,
        wrong.entropy_of_the_model,
    ),
    properties=(wrong.never_negative,),
    cases=cases.pair_cases,
    returns=("excess",),
    afterword="It is 0 when the model is the truth, and above 0 for every other: nothing beats knowing the language.",
)


LESSON = Lesson("01", "What a language model is", (CHAIN, PERPLEXITY, BITS, DISCOUNT, EXCESS))
