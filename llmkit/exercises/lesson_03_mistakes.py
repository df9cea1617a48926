"""Lesson 03: the wrong answers that readers give, written out, each with the sentence it gets.

A check runs them beside the reader's function: who computes the same wrong numbers made the same mistake,
however it was written. Shapes: T tokens or bytes, V entries of the vocabulary, C numbers in a vector.
"""

from itertools import pairwise

import torch

# 03.1 -----------------------------------------------------------------------------------------------


def bytes_counted(data):
    """These are the bytes. A character takes one to four of them, and only the first of each should be counted."""
    return torch.full(data.shape[:-1], data.shape[-1])


def ascii_only(data):
    """You counted the bytes below 128. Those are the characters of ASCII; é, 风 and 🪁 begin with a byte of 192 or more."""
    return (data < 128).sum(dim=-1)


def long_ones_only(data):
    """You counted the bytes that begin a character of two bytes or more. A byte below 128 is a whole character too."""
    return (data >= 192).sum(dim=-1)


def every_high_byte(data):
    """You counted every byte from 128 on. Those from 128 to 191 go on with a character that has begun, and those below
    128 are characters of their own."""
    return (data >= 128).sum(dim=-1)


def all_texts_together(data):
    """You counted the characters of all texts together. Each row is a text and gets a number of its own: `dim=-1`."""
    return ((data & 0xC0) != 0x80).sum()


# 03.2 -----------------------------------------------------------------------------------------------


def _best(words, counts, weight=True, filler=False, ordered=True, last=False):
    seen = {}
    for word, count in zip(words.reshape(-1, words.shape[-1]).tolist(), counts.flatten().tolist(), strict=True):
        for left, right in pairwise(word):
            if filler or (left >= 0 and right >= 0):
                pair = (left, right) if ordered else tuple(sorted((left, right)))
                seen[pair] = seen.get(pair, 0) + (count if weight else 1)
    most = max(seen.values())
    tied = [pair for pair in seen if seen[pair] == most]
    return torch.tensor(max(tied) if last else min(tied))


def counts_ignored(words, counts):
    """You counted each distinct word once. A word that stands in the text nine times brings its pairs nine times: add
    `counts`, not 1."""
    return _best(words, counts, weight=False)


def filler_counted(words, counts):
    """You counted pairs with -1. That is no token, it only fills the row up: leave out a pair where either side is -1."""
    return _best(words, counts, filler=True)


def order_ignored(words, counts):
    """You took (a, b) and (b, a) for the same pair. They are two: “th” and “ht” become different tokens."""
    return _best(words, counts, ordered=False)


def last_of_the_tied(words, counts):
    """Among pairs equally frequent you took the one with the largest ids. The rule is the smaller left id, then the
    smaller right id, so that two people who learn from the same text get the same tokenizer."""
    return _best(words, counts, last=True)


def rarest_pair(words, counts):
    """You took the pair that stands side by side least often. Joining the most frequent one saves the most tokens."""
    flat = zip(words.reshape(-1, words.shape[-1]).tolist(), counts.flatten().tolist(), strict=True)
    seen = {}
    for word, count in flat:
        for pair in pairwise(word):
            if min(pair) >= 0:
                seen[pair] = seen.get(pair, 0) + count
    return torch.tensor(min((count, pair) for pair, count in seen.items())[1])


# 03.3 -----------------------------------------------------------------------------------------------


def _each_row(tokens, change):
    rows = [change(row) for row in tokens.reshape(-1, tokens.shape[-1]).tolist()]
    return torch.tensor([row + [-1] * (tokens.shape[-1] - len(row)) for row in rows]).reshape(tokens.shape)


def _merged(row, pair, new, most=10**9):
    done, at = [], 0
    while at < len(row):
        if tuple(row[at : at + 2]) == pair and most > 0:
            done.append(new)
            at, most = at + 2, most - 1
        else:
            done.append(row[at])
            at += 1
    return done


def first_only(tokens, pair, new):
    """You replaced the pair where it stands first in each row. It is to be replaced wherever it stands."""
    return _each_row(tokens, lambda row: _merged(row, tuple(pair.tolist()), int(new), most=1))


def from_the_right(tokens, pair, new):
    """You went from right to left. In a run such as 1 1 1 it matters which two are joined: the rule is from left to right."""
    left, right = pair.tolist()
    return _each_row(tokens, lambda row: _merged(row[::-1], (right, left), int(new))[::-1])


