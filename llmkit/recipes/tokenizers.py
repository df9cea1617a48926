"""The tokenizers of the bundled models, learned from tales; each is learned once and kept beside the checkpoints."""

from itertools import islice
from pathlib import Path

from llmkit.tales import tales
from llmkit.tokenization import BPE
from llmkit.wordpiece import WordPiece

TEXTS = 20_000
PAIRS = 2_000  # tales with their Chinese: a clause counts as one word there, so few are enough and more are slow


def english(work: Path, vocab_size: int = 1536) -> BPE:
    """Byte-level BPE of the decoders: <pad> 0, <s> 1, </s> 2, the bytes, then 1,277 merges."""
    folder = work / "tokenizer-english"
    if not (folder / "tokenizer.json").exists():
        texts = (tale.text for tale in islice(tales("train", seed=1), TEXTS))
        BPE.train(texts, vocab_size, special=("<pad>", "<s>", "</s>")).save(folder)
    return BPE.from_file(folder)


def lower_english(work: Path, vocab_size: int = 1500) -> WordPiece:
    """WordPiece of the encoders, in lower case, learned from tales and the questions about them: [PAD] [UNK] [CLS] [SEP]
    [MASK] are 0 to 4. All but the rarest words are one piece."""
    folder = work / "tokenizer-lower-english"
    if not (folder / "tokenizer.json").exists():
        some = islice(tales("train", seed=1), TEXTS // 2)
        texts = (text for tale in some for text in (tale.text, *(asked.question for asked in tale.questions)))
        WordPiece.train(texts, vocab_size).save(folder)
    return WordPiece.from_file(folder)


def bilingual(work: Path, vocab_size: int = 2560) -> BPE:
    """Byte-level BPE of the translator: <pad> 0, </s> 1, the bytes, then 2,302 merges, English and Chinese ones."""
    folder = work / "tokenizer-bilingual"
    if not (folder / "tokenizer.json").exists():
        learned = islice(tales("train", seed=1), PAIRS)
        texts = (
            text for tale in learned
            for text in (f"translate: {tale.text}", tale.translation, f"summarize: {tale.summary}")
        )  # fmt: skip
        BPE.train(texts, vocab_size, special=("<pad>", "</s>")).save(folder, suffix=("</s>",))
    return BPE.from_file(folder)
