"""A tiny random Llama with its own byte-level BPE, saved as `transformers` saves models: what tinylm is tested with."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from llmkit import models
from llmkit.tales import tales
from llmkit.widgets import tinylm

SPECIAL = ["<pad>", "<s>", "</s>"]
SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
REAL = {"hidden_size": 128, "intermediate_size": 320, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2}  # tales-gpt-mini
STRINGS = [
    "", " ", "Nora the fox woke early, because it was the day of the fair.", "  two  spaces\n\nand\tlines \r\n", "it's we'll I'd THEY'RE",
    "🦊🪁 flags 🇨🇭 and families 👩‍👩‍👧‍👦", "天上有明月,水中也有明月。", "مرحبا بالعالم، كيف حالك؟", "שלום עולם", "नमस्ते दुनिया", "e\u0301 vs é", "x²+½=Ⅷ №5",
    "\u00a0no-break\u2003em\u3000wide\u200bzero\x85next\ufeffmark\x1c\x00", "</s><s> a <pad>b</s", "<scr" + "ipt>alert(1)</scr" + "ipt>", "a" * 300, "漢" * 40, "...!?—–…“”", "_under_score_ 3.14 1,000",
]  # fmt: skip


def make_tokenizer(vocab_size: int = 500, prefix: bool = False):
    """A byte-level BPE trained on tales by the `tokenizers` library."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([*(tale.text for tale in islice(tales("train", 0), 200)), "明月 明月 مرحبا مرحبا 🦊🦊 the the"], trainer)
    return tokenizer


def save(folder: Path, context: int = 48, spread: float = 12.0, vocab_size: int = 500, is_whole: bool = False, **config: Any):
    """The model and its tokenizer, also written to `folder`; `spread` makes its opinions strong enough to tell apart.

    The weights are exact in half precision, or with `is_whole` in int8, so that packing them loses nothing.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=make_tokenizer(vocab_size), bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    settings = {"vocab_size": len(tokenizer), "max_position_embeddings": context, "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2}
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**settings | SIZES | config, attn_implementation="eager")).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(spread) if parameter.ndim == 2 else parameter.add_(0.1 * torch.randn_like(parameter))
            if is_whole and parameter.ndim == 2:
                whole, scale = tinylm.quantize(parameter)
                parameter.copy_(whole * scale[:, None])
            else:
                parameter.copy_(parameter.half())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model, tokenizer


@contextmanager
def as_the_books_own(folder: Path) -> Iterator[None]:
    """For a while the model in `folder`, which is called tales-gpt-mini, is the only one that the book carries."""
    digest = hashlib.sha256((folder / models.WEIGHTS).read_bytes()).hexdigest()
    manifest = {folder.name: {"sha256": digest, "does": "nothing", "license": "MIT"}}
    (folder.parent / models.MANIFEST).write_text(json.dumps(manifest))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "BUNDLED", folder.parent)
        yield
