"""WordPiece as BERT uses it: words into known pieces, the longest first, `##` where a piece goes on. Built in lesson 03.

Unlike byte-level BPE it cleans the text first and cannot give it back; what it cannot spell becomes [UNK].
Schuster and Nakajima 2012; Devlin et al. 2018, arXiv:1810.04805.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

from llmkit import tokenizer_files as files
from llmkit.pair_counts import PairCounts, count_words, learn

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LONGEST_WORD = 100  # characters; a longer word is [UNK], as in BERT
CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # written without spaces, so every character is a word (Japanese kana and Korean are not in BERT's list)


# ---- text to words ------------------------------------------------------------------------------------------------


@cache
def _cleaned(char: str) -> str:
    """One character after cleaning: control characters go, white space is a space, Chinese stands alone."""
    if char in "\t\n\r" or unicodedata.category(char) in ("Zs", "Zl", "Zp"):
        return " "
    if char in "\0\ufffd" or unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    return f" {char} " if any(first <= ord(char) <= last for first, last in CHINESE) else char


@cache
def _is_punctuation(char: str) -> bool:
    """Unicode's punctuation and every ASCII sign that is neither letter nor digit, such as $ and ^."""
    return unicodedata.category(char).startswith("P") or ("!" <= char <= "~" and not char.isalnum())


def normalize(text: str, lowercase: bool = True) -> str:
    """Clean a text as BERT does; with `lowercase`, also without capitals and accents.

    >>> normalize("Crème\\tBRÛLÉE")
    'creme brulee'
    """
    text = "".join(map(_cleaned, text))
    if lowercase:
        apart = unicodedata.normalize("NFD", text)  # é becomes e and a combining accent
        bare = "".join(char for char in apart if unicodedata.category(char) != "Mn")
        text = "".join(char.lower() for char in bare)  # one at a time: no rule looks at the neighbors
    return text


def split_words(text: str, lowercase: bool = True) -> list[str]:
    """The words of a text: cut at white space, and before and after every punctuation mark and Chinese character.

    >>> split_words("Nora's kite: 风筝")
    ['nora', "'", 's', 'kite', ':', '风', '筝']
    """
    return [word for chunk in text.split(" ") for word in _words_between_spaces(chunk, lowercase)]


@lru_cache(maxsize=50_000)
def _words_between_spaces(chunk: str, lowercase: bool) -> list[str]:
    """Text repeats itself, so most chunks between two spaces have been cut before."""
    spaced = "".join(f" {char} " if _is_punctuation(char) else char for char in normalize(chunk, lowercase))
    return spaced.split()


# ---- the tokenizer ------------------------------------------------------------------------------------------------


def join_pieces(left: str, right: str) -> str:
    """The token that two neighbors make.

    >>> join_pieces("##ki", "##te")
    '##kite'
    """
    return left + right.removeprefix("##")


