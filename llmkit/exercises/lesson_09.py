r"""Lesson 09, relative positions and length: five exercises, from a line added to the scores to T5's buckets.

Each is a solution and a card. The wrong answers are in `lesson_09_mistakes.py`, the numbers they are tried on in
`lesson_09_cases.py`. Shapes: T tokens, D head width, C model width, H heads.
"""

import math

import torch

import llmkit.exercises.lesson_09_cases as cases
import llmkit.exercises.lesson_09_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 09.1 -----------------------------------------------------------------------------------------------


def add_alibi(scores, slope):
    """Scores (..., T, T) of one head with ALiBi's line added."""
    place = torch.arange(scores.shape[-1], dtype=scores.dtype)
    distance = (place[:, None] - place).abs()  # (T, T)
    return scores - slope * distance  # (..., T, T)


ALIBI = Exercise(
    id="09.1",
    title="A straight line",
    stars=1,
    minutes=6,
    task=r"""
Write `add_alibi(scores, slope)`, which takes from every score of a head its slope times the distance of the two tokens:

$$s_{ij} - m\,|i - j|$$

`scores` has shape `(..., T, T)`, rows are queries; `slope` is one number, $m$. The answer has the shape of `scores`.
""",
    hints=(
        "`place = torch.arange(T)` numbers the tokens.",
        "All distances at once: positions in a column minus positions in a row, `place[:, None] - place`, and `.abs()`.",
        "What is far is punished: the line is subtracted.",
    ),
    solution=add_alibi,
    mistakes=(wrong.rewarded, wrong.signed, wrong.from_the_start, wrong.squared, wrong.multiplied),
    cases=cases.alibi_cases,
    returns=("with_line",),
    afterword="No number here is learned, and nothing ends: the line goes on as far as you like.",
)


# 09.2 -----------------------------------------------------------------------------------------------


def rotate(vectors, positions, frequencies):
    """Vectors (..., T, D), each pair of neighbors turned by its angle."""
    angles = positions[..., None] * frequencies  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    x, y = vectors[..., 0::2], vectors[..., 1::2]  # (..., T, D/2)
    turned = torch.stack([x * cos - y * sin, x * sin + y * cos], dim=-1)
    return turned.flatten(-2)  # (..., T, D)


ROTATE = Exercise(
    id="09.2",
    title="Turn every pair",
    stars=2,
    minutes=12,
    task=r"""
Write `rotate(vectors, positions, frequencies)`, RoPE with neighbors as pairs. The pair $(x, y)$ = numbers
$2j$ and $2j + 1$ of the vector at position $p$ becomes

$$\big(x \cos p\,\omega_j - y \sin p\,\omega_j, \;\; x \sin p\,\omega_j + y \cos p\,\omega_j\big)$$

`vectors` has shape `(..., T, D)`, `positions` `(T,)`, `frequencies` `(D/2,)`. The answer has the shape of `vectors`.
""",
    hints=(
        "A table of angles: `positions[..., None] * frequencies` has shape `(T, D/2)`.",
        "`vectors[..., 0::2]` are the first numbers of all pairs and `vectors[..., 1::2]` the second, both `(..., T, D/2)`.",
        "`torch.stack([new_x, new_y], dim=-1).flatten(-2)` lays each pair side by side again.",
    ),
    solution=rotate,
    mistakes=(wrong.backwards, wrong.halves, wrong.both_plus, wrong.overwritten, wrong.sinusoids_added, wrong.same_speed),
    cases=cases.rotate_cases,
    returns=("turned",),
    tolerance=1e-9,
    afterword="Turn queries and keys with it, not values: what a token hands over should not depend on where it stands.",
)


# 09.3 -----------------------------------------------------------------------------------------------


def new_angles(frequencies, trained, length):
    """For each pair: how many radians lie past what training showed."""
    farthest = (length - 1) * frequencies  # (P,) at the longest distance
    seen = (trained - 1) * frequencies
    all_round = seen >= 2 * math.pi
    new = (farthest - seen).clamp(min=0)
    return torch.where(all_round, 0.0, new)


