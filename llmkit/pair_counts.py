"""The loop at the heart of BPE and WordPiece: count pairs of neighbors, merge the best, count again. Built in lesson 03.

Only words that hold the merged pair are counted again, so thousands of merges take seconds, not hours.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

Pair = tuple[int, int]


def count_words(texts: Iterable[str], split: Callable[[str], list[str]]) -> Counter[str]:
    """How often each word occurs in the texts: all that the training of a tokenizer needs to know of them."""
    if isinstance(texts, str):
        raise ValueError("texts must be an iterable of texts, such as a list; got one str. Put it in a list: [text].")
    words: Counter[str] = Counter()
    for text in texts:
        words.update(split(text))
    if not words:
        raise ValueError("There is no text to learn from: texts gave no word. Was an iterator used up before?")
    return words


def merge_pair(tokens: list[int], pair: Pair, new: int) -> list[int]:
    """Replace the pair by `new` wherever it stands, from left to right.

    >>> merge_pair([1, 1, 1, 2], (1, 1), 9)
    [9, 1, 2]
    """
    merged, at = [], 0
    while at < len(tokens):
        if tokens[at] == pair[0] and at + 1 < len(tokens) and tokens[at + 1] == pair[1]:
            merged.append(new)
            at += 2
        else:
            merged.append(tokens[at])
            at += 1
    return merged


class PairCounts:
    """A corpus as its distinct words, with the count of every pair of neighbors kept up to date while they merge."""

    def __init__(self, words: list[list[int]], counts: list[int]) -> None:
        self.words, self.counts = words, counts  # each distinct word once, and how often it was seen
        self.pairs: Counter[Pair] = Counter()
        self.singles: Counter[int] = Counter()
        self.where: defaultdict[Pair, set[int]] = defaultdict(set)  # the words a pair stands in
        for index, (word, times) in enumerate(zip(words, counts, strict=True)):
            self._recount(index, Counter(), Counter(pairwise(word)))
            for token in word:
                self.singles[token] += times
        self.heap = [(-count, pair) for pair, count in self.pairs.items()]
        heapq.heapify(self.heap)

    def best(self) -> tuple[Pair, int] | None:
        """The most frequent pair and its count. Ties: the pair with the smaller (older) left id, then right id."""
        while self.heap:
            negative, pair = self.heap[0]
            if self.pairs[pair] == -negative > 0:
                return pair, -negative
            heapq.heappop(self.heap)  # an old count: the true one was pushed when it changed
        return None

    def best_by_likelihood(self, min_count: int) -> tuple[Pair, int] | None:
        """The pair with the largest count(pair) / (count(left) count(right)) of those seen `min_count` times."""
        often = [pair for pair, count in self.pairs.items() if count >= min_count]
        if not often:
            return None
        pair = min(often, key=lambda pair: (-self.pairs[pair] / (self.singles[pair[0]] * self.singles[pair[1]]), pair))
        return pair, self.pairs[pair]

    def merge(self, pair: Pair, new: int) -> None:
        """Merge the pair in the words it stands in; only the counts of the pairs beside it change."""
        changed = set()
        for index in sorted(self.where[pair]):
            before, after = self.words[index], merge_pair(self.words[index], pair, new)
            self.words[index] = after
            changed |= self._recount(index, Counter(pairwise(before)), Counter(pairwise(after)))
            merged = (len(before) - len(after)) * self.counts[index]
            for token, sign in ((pair[0], -1), (pair[1], -1), (new, +1)):
                self.singles[token] += sign * merged
        for other in changed:
            heapq.heappush(self.heap, (-self.pairs[other], other))

    def forget(self, pair: Pair) -> None:
        """Never merge this pair."""
        self.pairs[pair] = 0

    def _recount(self, index: int, before: Counter[Pair], after: Counter[Pair]) -> set[Pair]:
        """One word's pairs are others now, or more or fewer; returns those whose count has changed."""
        gone, come = before.items() - after.items(), after.items() - before.items()
        for pair, times in gone:
            self.pairs[pair] -= times * self.counts[index]
            if pair not in after:
                self.where[pair].discard(index)
        for pair, times in come:
            self.pairs[pair] += times * self.counts[index]
            self.where[pair].add(index)
        return {pair for pair, _ in gone | come}


def learn(
    pairs: PairCounts, names: list[str], num_merges: int, min_count: int, never: tuple[str, ...] = (),
    join: Callable[[str, str], str] = str.__add__, score: str = "count",
) -> Iterator[tuple[int, int, str, int]]:
    """Merge the best pair, again and again, and yield (left id, right id, new name, count) each time.

    `names` are the tokens known at the start, by id; -1 merges means as many as there are. A merge whose name is in
    `never` is passed over. `score` "likelihood" looks at every pair each time, "count" keeps them in a heap.
    """
    names = list(names)
    while num_merges:
        best = pairs.best() if score == "count" else pairs.best_by_likelihood(min_count)
        if best is None or best[1] < min_count:
            return
        (left, right), count = best
        name = join(names[left], names[right])
        if name in never:
            pairs.forget((left, right))
            continue
        pairs.merge((left, right), len(names))
        names.append(name)
        num_merges -= 1
        yield left, right, name, count
