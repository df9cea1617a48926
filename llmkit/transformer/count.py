"""How many numbers a model learns, and how much arithmetic it does, from its Config alone. Built in lesson 07.

Shape letters: B batch, T tokens, S source tokens, C model width, H heads, Hkv key-value heads, D head width, F inner width.
"""

from llmkit.transformer.config import Config


def count_parameters(config: Config) -> dict[str, int]:
    """Learned numbers, part by part; their sum is the model's `num_parameters()`.

    >>> count = count_parameters(Config(vocab_size=100, width=64, num_layers=2, num_heads=4))
    >>> count["attention"], sum(count.values())
    (32768, 107072)

    Equation 7.12.
    """
    width, inner, layers = config.width, config.inner_width, config.num_layers
    stacks = 2 if config.kind == "encoder-decoder" else 1
    attentions = {"encoder": 1, "decoder": 1, "encoder-decoder": 3}[config.kind]  # in a layer of each stack together
    norm = 2 * width if config.norm == "layer" else width
    biases = int(config.bias)
    out, back = config.num_heads * config.head_dim, config.kv_heads * config.head_dim
    attention = 2 * width * (out + back) + biases * (out + 2 * back + width)
    matrices = 3 if config.is_gated else 2
    feed_forward = matrices * width * inner + biases * ((matrices - 1) * inner + width)
    positions = {"learned": config.context * width, "relative": config.num_buckets * config.num_heads}.get(config.positions, 0)
    return {
        "embedding": config.vocab_size * width,
        "positions and segments": stacks * positions + config.num_segments * width,
        "attention": layers * attentions * attention,
        "feed-forward": layers * stacks * feed_forward,
        "norms": norm * (layers * (attentions + stacks) + stacks),
        "head": 0 if config.tied or config.kind == "encoder" else config.vocab_size * width,
    }


def count_flops(config: Config, tokens: int, sources: int = 0) -> dict[str, int]:
    """Multiplications and additions of all matrix products in one pass over a text; two for each multiply-add.

    Of an encoder-decoder, `sources` tokens are read and `tokens` written. Norms, activations and softmax are left out:
    they are few beside the products, if not always fast. Masked scores count, as they do in a plain program.

    >>> count_flops(Config(vocab_size=100, width=64, num_layers=2, num_heads=4), tokens=10)["scores and mixing"]
    51200

    Equation 7.13.
    """
    out, back = config.num_heads * config.head_dim, config.kv_heads * config.head_dim
    asking, answering = 2 * config.width * 2 * out, 2 * config.width * 2 * back  # query and output; key and value; a token
    thinking = 2 * (3 if config.is_gated else 2) * config.width * config.inner_width
    looks = [(sources, sources), (tokens, tokens), (tokens, sources)] if config.kind == "encoder-decoder" else [(tokens, tokens)]
    writers = sources + tokens if config.kind == "encoder-decoder" else tokens
    has_head = config.kind != "encoder"
    return {
        "projections": config.num_layers * sum(asking * t + answering * s for t, s in looks),
        "scores and mixing": config.num_layers * sum(4 * t * s * out for t, s in looks),
        "feed-forward": config.num_layers * thinking * writers,
        "head": 2 * tokens * config.width * config.vocab_size * has_head,
    }
