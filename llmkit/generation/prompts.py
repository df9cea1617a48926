"""What a reader gives, made ready: a model of ours, rows of token ids, and the tokens that begin and end a text."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from llmkit.shapes import Bool, Int, Tensor
from llmkit.transformer import Transformer

SPELLINGS = {  # what families call the token at the beginning, at the end, and in the empty places
    "bos": ("<s>", "<|begin_of_text|>", "<|endoftext|>", "[CLS]"),
    "eos": ("</s>", "<|end_of_text|>", "<|endoftext|>", "[SEP]"),
    "pad": ("<pad>", "[PAD]"),
}
Prompt = str | Tensor | Sequence[Any]  # one text, or its ids; or a list of either; or ids (B, T)
Stop = int | str | Collection[int | str]


@dataclass(frozen=True)
class Task:
    """Everything a decoder needs to know: what to continue, with which model, and where to stop."""

    model: Transformer
    rows: list[list[int]]  # what the decoder has read before it says its first token, a list for each prompt
    sources: list[list[int]] | None  # what an encoder reads; None for a model that is a decoder only
    stop_tokens: frozenset[int]
    stop_texts: tuple[str, ...]
    is_single: bool  # one prompt was given, not a list of them

    @property
    def device(self) -> torch.device:
        return self.model.embedding.weight.device

    def parts(self, max_new_tokens: int) -> list["Task"]:
        """The rows as one batch; but each for itself where a text will outgrow the context and its window must slide."""
        if max(map(len, self.rows)) + max_new_tokens - 1 <= self.model.config.context:  # the last one is not read
            return [self]
        sources = self.sources or [None] * len(self.rows)
        return [
            replace(self, rows=[row], sources=source and [source])
            for row, source in zip(self.rows, sources, strict=True)
        ]


def prepare(
    model: Any, prompt: Prompt, max_new_tokens: int, stop: Stop | None, tokenizer: Any, begin: int | None = None
) -> Task:
    """Check what was given and make a `Task` of it. ValueError, with what to do, for what cannot be continued."""
    if not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be a whole number of at least 1; got {max_new_tokens}.")
    theirs = getattr(model, "generation_config", None)  # a model from transformers knows its own special tokens
    model = as_transformer(model)
    if model.config.kind == "encoder":
        raise ValueError("An encoder reads a text but cannot continue it. Generate with a decoder or an encoder-decoder.")
    rows, is_single = read_prompt(prompt, tokenizer)
    starts_from_source = model.config.kind == "encoder-decoder"
    if begin is None and starts_from_source:
        begin = getattr(theirs, "decoder_start_token_id", None)
        begin = special_id(tokenizer, "pad") or 0 if begin is None else begin  # T5's custom: the decoder begins with padding
    elif begin is None:
        begin = special_id(tokenizer, "bos")
    if any(not row for row in rows) and (starts_from_source or begin is None):
        raise ValueError(
            "The prompt is empty, and no token is known that begins a text. Give a prompt of at least one token, or a "
            "tokenizer with a beginning-of-text token such as <s>."
        )
    check_ids([*rows, [begin] if begin is not None else []], model.config.vocab_size)
    stop_tokens, stop_texts = read_stop(stop, tokenizer, getattr(theirs, "eos_token_id", None))
    if starts_from_source:
        return Task(model, [[begin] for _ in rows], rows, stop_tokens, stop_texts, is_single)
    return Task(model, [row or [begin] for row in rows], None, stop_tokens, stop_texts, is_single)


def as_transformer(model: Any) -> Transformer:
    """The model itself when it is ours; a model from `transformers` is converted, which copies its weights."""
    if isinstance(model, Transformer):
        return model
    from llmkit.weights import from_transformers

    return from_transformers(model)


# ---- prompts --------------------------------------------------------------------------------------------------------


def read_prompt(prompt: Prompt, tokenizer: Any) -> tuple[list[list[int]], bool]:
    """The ids of each prompt, and whether it was one prompt only.

    >>> read_prompt([5, 6], None), read_prompt([[5, 6], [7]], None)
    (([[5, 6]], True), ([[5, 6], [7]], False))
    """
    if isinstance(prompt, Tensor):
        prompt = prompt.tolist()
    if isinstance(prompt, str) or not prompt or isinstance(prompt[0], int):
        return [as_ids(prompt, tokenizer)], True
    return [as_ids(one, tokenizer) for one in prompt], False


def as_ids(prompt: Prompt, tokenizer: Any) -> list[int]:
    """One prompt's ids. Our own BPE adds no special tokens, so its texts get their beginning-of-text token here."""
    if not isinstance(prompt, str):
        ids = prompt.tolist() if isinstance(prompt, Tensor) else list(prompt)
        if not all(isinstance(token, int) for token in ids):
            raise ValueError(f"A prompt is a text or a list of token ids; got {prompt!r}.")
        return ids
    if tokenizer is None:
        raise ValueError("A prompt that is a text needs a tokenizer: generate(..., tokenizer=tokenizer).")
    ids = tokenizer.encode(prompt)
    ids = list(getattr(ids, "ids", ids))  # the library `tokenizers` wraps them
    begin = special_id(tokenizer, "bos")
    return [begin, *ids] if is_ours(tokenizer) and begin is not None else ids


