"""Record what happens inside any `transformers` model: every attention weight, every hidden state, readable tokens.

Shape letters: L layers, H heads, T tokens, C model width. First used in lesson 05.
"""

import inspect
import time
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from llmkit.device import pick_device
from llmkit.shapes import Float, Int, Tensor

LONGEST_SPLIT = 12  # tokens: how far a character cut into byte tokens is followed before its bytes are shown


@dataclass(frozen=True)
class ModelTrace:
    """What one text did inside a model. Tensors are float32 and on the CPU."""

    text: str
    tokens: tuple[str, ...]  # as shown to a reader, T of them
    token_ids: Int[Tensor, " T"]
    attention: Float[Tensor, "L H T T"]  # attention[l, h, i, j]: how much token i looks at token j
    hidden_states: Float[Tensor, "L1 T C"]  # L + 1 of them: the embeddings, then after each layer
    truncated_from: int | None  # how many tokens the text had, when not all of them fit
    device: str
    milliseconds: float  # of the forward pass

    @property
    def num_layers(self) -> int:
        return self.attention.shape[0]

    @property
    def num_heads(self) -> int:
        return self.attention.shape[1]

    @property
    def is_causal(self) -> bool:
        """True when no token looks ahead in any head."""
        return len(self.tokens) > 1 and not self.attention.triu(1).any()


def trace(
    model: Any, tokenizer: Any, text: str, device: str | torch.device | None = None, max_tokens: int = 512
) -> ModelTrace:
    """Run `text` through `model` and keep everything. Of an encoder-decoder it is the encoder that is traced.

    Without `device` the model computes where it is; with it, it goes there and comes back. The text is cut at
    `max_tokens`, or earlier where the model's positions end, and `truncated_from` says so. Dropout is off.
    ValueError, in one sentence, for text without tokens and for a model that does not return its weights.
    """
    encoded, surfaces, truncated_from = _encode(model, tokenizer, text, max_tokens)
    with _ready(model, device) as where:
        run = model.get_encoder() if model.config.is_encoder_decoder else model
        inputs = {name: value.to(where) for name, value in encoded.items() if name in _parameters(run)}
        started = time.perf_counter()
        with torch.inference_mode():
            outputs = run(**inputs, output_attentions=True, output_hidden_states=True, return_dict=True)
        _wait_for(where)
        milliseconds = 1000 * (time.perf_counter() - started)
    attentions = outputs.attentions or ()
    if not attentions or any(layer is None for layer in attentions):
        raise ValueError(
            f"{type(model).__name__} computed but returned no attention weights, because its attention backend "
            f'keeps them to itself. Load it with attn_implementation="eager" and try again.'
        )
    ids = encoded["input_ids"][0]
    return ModelTrace(
        text=text,
        tokens=tuple(token_texts(tokenizer, ids.tolist(), surfaces)),
        token_ids=ids,
        attention=torch.cat(list(attentions)).float().cpu(),  # L of (1, H, T, T) -> (L, H, T, T)
        hidden_states=torch.cat(list(outputs.hidden_states)).float().cpu(),  # (L + 1, T, C)
        truncated_from=truncated_from,
        device=str(where),
        milliseconds=milliseconds,
    )


def _encode(model: Any, tokenizer: Any, text: str, max_tokens: int) -> tuple[dict[str, Tensor], list[str], int | None]:
    """The model's inputs, the text under each token ("" when unknown), and the uncut length if it was cut."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("There is no text to look at: write a word or a sentence.")
    text = text.encode("utf-8", "replace").decode("utf-8")  # half an emoji cannot be tokenized
    options = {"return_offsets_mapping": True} if tokenizer.is_fast else {}
    encoded = tokenizer(text, verbose=False, **options)
    length, limit = len(encoded["input_ids"]), _longest(model, tokenizer, max_tokens)
    if length > limit:
        encoded = tokenizer(text, truncation=True, max_length=limit, **options)
    if not length:
        raise ValueError("The tokenizer made no tokens of this text: write a word or a sentence.")
    known = model.get_input_embeddings().weight.shape[0]
    if max(encoded["input_ids"]) >= known:
        raise ValueError(
            f"The tokenizer gave token {max(encoded['input_ids'])}, but the model knows only {known} tokens. "
            f"Load model and tokenizer from the same place."
        )
    offsets = encoded.pop("offset_mapping", [(0, 0)] * length)
    surfaces = [text[start:end] for start, end in offsets]
    tensors = {name: torch.tensor([value]) for name, value in encoded.items()}
    return tensors, surfaces, length if length > limit else None


def _longest(model: Any, tokenizer: Any, max_tokens: int) -> int:
    """How many tokens the model can read: its positions, its tokenizer's limit, or what was asked for."""
    positions = getattr(model.config, "max_position_embeddings", None) or max_tokens
    return min(max_tokens, positions, tokenizer.model_max_length)


