"""The tokenizers of the bundled models, learned from tales; each is learned once and kept beside the checkpoints."""

from itertools import islice
from pathlib import Path

from llmkit.tales import tales
from llmkit.tokenization import BPE

TEXTS = 20_000


def english(work: Path, vocab_size: int = 1536) -> BPE:
    """Byte-level BPE of the decoders: <pad> 0, <s> 1, </s> 2, the bytes, then 1,277 merges."""
    folder = work / "tokenizer-english"
    if not (folder / "tokenizer.json").exists():
        texts = (tale.text for tale in islice(tales("train", seed=1), TEXTS))
        BPE.train(texts, vocab_size, special=("<pad>", "<s>", "</s>")).save(folder)
    return BPE.from_file(folder)
