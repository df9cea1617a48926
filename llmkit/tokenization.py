"""Byte-level BPE: learn which neighbors to merge, then cut any text into the learned pieces. Built in lesson 03.

The text becomes words (GPT-2's pattern: a word keeps the space before it), a word becomes bytes, and the bytes that
stand side by side most often become one token, again and again. 256 bytes can spell anything, so nothing is unknown.
WordPiece is in `wordpiece.py`. Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019 (GPT-2).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from llmkit import tokenizer_files as files
from llmkit.pair_counts import PairCounts, count_words, learn, merge_pair

PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"  # GPT-2's


# ---- text to words, bytes to letters ------------------------------------------------------------------------------


@cache
def _pattern():
    try:
        import regex
    except ImportError as problem:
        raise ImportError(
            "Cutting text into words needs the package regex, because Python's re does not know \\p{L}, the letters "
            "of all scripts. Install it: python -m pip install regex"
        ) from problem
    return regex.compile(PATTERN)


def split_words(text: str) -> list[str]:
    """The text in pieces that no merge may cross: words with the space before them, numbers, punctuation, spaces.

    >>> split_words("Nora's kite, 2 of  them")
    ['Nora', "'s", ' kite', ',', ' 2', ' of', ' ', ' them']
    """
    return _pattern().findall(text)


@cache
def byte_letters() -> tuple[str, ...]:
    """For each of the 256 bytes a visible letter, as GPT-2 writes it in its vocabulary; a space is written Ġ.

    >>> byte_letters()[ord("a")], byte_letters()[ord(" ")]
    ('a', 'Ġ')
    """
    visible = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    unseen = iter(range(256, 512))
    return tuple(chr(byte) if byte in visible else chr(next(unseen)) for byte in range(256))


def to_letters(text: str) -> str:
    """The UTF-8 bytes of a text, each written as its letter.

    >>> to_letters(" é")
    'ĠÃ©'
    """
    letters = byte_letters()
    return "".join(letters[byte] for byte in text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Step:
    """One merge as it happens: which two tokens, how often they stood side by side, and the text after it."""

    number: int  # 1 for the first merge
    left: str  # in byte letters
    right: str
    count: int
    pieces: list[str]  # the whole text, cut into the tokens known so far, in byte letters


# ---- the tokenizer ------------------------------------------------------------------------------------------------


class BPE:
    """A byte-level BPE tokenizer: `vocab` from token (in byte letters) to id, `merges` in the order they were learned.

    Special tokens have ids but no spelling: the same characters in a reader's text are encoded as plain text, unless
    `encode(text, special=True)` allows them.

    >>> bpe = BPE.train(["low low lower lowest"], vocab_size=260, special=("<s>",))
    >>> [left + right for left, right in bpe.merges]
    ['lo', 'low', 'Ġlow']
    >>> bpe.decode(bpe.encode("slow, 低"))
    'slow, 低'
    """

    def __init__(self, vocab: dict[str, int], merges: list[tuple[str, str]], special: Iterable[str] = ()) -> None:
        self.vocab, self.merges, self.special = dict(vocab), [tuple(pair) for pair in merges], tuple(special)
        self.tokens = {index: token for token, index in self.vocab.items()}
        self._bytes_of = {letter: byte for byte, letter in enumerate(byte_letters())}
        self._check()
        self._byte_ids = [self.vocab[letter] for letter in byte_letters()]
        self._rank = {(self.vocab[a], self.vocab[b]): rank for rank, (a, b) in enumerate(self.merges)}
        self._merged = {(self.vocab[a], self.vocab[b]): self.vocab[a + b] for a, b in self.merges}
        self._words: dict[str, list[int]] = {}  # words seen before, already encoded

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int, special: Iterable[str] = (), min_count: int = 2) -> "BPE":
        """Learn merges from `texts` (any iterable of str, read once) until the vocabulary has `vocab_size` tokens.

        Ids: the special tokens in the order given, the 256 bytes, the merges. Stops early when no pair stands side
        by side `min_count` times. Of pairs equally frequent, the one with the smaller left id (then right id) wins.
        """
        special = tuple(special)
        if vocab_size < 256 + len(special):
            raise ValueError(
                f"vocab_size must be at least {256 + len(special)} (256 bytes and {len(special)} special tokens), "
                f"or some text could not be written; got {vocab_size}."
            )
        words = count_words(texts, split_words)
        names = files.distinct([*special, *sorted(byte_letters())])
        pairs = _pairs(words, names)
        merges = []
        for left, right, name, _ in learn(pairs, names, vocab_size - len(names), min_count, never=special):
            merges.append((names[left], names[right]))
            names.append(name)
        return cls({name: index for index, name in enumerate(names)}, merges, special)

    @staticmethod
    def steps(text: str, min_count: int = 2) -> Iterator[Step]:
        """The merges that `train` would learn from this text, one by one, with the text as it stands after each.

        >>> for step in BPE.steps("aab aab"): print(step.left, step.right, step.count, step.pieces)
        a a 2 ['aa', 'b', 'Ġ', 'aa', 'b']
        aa b 2 ['aab', 'Ġ', 'aab']
        """
        words = split_words(text)
        names = sorted(byte_letters())
        distinct = Counter(words)
        pairs = _pairs(distinct, names)
        at = {word: index for index, word in enumerate(distinct)}
        for number, (left, right, name, count) in enumerate(learn(pairs, names, -1, min_count), 1):
            names.append(name)
            pieces = [names[token] for word in words for token in pairs.words[at[word]]]
            yield Step(number, names[left], names[right], count, pieces)

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Token ids of any text. With `special=True`, special tokens written in the text become their ids."""
        return files.encode(text, self, special, split_words)

    def _encode_word(self, word: str) -> list[int]:
        """Start from bytes; as long as a known pair is left, merge the one that was learned first."""
        tokens = [self._byte_ids[byte] for byte in word.encode("utf-8", "surrogatepass")]
        while pairs := [pair for pair in pairwise(tokens) if pair in self._rank]:
            first = min(pairs, key=self._rank.__getitem__)
            tokens = merge_pair(tokens, first, self._merged[first])
        if len(self._words) < 100_000 and len(word) < 100:
            self._words[word] = tokens
        return tokens

    def decode(self, ids: Iterable[int], skip_special: bool = False) -> str:
        """The text of token ids. Bytes that are no UTF-8, as when a character is cut in two, become U+FFFD."""
        parts, out = [], bytearray()
        for index in map(int, ids):
            token = self.tokens.get(index)
            if token is None:
                raise ValueError(f"There is no token {index}; this vocabulary has ids 0 to {max(self.tokens)}.")
            if token not in self.special:
                out += self.bytes_of(index)
            elif not skip_special:
                parts += [_text(out), token]
                out = bytearray()
        return "".join([*parts, _text(out)])

    def bytes_of(self, index: int) -> bytes:
        """The bytes that a token stands for; none for a special token."""
        token = self.tokens[index]
        return b"" if token in self.special else bytes(self._bytes_of[letter] for letter in token)

    def __len__(self) -> int:
        return len(self.vocab)

    # ---- files ----

    def save(self, folder: str | Path, prefix: Iterable[str] = (), suffix: Iterable[str] = ()) -> Path:
        """Write the files that `transformers.AutoTokenizer` and `tokenizers` load, with the same ids.

        `prefix` and `suffix` are special tokens that *they* shall put around every text; ours never does. Unlike ours,
        they find special tokens in a reader's text, unless called with `split_special_tokens=True`.
        """
        return files.save(
            folder,
            {
                "normalizer": None,
                "pre_tokenizer": files.BYTE_LEVEL,
                "post_processor": files.template(prefix, suffix, self.vocab),
                "decoder": files.BYTE_LEVEL,
                "model": {**files.BPE, "vocab": self.vocab, "merges": [list(pair) for pair in self.merges]},
            },
            {token: self.vocab[token] for token in self.special},
            {"tokenizer_class": "PreTrainedTokenizerFast"},
        )

    @classmethod
    def from_file(cls, path: str | Path) -> "BPE":
        """Load a tokenizer.json (or its folder) that `save` wrote, or GPT-2's, or one trained by `tokenizers`."""
        whole = files.load(path, "BPE")
        cutter = whole.get("pre_tokenizer") or {}
        same = all(cutter.get(key, True) == files.BYTE_LEVEL[key] for key in ("type", "add_prefix_space", "use_regex"))
        if not same or whole.get("normalizer") or any(whole["model"].get(key) for key in files.BPE if key != "type"):
            raise ValueError(
                f"{path} does not cut texts as GPT-2 does, which is the way of this class; "
                f"transformers.AutoTokenizer can load it."
            )
        merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in whole["model"].get("merges", [])]
        added = files.added_tokens(whole)
        return cls({**whole["model"]["vocab"], **added}, merges, added)

    def _check(self) -> None:
        if missing := [token for token in self.special if token not in self.vocab]:
            raise ValueError(f"The special token {missing[0]!r} has no id in the vocabulary.")
        if missing := [letter for letter in byte_letters() if letter not in self.vocab]:
            raise ValueError(
                f"A byte-level vocabulary spells all 256 bytes, or some text could not be written; "
                f"{len(missing)} are missing, first {missing[0]!r}."
            )
        for left, right in self.merges:
            if not {left, right, left + right} <= self.vocab.keys():
                raise ValueError(f"The merge {left!r} + {right!r} names a token that is not in the vocabulary.")


def _pairs(words: Counter[str], names: list[str]) -> PairCounts:
    """Each distinct word spelled in the ids of its bytes, with the pairs counted."""
    index = {name: index for index, name in enumerate(names)}
    return PairCounts([[index[letter] for letter in to_letters(word)] for word in words], list(words.values()))


def _text(pieces: bytes | bytearray) -> str:
    """UTF-8 to text; lone surrogates, which Python's str may hold, come back as they went in."""
    try:
        return pieces.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return pieces.decode("utf-8", "replace")
