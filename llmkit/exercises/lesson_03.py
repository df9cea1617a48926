r"""Lesson 03, tokens and embeddings: five exercises, from the characters in a row of bytes to the gradient of the table.

Each is a solution and a card. The wrong answers are in `lesson_03_mistakes.py`, the inputs they are tried on in
`lesson_03_cases.py`. Shapes: T tokens or bytes, V entries of the vocabulary, C numbers in a vector.
"""

import torch

import llmkit.exercises.lesson_03_cases as cases
import llmkit.exercises.lesson_03_mistakes as wrong
from llmkit.exercises.card import Exercise, Lesson

# 03.1 -----------------------------------------------------------------------------------------------


def count_characters(data):
    """The number of characters (...) in rows of UTF-8 bytes (..., T)."""
    goes_on = (data >= 128) & (data < 192)  # 10xxxxxx in binary
    return (~goes_on).sum(dim=-1)


CHARACTERS = Exercise(
    id="03.1",
    title="Characters in a row of bytes",
    stars=1,
    minutes=6,
    task=r"""
Write `count_characters(data)`. `data` has shape `(..., T)`: each row holds the `T` bytes of a text in UTF-8, as
numbers from 0 to 255. Return how many characters each row has, in shape `(...)`.

In UTF-8 the first bits of a byte say what it is. A byte below 128 is a whole character, one of ASCII. A byte of 192 or
more begins a character of two, three or four bytes. A byte from 128 to 191 goes on with a character that has begun.
So 风, the bytes 233, 163 and 142, is one character.
""",
    hints=(
        "Every character has exactly one byte that begins it. Count those.",
        "A byte begins a character unless it is from 128 to 191. `(data >= 128) & (data < 192)` is True for those that go on.",
        "`~` turns True and False around, and `.sum(dim=-1)` counts the True ones of each row.",
    ),
    solution=count_characters,
    mistakes=(wrong.bytes_counted, wrong.ascii_only, wrong.long_ones_only, wrong.every_high_byte, wrong.all_texts_together),
    cases=cases.character_cases,
    returns=("characters",),
    afterword="This is how a program that streams tokens knows when it may show a character: when the next one begins.",
)


# 03.2 -----------------------------------------------------------------------------------------------


def best_pair(words, counts):
    """The pair (2,) of tokens that stands side by side most often."""
    seen = {}
    rows = words.reshape(-1, words.shape[-1]).tolist()
    for row, count in zip(rows, counts.flatten().tolist(), strict=True):
        for at in range(len(row) - 1):
            left, right = row[at : at + 2]
            if left >= 0 and right >= 0:
                seen[left, right] = seen.get((left, right), 0) + count
    most = max(seen.values())
    return torch.tensor(min(pair for pair in seen if seen[pair] == most))


PAIR = Exercise(
    id="03.2",
    title="The pair to join next",
    stars=2,
    minutes=12,
    task=r"""
Write `best_pair(words, counts)`, equations 3.1 and 3.2. `words` has shape `(..., T)`: every row is a distinct word in
token ids, filled up with -1 where it is shorter than `T`. `counts`, of shape `(...)`, says how often that word stands
in the text. Return the pair that stands side by side most often, as a tensor of two ids, left and right.

No pair crosses from one word into the next, and -1 is no token. Among pairs equally frequent, take the one with the
smaller left id; if that is the same too, the smaller right id.
""",
    hints=(
        "`words.reshape(-1, words.shape[-1]).tolist()` gives the words as Python lists, whatever the axes in front, and "
        "`counts.flatten().tolist()` gives their counts in the same order.",
        "`row[at : at + 2]`, for `at` from 0 to `len(row) - 2`, are the neighbors in a row. A dictionary from pair to count does the rest: each "
        "occurrence in a word that was seen nine times adds nine.",
        "Tuples compare from left to right, so `min` over the pairs that share the largest count is the rule for ties.",
    ),
    solution=best_pair,
    mistakes=(wrong.counts_ignored, wrong.filler_counted, wrong.order_ignored, wrong.last_of_the_tied, wrong.rarest_pair),
    cases=cases.pair_cases,
    returns=("pair",),
    afterword="Together with 03.3, in a loop, this is the whole of byte-pair encoding.",
)


# 03.3 -----------------------------------------------------------------------------------------------


def merge(tokens, pair, new):
    """Tokens (..., T) where `new` stands for the pair; -1 fills rows up."""
    rows = []
    for row in tokens.reshape(-1, tokens.shape[-1]).tolist():
        merged, at = [], 0
        while at < len(row):
            if row[at : at + 2] == pair.tolist():
                merged.append(int(new))
                at += 2
            else:
                merged.append(row[at])
                at += 1
        rows.append(merged + [-1] * (len(row) - len(merged)))
    return torch.tensor(rows).reshape(tokens.shape)


