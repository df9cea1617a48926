"""A start for T5: words that stay audible, and heads that look next door before they have learned anything.

T5 knows where a token stands only from one learned number for each distance and head. They begin near 0, and a step of
AdamW moves them by a few thousandths, so for its first thousand steps the model reads a bag of words, and cannot tell
the token before from all the others. Here they begin as penalties for distance, as ALiBi's are, or for being anywhere
but next door.

Muon makes what the blocks add to the stream large within a few hundred steps: several times 1. Embeddings of width 0.02
would drown in it, and with them the names and things that are to be translated; so they begin with width 1.5 (T5's with 1).
And T5 does not divide its scores by the root of the head's width, which with Muon's steps makes every head look at one
token only, early on. So they are divided in training, and afterwards the queries are made smaller by as much.
All this only sets the start; every number is trained.
"""

import math
from dataclasses import replace

import torch

from llmkit.positions import relative_buckets
from llmkit.transformer import Config, Transformer

FARTHEST = 256  # tokens away
BACKWARD = ((-1, 4.0), (0, 1.0), (0, 0.2), (0, 0.02))  # for each head: the place it likes best, what each step from it costs
BOTH_WAYS = ((-1, 4.0), (1, 4.0), (0, 0.5), (0, 0.02))


def beginner(config: Config) -> Transformer:
    """An untrained T5 with both: wide embeddings, and heads that look next door."""
    model = Transformer(config)
    torch.nn.init.normal_(model.embedding.weight, std=1.5)
    return look_next_door(model)


@torch.no_grad()
def look_next_door(model: Transformer) -> Transformer:
    """Set the table of distances of both stacks, so that head h begins with the scores -cost[h] |place - liked[h]|.

    `place` is the key's minus the query's. Where several places share an entry of the table, the nearest one sets it.
    Returns the model.

    >>> from llmkit.recipes.t5 import SHAPE
    >>> look_next_door(Transformer(SHAPE)).decoder.distance_bias.weight.data[:3, 0].abs()  # itself, one back, two back
    tensor([4., 0., 4.])
    """
    config = model.config
    if config.positions != "relative":
        raise ValueError(f"This start is for models with relative positions; got positions={config.positions!r}.")
    for stack, wishes in ((model.encoder, BOTH_WAYS), (model.decoder, BACKWARD)):
        if stack is None:
            continue
        for distance in range(FARTHEST, -1, -1):
            for place in (-distance, distance) if not stack.is_causal else (-distance,):
                bucket = relative_buckets(torch.tensor(place), stack.is_causal, config.num_buckets, config.max_distance)
                for head in range(config.num_heads):
                    liked, cost = wishes[head % len(wishes)]
                    stack.distance_bias.weight[bucket, head] = -cost * abs(place - liked)
    return model


@torch.no_grad()
def without_scale(model: Transformer) -> Transformer:
    """The same function in T5's form: queries divided by the root of the head's width instead of the scores."""
    config = model.config
    result = Transformer(replace(config, scale_scores=False)).eval()
    result.load_state_dict(model.state_dict())
    for name, weight in result.named_parameters():
        if config.scale_scores and name.endswith("attention.query.weight"):
            weight /= math.sqrt(config.head_dim)
    return result
