"""The files in which `tokenizers` and `transformers` keep a tokenizer, written and read as plain JSON."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROLES = {  # what transformers calls the special tokens that a model needs to know
    "<pad>": ["pad_token"], "<s>": ["bos_token"], "</s>": ["eos_token"], "<unk>": ["unk_token"],
    "<|endoftext|>": ["bos_token", "eos_token"],
    "[PAD]": ["pad_token"], "[UNK]": ["unk_token"], "[CLS]": ["cls_token"], "[SEP]": ["sep_token"], "[MASK]": ["mask_token"],
}

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BPE: dict[str, Any] = {
    "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
    "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
}
BERT_NORMALIZER = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None}
WORDPIECE = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}


def split_special(text: str, special: Iterable[str]) -> list[str]:
    """Cut a text at its special tokens and keep them; of two that start together the longer one counts.

    >>> split_special("<s>One day</s>", ("<s>", "</s>"))
    ['<s>', 'One day', '</s>']
    """
    longest_first = sorted(filter(None, special), key=len, reverse=True)
    if not longest_first:
        return [text]
    return [part for part in re.split(f"({'|'.join(map(re.escape, longest_first))})", text) if part]


def distinct(names: list[str]) -> list[str]:
    """The names, unless one stands there twice: two tokens cannot share a name, or one would have no id."""
    seen: set[str] = set()
    for name in names:
        if name in seen or not name:
            raise ValueError(f"Every token needs a name of its own; {name!r} is empty or there twice. Choose other special tokens.")
        seen.add(name)
    return names


def encode(text: str, tokenizer: Any, allow_special: bool, split_words: Callable[[str], Iterable[str]]) -> list[int]:
    """The walk that both tokenizers share: special tokens, where they are allowed, become their ids; words are encoded."""
    if not isinstance(text, str):
        raise ValueError(f"encode takes one text (str); got {type(text).__name__}. Decode bytes first; loop over a list.")
    ids: list[int] = []
    known = tokenizer._words  # those met before
    for part in split_special(text, tokenizer.special) if allow_special else [text]:
        if allow_special and part in tokenizer.special:
            ids.append(tokenizer.vocab[part])
        else:
            for word in split_words(part):
                ids += known.get(word) or tokenizer._encode_word(word)
    return ids


def save(folder: str | Path, parts: dict[str, Any], special: dict[str, int], settings: dict[str, Any]) -> Path:
    """Write tokenizer.json, tokenizer_config.json and special_tokens_map.json; returns the folder.

    `parts` are the normalizer, pre_tokenizer, post_processor, decoder and model of the `tokenizers` format.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    roles = {role: token for token in special for role in ROLES.get(token, [])}
    extra = [token for token in special if token not in ROLES]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": index, "content": token, **flags} for token, index in special.items()]
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **parts}
    config = {**roles, **settings, "clean_up_tokenization_spaces": False}
    _write(folder / "tokenizer.json", whole)
    _write(folder / "tokenizer_config.json", config)
    _write(folder / "special_tokens_map.json", {**roles, **({"additional_special_tokens": extra} if extra else {})})
    return folder


def load(path: str | Path, kind: str) -> dict[str, Any]:
    """The tokenizer.json at `path` (the file, or a folder that holds it), which must hold a model of type `kind`."""
    path = Path(path)
    path = path / "tokenizer.json" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Give the folder that a tokenizer was saved in, or its tokenizer.json.")
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        found = whole["model"].get("type", "BPE" if "merges" in whole["model"] else "WordPiece")
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{path} is no tokenizer.json: {problem}. Was it cut short?") from problem
    if found != kind:
        raise ValueError(f"{path} holds a tokenizer of type {found}, not {kind}; transformers.AutoTokenizer can load it.")
    if "vocab" not in whole["model"]:
        raise ValueError(f"{path} is no whole tokenizer.json: its model has no vocab. Was it cut short?")
    return whole


def added_tokens(whole: dict[str, Any]) -> dict[str, int]:
    """The tokens of a loaded file that stand beside the model, and their ids: the special ones."""
    added = sorted(whole.get("added_tokens") or [], key=lambda token: token["id"])
    return {token["content"]: token["id"] for token in added}


def template(prefix: Iterable[str], suffix: Iterable[str], vocab: dict[str, int], pair: bool = False) -> dict[str, Any] | None:
    """A post-processor that puts special tokens around every text; None when there are none to put.

    With `pair`, a second text follows the first and ends with `suffix` too, as BERT's segment 1.
    """
    prefix, suffix = list(prefix), list(suffix)
    if unknown := [token for token in (*prefix, *suffix) if token not in vocab]:
        raise ValueError(f"{unknown[0]!r} is not in the vocabulary, so it cannot be put around a text.")
    if not prefix and not suffix:
        return None

    def around(before: list[str], name: str, after: list[str], segment: int) -> list[dict]:
        def marks(tokens: list[str]) -> list[dict]:
            return [{"SpecialToken": {"id": token, "type_id": segment}} for token in tokens]
        return [*marks(before), {"Sequence": {"id": name, "type_id": segment}}, *marks(after)]

    single = around(prefix, "A", suffix, 0)
    second = around([], "B", suffix, 1) if pair else around(prefix, "B", suffix, 0)
    used = dict.fromkeys([*prefix, *suffix])
    return {
        "type": "TemplateProcessing", "single": single, "pair": single + second,
        "special_tokens": {token: {"id": token, "ids": [vocab[token]], "tokens": [token]} for token in used},
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    """Written beside and renamed, so that a full disk leaves the old file whole."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
