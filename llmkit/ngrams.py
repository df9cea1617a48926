"""Language models that count: the next token from the last few. Built in lesson 01, equation 1.10; the baselines of lesson 11.

Interpolated Kneser-Ney: what was counted is trusted a little less than it says, and what is taken away goes to the
shorter context, down to every token alike. A shorter context counts in how many different ways a token was reached,
not how often: "Francisco" is frequent, but follows one word only.
Kneser and Ney 1995; Chen and Goodman 1999, doi:10.1006/csla.1999.0128. Shape letters: V vocabulary.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

Context = tuple[int, ...]


class NGram:
    """The probability of a token id given the `order - 1` before it.

    order        1 (no context) to any length; 3 is a trigram
    vocab_size   V; every one of these ids has a probability above 0
    discount     taken off every count, between 0 and 1

    >>> model = NGram(order=2, vocab_size=4).fit([[0, 1, 2], [0, 1, 3]])
    >>> model.probability((0,), 1) > model.probability((0,), 2) > 0
    True
    >>> round(sum(model.probability((1,), token) for token in range(4)), 9)
    1.0
    """

    def __init__(self, order: int, vocab_size: int, discount: float = 0.75) -> None:
        if order < 1 or vocab_size < 1:
            raise ValueError(f"order and vocab_size must be at least 1; got {order} and {vocab_size}.")
        if not 0 < discount < 1:
            raise ValueError(f"discount lies between 0 and 1, so that something is left and something is given; got {discount}.")
        self.order, self.vocab_size, self.discount = order, vocab_size, discount
        self.counts: list[dict[Context, dict[int, int]]] = []  # by length of context
        self.totals: list[dict[Context, int]] = []

    def fit(self, rows: Iterable[Sequence[int]]) -> "NGram":
        """Count the rows (each read once; the first token of a row is given, not predicted). Returns the model."""
        self.counts = self._levels(_runs(rows, self.order - 1))
        self.totals = [{context: sum(seen.values()) for context, seen in level.items()} for level in self.counts]
        return self

    def _levels(self, longest: dict[Context, dict[int, int]]) -> list[dict[Context, dict[int, int]]]:
        """The counts of every length of context, from 0 to `order - 1`."""
        levels = [longest]
        for _ in range(self.order - 1):
            levels.insert(0, _ways_of_reaching(levels[0]))
        return levels

    def probability(self, context: Sequence[int], token: int) -> float:
        """P(token | context), of which the last `order - 1` ids count. Sums to 1 over the vocabulary."""
        longest = min(len(context), self.order - 1)
        probability = 1 / self.vocab_size
        for length in range(longest + 1):  # from the shortest context to the longest
            known = tuple(context[len(context) - length :])
            total = self.totals[length].get(known)
            if total is None:  # never seen: a longer one was not either
                break
            seen = self.counts[length][known]
            kept = max(0.0, seen.get(token, 0) - self.discount) / total
            probability = kept + self.discount * len(seen) / total * probability
        return probability

    def probabilities(self, context: Sequence[int]) -> list[float]:
        """P(token | context) of every token, in the order of their ids: the numbers of `probability`, all at once."""
        spread = [1 / self.vocab_size] * self.vocab_size
        for length in range(min(len(context), self.order - 1) + 1):
            known = tuple(context[len(context) - length :])
            total = self.totals[length].get(known)
            if total is None:
                break
            seen = self.counts[length][known]
            given = self.discount * len(seen) / total
            spread = [given * share for share in spread]
            for token, count in seen.items():
                spread[token] += max(0.0, count - self.discount) / total
        return spread

    def surprisals(self, row: Sequence[int]) -> list[float]:
        """-log P of every token of a row but the first, in nats."""
        padded = (row[0],) * (self.order - 1) + tuple(row)
        first = self.order
        return [
            -math.log(self.probability(padded[max(0, place - self.order + 1) : place], padded[place]))
            for place in range(first, len(padded))
        ]

    def best(self, context: Sequence[int]) -> int:
        """The likeliest next token; of equals the smallest id."""
        for length in range(min(len(context), self.order - 1), -1, -1):
            seen = self.counts[length].get(tuple(context[len(context) - length :]))
            if seen:
                return min(seen, key=lambda token: (-self.probability(context, token), token))
        raise ValueError("The model has counted nothing yet: call fit(rows) first.")


class AddAlpha(NGram):
    """The simplest smoothing: every token counts as if it had been seen `alpha` times more. alpha = 1 is Laplace's rule.

    (count + alpha) / (total + alpha V). Each context is on its own: what shorter ones know is not used.

    >>> model = AddAlpha(order=2, vocab_size=4).fit([[0, 1, 2], [0, 1, 3]])
    >>> model.probability((1,), 2), model.probability((2,), 0)
    (0.3333333333333333, 0.25)

    Built in lesson 01, equation 1.9.
    """

    def __init__(self, order: int, vocab_size: int, alpha: float = 1.0) -> None:
        super().__init__(order, vocab_size)
        if not alpha > 0:
            raise ValueError(f"alpha must be above 0, so that nothing is impossible; got {alpha}.")
        self.alpha = alpha

    def _levels(self, longest: dict[Context, dict[int, int]]) -> list[dict[Context, dict[int, int]]]:
        return [longest]  # shorter contexts are not asked

    def probability(self, context: Sequence[int], token: int) -> float:
        """P(token | the last `order - 1` ids of the context). Sums to 1 over the vocabulary."""
        known = tuple(context[max(0, len(context) - self.order + 1) :])
        if len(known) < self.order - 1:
            raise ValueError(f"A context of {self.order - 1} ids is needed; got {len(known)}. Repeat the first id before it.")
        count = self.counts[-1].get(known, {}).get(token, 0)
        return (count + self.alpha) / (self.totals[-1].get(known, 0) + self.alpha * self.vocab_size)

    def probabilities(self, context: Sequence[int]) -> list[float]:
        """P(token | context) of every token, in the order of their ids."""
        return [self.probability(context, token) for token in range(self.vocab_size)]


def zipf_exponent(counts: Iterable[float], ranks: tuple[int, int] = (10, 1000)) -> float:
    """The exponent a in count(rank) = constant / rank^a: minus the slope of a straight line through the logarithms.

    `ranks` are the first and the last that take part. The line is fitted by least squares.

    >>> round(zipf_exponent([100_000 / rank for rank in range(1, 2000)]), 6)
    1.0

    Used in lesson 01, equation 1.11. Zipf 1949.
    """
    ordered = sorted(counts, reverse=True)[ranks[0] - 1 : ranks[1]]
    if len(ordered) < 2 or ordered[-1] <= 0:
        raise ValueError(f"A line needs two counts above 0 from rank {ranks[0]} on; got {len(ordered)}.")
    x = [math.log(ranks[0] + place) for place in range(len(ordered))]
    y = [math.log(count) for count in ordered]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    products = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True))
    return -products / sum((a - middle_x) ** 2 for a in x)


def _runs(rows: Iterable[Sequence[int]], reach: int) -> dict[Context, dict[int, int]]:
    """What followed each run of `reach` tokens, and how often."""
    runs = Counter()
    for row in rows:
        padded = (row[0],) * reach + tuple(row)  # the first token stands for all that was before it
        runs.update(zip(*(padded[1 + place :] for place in range(reach + 1)), strict=False))  # every run and the token after it
    return _by_context(runs)


def _ways_of_reaching(longer: dict[Context, dict[int, int]]) -> dict[Context, dict[int, int]]:
    """For the context without its first token: after how many different first tokens each token was seen."""
    return _by_context(Counter((*context[1:], token) for context, seen in longer.items() for token in seen))


def _by_context(runs: dict[tuple[int, ...], int]) -> dict[Context, dict[int, int]]:
    """The counts of whole runs, sorted under all but their last token."""
    found: dict[Context, dict[int, int]] = {}
    for run, count in runs.items():
        context = run[:-1]
        if context in found:
            found[context][run[-1]] = count
        else:
            found[context] = {run[-1]: count}
    return found