class WordPiece:
    """A WordPiece tokenizer: `vocab` from piece to id. A piece that continues a word is written with `##`.

    Special tokens are never found in a reader's text ("[SEP]" is then a bracket, three letters and a bracket), unless
    `encode(text, special=True)` allows them.

    >>> pieces = WordPiece.train(["low lower lowest slow slow"], vocab_size=24)
    >>> [pieces.tokens[index] for index in pieces.encode("Slower!")]
    ['slow', '##e', '##r', '[UNK]']
    """

    def __init__(self, vocab: dict[str, int], lowercase: bool = True, special: Iterable[str] = SPECIAL) -> None:
        self.vocab, self.lowercase, self.special = dict(vocab), lowercase, tuple(special)
        self.tokens = {index: token for token, index in self.vocab.items()}
        if missing := [token for token in ("[UNK]", *self.special) if token not in self.vocab]:
            raise ValueError(f"A WordPiece vocabulary needs the token {missing[0]!r}; it is not there.")
        self._words: dict[str, list[int]] = {}  # words seen before, already encoded

    @classmethod
    def train(
        cls, texts: Iterable[str], vocab_size: int, lowercase: bool = True, special: Iterable[str] = SPECIAL,
        min_count: int = 2, score: str = "count",
    ) -> "WordPiece":
        """Learn pieces from `texts` until the vocabulary has `vocab_size`, merging neighbors as BPE does.

        `score` says which pair is next: "count", the most frequent (what `tokenizers` does), or "likelihood", the one
        with the largest count(pair) / (count(left) count(right)): each joining of it gains a unigram model the most
        log-likelihood (after Schuster and Nakajima; slower). Ids: special tokens, characters, continuing characters, merges. Characters
        that `texts` do not have become [UNK]. Ties: the smaller left id, then the smaller right id.
        """
        if score not in ("count", "likelihood"):
            raise ValueError(f'score is "count" or "likelihood"; got {score!r}.')
        special = tuple(special)
        words = count_words(texts, lambda text: split_words(text, lowercase))
        letters = sorted({char for word in words for char in word})
        inside = sorted({char for word in words for char in word[1:]})
        names = files.distinct([*special, *letters, *(f"##{char}" for char in inside)])
        if vocab_size < len(names):
            raise ValueError(
                f"These texts have {len(letters)} different characters, so vocab_size must be at least {len(names)}; "
                f"got {vocab_size}."
            )
        ids = {name: index for index, name in enumerate(names)}
        spelled = [[ids[word[0]], *(ids[f"##{char}"] for char in word[1:])] for word in words]
        pairs = PairCounts(spelled, list(words.values()))
        learned = learn(pairs, names, vocab_size - len(names), min_count, special, join_pieces, score)
        names += [name for _, _, name, _ in learned]
        return cls({name: index for index, name in enumerate(names)}, lowercase, special)

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Piece ids of a text, without [CLS] and [SEP] around it. With `special=True`, special tokens in it count."""
        return files.encode(text, self, special, lambda part: split_words(part, self.lowercase))

    def encode_pair(self, first: str, second: str | None = None) -> tuple[list[int], list[int]]:
        """Ids and segments of `[CLS] first [SEP]`, and of `second [SEP]` (segment 1) when there is one.

        >>> WordPiece.train(["a b a b"], vocab_size=7).encode_pair("a", "b")
        ([2, 5, 3, 6, 3], [0, 0, 0, 1, 1])
        """
        end = self.vocab["[SEP]"]
        before = [self.vocab["[CLS]"], *self.encode(first), end]
        after = [] if second is None else [*self.encode(second), end]
        return before + after, [0] * len(before) + [1] * len(after)

    def _encode_word(self, word: str) -> list[int]:
        """From the left, the longest piece in the vocabulary, again and again; [UNK] when none fits."""
        ids, start = [], 0
        while start < len(word) <= LONGEST_WORD:
            for end in range(len(word), start, -1):
                if (index := self.vocab.get(("##" if start else "") + word[start:end])) is not None:
                    break
            else:
                break  # not even one character fits
            ids.append(index)
            start = end
        ids = ids if start == len(word) else [self.vocab["[UNK]"]]
        if len(self._words) < 100_000:
            self._words[word] = ids
        return ids

    def decode(self, ids: Iterable[int], skip_special: bool = False) -> str:
        """Words with one space between them; what cleaning and [UNK] took away does not come back."""
        out: list[str] = []
        for index in map(int, ids):
            token = self.tokens.get(index)
            if token is None:
                raise ValueError(f"There is no token {index}; this vocabulary has ids 0 to {max(self.tokens)}.")
            if token.startswith("##") and out:
                out[-1] += token[2:]
            elif not (skip_special and token in self.special):
                out.append(token)
        return " ".join(out)

    def __len__(self) -> int:
        return len(self.vocab)

    # ---- files ----

    def save(self, folder: str | Path) -> Path:
        """Write the files that `transformers.AutoTokenizer` loads as a BERT tokenizer; it adds [CLS] and [SEP]."""
        return files.save(
            folder,
            {
                "normalizer": {**files.BERT_NORMALIZER, "lowercase": self.lowercase},
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "post_processor": files.template(["[CLS]"], ["[SEP]"], self.vocab, pair=True),
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                "model": {**files.WORDPIECE, "max_input_chars_per_word": LONGEST_WORD, "vocab": self.vocab},
            },
            {token: self.vocab[token] for token in self.special},
            {"tokenizer_class": "BertTokenizer", "do_lower_case": self.lowercase},
        )

    @classmethod
    def from_file(cls, path: str | Path) -> "WordPiece":
        """Load a tokenizer.json (or its folder) that `save` wrote, or BERT's, or MiniLM's."""
        whole = files.load(path, "WordPiece")
        normalizer, model = whole.get("normalizer") or {}, whole["model"]
        same = all(normalizer.get(key) == value for key, value in files.BERT_NORMALIZER.items())
        if not same or any(model.get(key) != value for key, value in files.WORDPIECE.items()):
            raise ValueError(f"{path} does not clean texts as BERT does; transformers.AutoTokenizer can load it.")
        return cls(model["vocab"], normalizer["lowercase"], files.added_tokens(whole))

