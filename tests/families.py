"""Tiny random models of four families, each with a tokenizer of its kind, made here without any download."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    LlamaConfig,
    LlamaModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5Model,
)

CORPUS = ["the cat sat on the mat because it was tired", "a dog ran home", "the mats were warm"] * 4
VOCAB = 400
L, H, C = 3, 4, 32


def word_piece() -> PreTrainedTokenizerFast:
    """As BERT's: [CLS] and [SEP] around the text, "##" before the rest of a word."""
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer, inner.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    inner.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=60, special_tokens=specials))
    ends = [("[CLS]", inner.token_to_id("[CLS]")), ("[SEP]", inner.token_to_id("[SEP]"))]
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]")


def byte_level() -> PreTrainedTokenizerFast:
    """As GPT-2's: bytes written as letters, no special token around the text and none to pad with."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    return PreTrainedTokenizerFast(tokenizer_object=inner)


def sentence_piece(end: str | None = None) -> PreTrainedTokenizerFast:
    """As Llama's and T5's: "▁" for a space, bytes such as <0xF0> for what the vocabulary lacks."""
    pieces = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁the", "▁cat", "▁sat", "▁on", "▁mat", "s"]
    scores = [(piece, -float(i)) for i, piece in enumerate(pieces)]
    inner = Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=True))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    if end:
        inner.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>", eos_token=end)


def bert(**options):
    sizes = {"vocab_size": VOCAB, "hidden_size": C, "num_hidden_layers": L, "num_attention_heads": H, "intermediate_size": 37}
    return BertModel(BertConfig(**sizes, max_position_embeddings=64, **options))


def gpt2(**options):
    return GPT2Model(GPT2Config(vocab_size=VOCAB, n_embd=C, n_layer=L, n_head=H, n_positions=64, bos_token_id=0, eos_token_id=0, **options))


def llama():
    sizes = {"vocab_size": VOCAB, "hidden_size": C, "num_hidden_layers": L, "num_attention_heads": H, "intermediate_size": 37}
    return LlamaModel(LlamaConfig(**sizes, num_key_value_heads=2, max_position_embeddings=64))


def t5():
    return T5Model(T5Config(vocab_size=VOCAB, d_model=C, d_kv=8, d_ff=37, num_layers=L, num_heads=H))


FAMILIES = {
    "bert": (bert, word_piece, False),
    "gpt2": (gpt2, byte_level, True),
    "llama": (llama, sentence_piece, True),
    "t5": (t5, lambda: sentence_piece("</s>"), False),
}
