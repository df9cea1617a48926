"""A start for models with RoPE: heads that lean on what is near before they have learned anything.

To copy a name, a head must know what stood before it, so another must first learn to look one token back. With RoPE
nothing favors near tokens at the start, and training waits on a plateau until this is found. ALiBi has no such
plateau, since its penalty for distance is there from the first step. This gives RoPE the same: all embeddings share
a component, and the query and key that it makes turn with the position, so their product falls with distance.
It only sets the start; every weight is trained. It was measured on repeated random tokens (`make bench ONLY=near`);
how much of what tales-gpt-mini learns is owed to it has not been measured.
"""

import math

import torch

from llmkit.transformer import Transformer

STRENGTHS = (16.0, 8.0, 4.0, 1.0)  # score of a token with itself, for one head after another, over and over
COMMON = 0.1  # what all embeddings share, beside noise of width 0.02


@torch.no_grad()
def lean_on_the_near(model: Transformer, strengths: tuple[float, ...] = STRENGTHS) -> Transformer:
    """Set the first column of embeddings, queries and keys, so that head h of every layer starts with the scores

        strengths[h] * mean over i of cos(theta_i * distance)

    where theta_i are the angles of RoPE. Returns the model. `make bench ONLY=near` measures what it is worth.
    """
    config = model.config
    if config.positions != "rope" or config.kind != "decoder":
        raise ValueError(f"This start is for decoders with RoPE; got a {config.kind} with positions={config.positions!r}.")
    spread = (model.embedding.weight[:, 1:].square().sum(-1).mean() + COMMON**2) / config.width
    shared = COMMON / math.sqrt(spread)  # of the stream after the first norm
    model.embedding.weight[:, 0] = COMMON
    keys = math.sqrt(max(strengths)) / config.head_dim**0.25 / shared
    for block in model.decoder.blocks:
        block.attention.key.weight[:, 0] = keys
        for head in range(config.num_heads):
            rows = slice(head * config.head_dim, (head + 1) * config.head_dim)
            strength = strengths[head % len(strengths)]
            block.attention.query.weight[rows, 0] = strength / (math.sqrt(config.head_dim) * shared**2 * keys)
    return model