def overlapping(tokens, pair, new):
    """You used a token twice: in 1 1 1 the middle one belongs to the first pair, so only 1 is left for what follows.
    After a pair, go on behind it."""
    left, right = pair.tolist()

    def change(row):
        starts = [row[i : i + 2] == [left, right] for i in range(len(row))]
        used = [i > 0 and starts[i - 1] for i in range(len(row))]
        return [int(new) if start else token for token, start, was in zip(row, starts, used, strict=True) if start or not was]

    return _each_row(tokens, change)


def gaps_left(tokens, pair, new):
    """The pairs are found, but the tokens behind them have not moved up: -1 stands in the middle of a row. The free
    places belong at its end."""
    left, right = pair.tolist()

    def change(row):
        done, at = list(row), 0
        while at < len(row):
            if row[at : at + 2] == [left, right]:
                done[at : at + 2] = [int(new), -1]
                at += 1
            at += 1
        return done

    return _each_row(tokens, change)


def right_one_kept(tokens, pair, new):
    """You put the new token in the place of the left one and kept the right one. The new token stands for both."""
    left, right = pair.tolist()
    follows = torch.cat([tokens[..., 1:] == right, torch.zeros_like(tokens[..., :1], dtype=torch.bool)], dim=-1)
    return torch.where((tokens == left) & follows, new, tokens)


# 03.4 -----------------------------------------------------------------------------------------------


def by_dot_product(queries, rows):
    """This is the row with the largest dot product. A long row wins there whatever its direction: divide by the length
    of each row first."""
    return (queries @ rows.T).argmax(dim=-1)


def by_distance(queries, rows):
    """This is the row at the smallest distance. Cosine asks for the same direction, and a row may lie far out on it."""
    return (queries[..., None, :] - rows).norm(dim=-1).argmin(dim=-1)


def farthest(queries, rows):
    """You took the smallest cosine: the row that points away most. The nearest has the largest."""
    return (queries @ (rows / rows.norm(dim=-1, keepdim=True)).T).argmin(dim=-1)


def columns_normalized(queries, rows):
    """You divided each column by its length. A vector is a row: `rows.norm(dim=-1, keepdim=True)`."""
    return (queries @ (rows / rows.norm(dim=0, keepdim=True)).T).argmax(dim=-1)


def sign_lost(queries, rows):
    """You ignored the sign. A cosine of -0.9 points the other way; it is not close to 0.9."""
    return (queries @ (rows / rows.norm(dim=-1, keepdim=True)).T).abs().argmax(dim=-1)


# 03.5 -----------------------------------------------------------------------------------------------


def _flat(ids, grad_output):
    return zip(ids.flatten().tolist(), grad_output.reshape(-1, grad_output.shape[-1]), strict=True)


def last_one_wins(ids, grad_output, table):
    """A token that stands in the text twice kept only its last gradient. Its row was used twice, so both are added. In
    PyTorch `grad[ids] += g` does this without a word: for a repeated id it writes once."""
    grad = torch.zeros_like(table)
    for index, row in _flat(ids, grad_output):
        grad[index] = row
    return grad


def averaged(ids, grad_output, table):
    """You took the mean of the gradients of a token that stands there more than once. A row that was used twice moves
    the loss twice: add them."""
    total, times = torch.zeros_like(table), torch.zeros_like(table)
    for index, row in _flat(ids, grad_output):
        total[index] += row
        times[index] += 1
    return total / times.clamp(min=1)


def first_one_wins(ids, grad_output, table):
    """A token that stands in the text twice kept only its first gradient. Its row was used twice, so both are added."""
    grad, seen = torch.zeros_like(table), set()
    for index, row in _flat(ids, grad_output):
        if index not in seen:
            grad[index] = row
            seen.add(index)
    return grad


def divided_by_all(ids, grad_output, table):
    """You divided by the number of tokens. Where the loss is a mean, that division is already in the gradient you were
    given: add up and do no more."""
    grad = torch.zeros_like(table)
    for index, row in _flat(ids, grad_output):
        grad[index] += row / ids.numel()
    return grad


def times_the_table(ids, grad_output, table):
    """You multiplied by the table. The lookup is linear in it, so its gradient does not depend on what stands there."""
    grad = torch.zeros_like(table)
    for index, row in _flat(ids, grad_output):
        grad[index] += row
    return grad * table