def check_ids(rows: list[list[int]], vocab_size: int) -> None:
    """ValueError for an id that the model does not know."""
    for token in (token for row in rows for token in row):
        if not 0 <= token < vocab_size:
            raise ValueError(
                f"The prompt holds the token id {token}; this model knows ids 0 to {vocab_size - 1}. "
                f"Do the tokenizer and the model belong together?"
            )


def padded(
    rows: list[list[int]], device: torch.device | str = "cpu", side: str = "left"
) -> tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"] | None]:
    """Rows of different lengths in one tensor, and which of its tokens are real; None when no padding was needed.

    A decoder's prompts are padded on the left, so that all of them end, and go on, at the same place.

    >>> tokens, keep = padded([[5, 6, 7], [8]])
    >>> tokens.tolist(), keep.int().tolist()
    ([[5, 6, 7], [0, 0, 8]], [[1, 1, 1], [0, 0, 1]])
    """
    longest = max(map(len, rows))
    filled = [fill(row, longest, 0, side) for row in rows]
    real = [fill([1] * len(row), longest, 0, side) for row in rows]
    keep = torch.tensor(real, dtype=torch.bool, device=device)  # (B, T)
    return torch.tensor(filled, device=device), None if min(map(len, rows)) == longest else keep


def fill(row: list[int], length: int, padding: int, side: str = "left") -> list[int]:
    """The row made longer on one side.

    >>> fill([5, 6], 4, -1), fill([5, 6], 4, -1, side="right")
    ([-1, -1, 5, 6], [5, 6, -1, -1])
    """
    added = [padding] * (length - len(row))
    return added + row if side == "left" else row + added


# ---- tokenizers: ours, those of `transformers`, and those of the library `tokenizers` -------------------------------


def is_ours(tokenizer: Any) -> bool:
    return hasattr(tokenizer, "special")


def special_id(tokenizer: Any, role: str) -> int | None:
    """The id of the token that begins ("bos"), ends ("eos") or pads ("pad") a text; None when there is none."""
    if hasattr(tokenizer, f"{role}_token_id"):
        return getattr(tokenizer, f"{role}_token_id")
    vocab = tokenizer.get_vocab() if hasattr(tokenizer, "get_vocab") else getattr(tokenizer, "vocab", {})
    return next((vocab[spelling] for spelling in SPELLINGS[role] if spelling in vocab), None)


def read_stop(stop: Stop | None, tokenizer: Any, end: Any = None) -> tuple[frozenset[int], tuple[str, ...]]:
    """The ids and the texts at which decoding stops. None: at the end-of-text token, if one is known.

    >>> tokens, texts = read_stop([2, "The end"], object())
    >>> sorted(tokens), texts
    ([2], ('The end',))
    """
    if stop is None:
        known = special_id(tokenizer, "eos")
        stop = end if known is None else known
        stop = () if stop is None else stop
    stops = [stop] if isinstance(stop, int | str) else list(stop)
    texts = tuple(one for one in stops if isinstance(one, str))
    if texts and (tokenizer is None or "" in texts):
        raise ValueError("A text to stop at must not be empty, and needs a tokenizer: generate(..., tokenizer=tokenizer).")
    return frozenset(one for one in stops if isinstance(one, int)), texts