MERGE = Exercise(
    id="03.3",
    title="Join a pair wherever it stands",
    stars=2,
    minutes=12,
    task=r"""
Write `merge(tokens, pair, new)`. `tokens` has shape `(..., T)`, each row a word in token ids. Wherever the two ids of
`pair` stand side by side, left then right, put the one id `new` in their place. Go from left to right, so that in
1 1 1 the first two are joined and the third stays.

A row gets shorter by one with every pair. Keep the shape: the tokens move up, and the places left free at the end of
a row become -1.
""",
    hints=(
        "Work on one row at a time, as a list: `tokens.reshape(-1, tokens.shape[-1]).tolist()`, and reshape at the end.",
        "Keep a place `at` in the row. When the pair stands there, append `new` and go on by two; otherwise append the "
        "token and go on by one.",
        "`row[at : at + 2] == pair.tolist()` compares two ids at once, and is False at the last token, where only one is left.",
    ),
    solution=merge,
    mistakes=(wrong.first_only, wrong.from_the_right, wrong.overlapping, wrong.gaps_left, wrong.right_one_kept),
    cases=cases.merge_cases,
    returns=("tokens",),
    afterword="To cut a new text, make the merges in the order in which they were learned: this function, once for each.",
)


# 03.4 -----------------------------------------------------------------------------------------------


def nearest(queries, rows):
    """For each query (..., C) the index of its nearest row in (V, C)."""
    directions = rows / rows.norm(dim=-1, keepdim=True)  # (V, C)
    return (queries @ directions.T).argmax(dim=-1)  # (...)


NEAREST = Exercise(
    id="03.4",
    title="The nearest row of a table",
    stars=2,
    minutes=8,
    task=r"""
Write `nearest(queries, rows)`. `queries` has shape `(..., C)` and `rows` is a table `(V, C)`. For each query, return
the index of the row whose cosine with it is the largest, in shape `(...)`:

$$\cos(q, e) = \frac{q \cdot e}{\lVert q \rVert \, \lVert e \rVert}$$

Rows may differ a lot in length. Only their direction counts.
""",
    hints=(
        "All dot products at once are one matrix product: `queries @ rows.T` has shape `(..., V)`.",
        "`rows.norm(dim=-1, keepdim=True)` is the length of each row, in shape `(V, 1)`. Divide by it first.",
        "The length of the query is the same for every row, so it cannot change which one is the largest.",
    ),
    solution=nearest,
    mistakes=(wrong.by_dot_product, wrong.by_distance, wrong.farthest, wrong.columns_normalized, wrong.sign_lost),
    cases=cases.neighbor_cases,
    returns=("index",),
    afterword="With the rows of MiniLM's table this finds the neighbors that the lesson shows. A search by meaning does no more than this.",
)


# 03.5 -----------------------------------------------------------------------------------------------


def table_gradient(ids, grad_output, table):
    """Gradient (V, C) of the table, from that of the looked-up rows."""
    kinds = torch.arange(len(table), device=ids.device)
    one_hot = ids.flatten()[:, None] == kinds  # (N, V)
    one_hot = one_hot.to(grad_output.dtype)
    return one_hot.T @ grad_output.flatten(0, -2)  # (V, C)


GRADIENT = Exercise(
    id="03.5",
    title="The gradient of the table",
    stars=3,
    minutes=12,
    task=r"""
Write `table_gradient(ids, grad_output, table)`, equation 3.7. In the forward pass `table[ids]` took one row of the
table `(V, C)` for each id: ids of shape `(..., T)` gave vectors of shape `(..., T, C)`. Now the gradient of the loss
with respect to those vectors arrives, `grad_output`, of shape `(..., T, C)`. Return the gradient with respect to the
table, of shape `(V, C)`.

A token may stand in a text more than once. A row that nobody asked for has gradient 0.
""",
    hints=(
        "The lookup is a matrix product with one-hot rows, $Y = X E$. How does a gradient go back through a matrix product?",
        "$\\partial L / \\partial E = X^\\top G$. With all tokens of the batch in one long list, $X$ has shape `(N, V)` and $G$ "
        "has `(N, C)`.",
        "`ids.flatten()[:, None] == torch.arange(V)` is $X$, as True and False; `grad_output.flatten(0, -2)` is $G$.",
    ),
    solution=table_gradient,
    reference=cases.table_gradient_by_autograd,
    mistakes=(wrong.last_one_wins, wrong.averaged, wrong.first_one_wins, wrong.divided_by_all, wrong.times_the_table),
    cases=cases.gradient_cases,
    returns=("grad_table",),
    tolerance=1e-10,
    afterword="PyTorch does not build the one-hot matrix. It adds each row of the gradient where it belongs: `index_add_`.",
)


LESSON = Lesson("03", "Tokens and embeddings", (CHARACTERS, PAIR, MERGE, NEAREST, GRADIENT))