def _parameters(run: Any) -> set[str]:
    return set(inspect.signature(run.forward).parameters)


@contextmanager
def _ready(model: Any, device: str | torch.device | None):
    """The model in eval mode, on `device`, with attention that returns its weights; afterwards as it was before."""
    home, was_training, backend = model.device, model.training, model.config._attn_implementation
    where = home if device is None else pick_device(device)
    can_switch = hasattr(model, "set_attn_implementation") and backend != "eager"
    try:
        if can_switch:
            model.set_attn_implementation("eager")
        if where != home:
            model.to(where)
        model.eval()
        yield where
    finally:
        model.train(was_training)
        if where != home:
            model.to(home)
        if can_switch:
            model.set_attn_implementation(backend)


def _wait_for(device: torch.device) -> None:
    """Until the accelerator has finished, so that the clock tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


# ---- tokens as a reader sees them ---------------------------------------------------------------------------------


def token_texts(tokenizer: Any, ids: list[int], surfaces: list[str] | None = None) -> list[str]:
    """Each token as readable text, whatever the tokenizer writes inside.

    A space is shown as "·", a line break as "↵". A character that several byte tokens share is shown with its
    place among them, "猫 1/2"; bytes that make no character are shown as numbers. "##" of WordPiece stays.
    An unknown token is followed by the `surfaces` entry it stands for.
    """
    raw = tokenizer.convert_ids_to_tokens(ids)
    pieces = [_piece(token, tokenizer) for token in raw]
    texts: list[str] = []
    while len(texts) < len(pieces):
        texts += _spell(pieces[len(texts) : len(texts) + LONGEST_SPLIT])
    for i, token in enumerate(raw):
        if surfaces and surfaces[i] and token == tokenizer.unk_token:
            texts[i] = f"{token} {visible(surfaces[i])}"
    return texts


def _piece(token: str, tokenizer: Any) -> str | bytes:
    """What the token stands for: text, or bytes that need not be whole characters."""
    if token in tokenizer.all_special_tokens:
        return token
    if _is_byte_level(tokenizer) and all(char in BYTE_OF for char in token):
        return bytes(BYTE_OF[char] for char in token)
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):  # SentencePiece's byte fallback
        return bytes([int(token[3:5], 16)])
    return token.replace("▁", " ")


def _is_byte_level(tokenizer: Any) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return hasattr(tokenizer, "byte_decoder") or "ByteLevel" in f"{getattr(backend, 'decoder', '')}"


def _spell(pieces: list[str | bytes]) -> list[str]:
    """Readable texts for the first piece and for those it shares a character with."""
    together = b""
    for count, piece in enumerate(pieces, start=1):
        if isinstance(piece, str):
            if count == 1:
                return [visible(piece)]
            break
        together += piece
        try:
            text = together.decode("utf-8")
        except UnicodeDecodeError:
            continue
        return [visible(text)] if count == 1 else [f"{visible(text)} {k}/{count}" for k in range(1, count + 1)]
    return [" ".join(f"{byte:02X}" for byte in pieces[0])]


def visible(text: str) -> str:
    """`text` with blanks one can see, and with a name in place of what has no shape of its own.

    >>> visible(" cat"), visible("\\n"), visible("\\u200d"), visible("\\u0651")
    ('·cat', '↵', 'U+200D', '◌ّ')
    """
    text = text.replace(" ", "·").replace("\n", "↵").replace("\t", "⇥")
    if not text.strip() or all(unicodedata.category(char).startswith("C") for char in text):
        return " ".join(f"U+{ord(char):04X}" for char in text) or "(nothing)"
    bare = text.removeprefix("##")
    if unicodedata.category(bare[:1] or "a").startswith("M"):  # an accent needs something to stand on
        return text[: len(text) - len(bare)] + "◌" + bare
    return text


def _byte_alphabet() -> dict[str, int]:
    """The letters that byte-level tokenizers write for bytes: printable ones stand for themselves.

    Radford et al. 2019 (GPT-2), bytes_to_unicode in their encoder.py.
    """
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + k): byte for k, byte in enumerate(rest)}


BYTE_OF = _byte_alphabet()
