"""Tiny random models and tokenizers for the tests of decoding, with weights large enough that their texts vary."""

import torch
import transformers as hf

from llmkit.transformer import Config, Transformer

V = 61
LLAMA = {"vocab_size": V, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
         "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
THEIRS = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**LLAMA)),
    "llama, two key-value heads": lambda: hf.LlamaForCausalLM(
        hf.LlamaConfig(**LLAMA, num_key_value_heads=2, tie_word_embeddings=True)),
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(
        vocab_size=V, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=None, pad_token_id=0)),
    "t5": lambda: hf.T5ForConditionalGeneration(hf.T5Config(
        vocab_size=V, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False, decoder_start_token_id=0, eos_token_id=None, pad_token_id=0)),
}


def shaken(model, size=0.25, seed=1):
    """Evaluation mode, every weight moved at random."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight += size * torch.randn(weight.shape, generator=generator)
    return model.eval()


def their_model(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return shaken(THEIRS[name]())


def our_model(seed=1, size=0.25, **choices):
    options = {"vocab_size": V, "width": 32, "num_layers": 2, "num_heads": 4, "context": 64, **choices}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return shaken(Transformer(Config(**options)), size, seed)


def random_rows(*lengths, seed=0, vocab_size=V):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocab_size, (length,), generator=generator).tolist() for length in lengths]


class ByteTokenizer:
    """The simplest byte-level tokenizer: `<s>` 0, `</s>` 1, then the 256 bytes."""

    special = ("<s>", "</s>")
    vocab = {"<s>": 0, "</s>": 1}  # noqa: RUF012 - never changed

    def encode(self, text):
        return [2 + byte for byte in text.encode()]

    def decode(self, ids, skip_special=False):
        names = () if skip_special else ("<s>", "</s>")
        return b"".join(bytes([i - 2]) if i > 1 else "".join(names[i : i + 1]).encode() for i in ids).decode("utf-8", "replace")


class Parrot(Transformer):
    """A model that says one text, whatever it reads, and then the end token: what comes out is known in advance."""

    def __init__(self, text, tokenizer, prompt_length):
        super().__init__(Config(vocab_size=258, width=8, num_layers=1, num_heads=1, context=512, positions="none"))
        self.ids, self.prompt_length = [*tokenizer.encode(text), 1], prompt_length
        self.eval()

    def forward(self, tokens, keep=None, *, cache, **others):
        cache.length += tokens.shape[1]
        at = cache.length - self.prompt_length
        logits = torch.zeros(*tokens.shape, 258)
        logits[:, -1, self.ids[min(at, len(self.ids) - 1)]] = 9.0
        return logits