ANGLES = Exercise(
    id="09.3",
    title="Angles that nobody has seen",
    stars=2,
    minutes=10,
    task=r"""
A model with RoPE was trained on texts of `trained` tokens, so the distances it met are $0$ to `trained` $- 1$, and pair
$j$ was turned apart by up to (`trained` $- 1)\,\omega_j$ radians. Now it reads `length` tokens. Write
`new_angles(frequencies, trained, length)`: for each pair, how many radians the farthest distance lies beyond what training
showed. It is 0 where training went all the way round ($2\pi$ or more), and 0 where the text is no longer than in training.

`frequencies` has shape `(..., P)`; `trained` and `length` are single numbers. The answer has the shape of `frequencies`.
""",
    hints=(
        "A text of 32 tokens has distances 0 to 31.",
        "What is past it: `(length - 1) * frequencies - (trained - 1) * frequencies`, and `.clamp(min=0)` for shorter texts.",
        "`torch.where(condition, 0.0, new)` sets to zero where training went all the way round.",
    ),
    solution=new_angles,
    mistakes=(wrong.lengths_for_distances, wrong.never_all_round, wrong.half_a_turn, wrong.below_zero, wrong.wrapped),
    cases=cases.angle_cases,
    returns=("radians",),
    afterword="The slow pairs are the ones to worry about. That is why some ways of stretching a model squeeze only these.",
)


# 09.4 -----------------------------------------------------------------------------------------------


def neighbors_to_halves(weight, heads):
    """Rows of a projection (H * D, C), reordered head by head."""
    count = int(heads)
    head_dim = weight.shape[-2] // count
    order = torch.arange(head_dim)
    order = torch.cat([order[0::2], order[1::2]])  # firsts, then seconds
    rows = [h * head_dim + order for h in range(count)]
    return weight[..., torch.cat(rows), :]  # (..., H * D, C)


CONVERT = Exercise(
    id="09.4",
    title="From neighbors to halves",
    stars=2,
    minutes=15,
    task=r"""
A checkpoint was trained with pairs of neighbors, numbers $2j$ and $2j + 1$ of each head. Your program pairs $j$ with
$j + D/2$. Write `neighbors_to_halves(weight, heads)`, which reorders the rows of a query or key projection so that your
program gives the same scores.

`weight` has shape `(..., H * D, C)`: a row for each number of a query, the heads one below the other. `heads` is the number
$H$. Row $j$ of a head must be its old row $2j$, and row $j + D/2$ its old row $2j + 1$.
""",
    hints=(
        "For one head: the even rows first, then the odd ones. `torch.cat([order[0::2], order[1::2]])`.",
        "Every head is reordered by itself: head h has the rows from `h * D` to `(h + 1) * D - 1`.",
        "Or reshape: `weight.unflatten(-2, (heads, D // 2, 2))`, swap the last two of these axes, and flatten again.",
    ),
    solution=neighbors_to_halves,
    mistakes=(wrong.other_way, wrong.across_heads, wrong.columns, wrong.odd_first, wrong.left_alone),
    cases=cases.convert_cases,
    returns=("reordered",),
    afterword="The scripts that bring Llama's original weights into transformers do this, under the name permute.",
)


# 09.5 -----------------------------------------------------------------------------------------------


def buckets(distance, num_buckets, max_distance):
    """The bucket of each distance, looking back only."""
    exact = num_buckets // 2
    growth = torch.log(distance / exact) / torch.log(max_distance / exact)
    far = exact + torch.floor(growth * (num_buckets - exact))
    far = far.clamp(max=num_buckets - 1)
    return torch.where(distance < exact, distance, far)


BUCKETS = Exercise(
    id="09.5",
    title="T5's buckets",
    stars=3,
    minutes=15,
    task=r"""
T5 learns one number for each *bucket* of distances. Write `buckets(distance, num_buckets, max_distance)` for a model that
looks back only. With $B$ buckets, $E = B/2$ of them for one distance each, and $M$ the largest distance told apart:

$$\mathrm{bucket}(d) = d \quad (d \lt E), \qquad \mathrm{bucket}(d) = \min\!\left(E + \left\lfloor \frac{\ln(d/E)}{\ln(M/E)}\,(B - E) \right\rfloor,\; B - 1\right) \quad (d \ge E)$$

`distance` has any shape and holds whole numbers from 0 on; `num_buckets` and `max_distance` are single numbers, $B$ even.
The answer has the shape of `distance`.
""",
    hints=(
        "Compute both lines for every distance, and choose with `torch.where(distance < exact, distance, far)`.",
        "The logarithm of 0 is minus infinity; where the first line is chosen, that does no harm.",
        "$\\lfloor\\cdot\\rfloor$ is `torch.floor`, and the minimum is `.clamp(max=num_buckets - 1)`.",
    ),
    solution=buckets,
    mistakes=(wrong.no_last_bucket, wrong.straight, wrong.rounded, wrong.all_logarithm, wrong.not_shared),
    cases=cases.bucket_cases,
    returns=("bucket",),
    afterword="With max_distance no larger than the texts of training, the last bucket is trained too, and every longer distance falls in it.",
)


LESSON = Lesson("09", "Relative positions and length", (ALIBI, ROTATE, ANGLES, CONVERT, BUCKETS))
