"""The block, and a stack of them with everything around it. Built in lesson 07.

Shape letters: B batch, T tokens, S source tokens, C model width, L layers.
"""

import math

import torch
from torch import nn

from llmkit.positions import alibi_bias, relative_buckets, relative_positions, rope_tables, sinusoidal
from llmkit.shapes import Tensor
from llmkit.transformer.config import Config
from llmkit.transformer.layers import Attention, FeedForward, View, make_norm


class Block(nn.Module):
    """Look around, think, and each time add what was found to the stream.

    In a decoder that reads an encoder's output there is a second look, at the `memory`.
    """

    def __init__(self, config: Config, reads_memory: bool = False):
        super().__init__()
        self.is_pre_norm = config.norm_place == "pre"
        self.attention, self.attention_norm = Attention(config), make_norm(config)
        self.reads_memory = reads_memory
        if reads_memory:
            self.cross_attention, self.cross_norm = Attention(config), make_norm(config)
        self.feed_forward, self.feed_forward_norm = FeedForward(config), make_norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, hidden: Tensor, view: View, layer: int, memory: Tensor | None = None, memory_view: View | None = None
    ) -> Tensor:
        if self.is_pre_norm:
            hidden = hidden + self.drop(self.attention(self.attention_norm(hidden), view, layer))
            if self.reads_memory:
                hidden = hidden + self.drop(self.cross_attention.read(self.cross_norm(hidden), memory, memory_view, layer))
            return hidden + self.drop(self.feed_forward(self.feed_forward_norm(hidden)))
        hidden = self.attention_norm(hidden + self.drop(self.attention(hidden, view, layer)))
        if self.reads_memory:
            hidden = self.cross_norm(hidden + self.drop(self.cross_attention.read(hidden, memory, memory_view, layer)))
        return self.feed_forward_norm(hidden + self.drop(self.feed_forward(hidden)))

    def drop(self, added: Tensor) -> Tensor:
        return self.dropout(added) if self.training and self.dropout.p else added


class Stack(nn.Module):
    """Positions, L blocks, and the norm at one end: an encoder, or a decoder."""

    def __init__(self, config: Config, is_causal: bool, reads_memory: bool = False):
        super().__init__()
        self.config, self.is_causal = config, is_causal
        if config.num_segments:
            self.segments = nn.Embedding(config.num_segments, config.width)
        if config.positions == "learned":
            self.positions = nn.Embedding(config.context, config.width)
        elif config.positions == "sinusoidal":
            self.register_buffer("waves", sinusoidal(config.context, config.width), persistent=False)  # (context, C)
        elif config.positions == "rope":
            tables = rope_tables(torch.arange(config.context), config.head_dim, config.rope_base, config.rope_scale)
            for name, table in zip(("cos", "sin"), tables, strict=True):
                self.register_buffer(name, table.float()[:, None], persistent=False)  # (context, 1, D)
        elif config.positions == "relative":
            self.distance_bias = nn.Embedding(config.num_buckets, config.num_heads)
        self.blocks = nn.ModuleList(Block(config, reads_memory) for _ in range(config.num_layers))
        self.norm = make_norm(config)  # pre: after the last block; post: after the embeddings

    def embed(self, hidden: Tensor, places: slice | Tensor, segments: Tensor | None) -> Tensor:
        """Add to the embeddings (B, T, C) what is said about positions and segments."""
        config = self.config
        if config.num_segments:
            hidden = hidden + (self.segments.weight[0] if segments is None else self.segments(segments))
        if config.positions == "learned":
            hidden = hidden + self.positions.weight[places]
        elif config.positions == "sinusoidal":
            hidden = hidden * math.sqrt(config.width) + self.waves[places]  # as Vaswani et al., section 3.4
        hidden = hidden if config.norm_place == "pre" else self.norm(hidden)
        return self.blocks[0].drop(hidden)

    def tables(self, places: slice | Tensor) -> dict[str, Tensor]:
        """RoPE's tables at these places, (T, 1, D) or (B, T, 1, D); nothing for other models."""
        return {"cos": self.cos[places], "sin": self.sin[places]} if self.config.positions == "rope" else {}

    def bias(self, tokens: int, sources: int) -> Tensor | None:
        """What distance adds to the scores (1, H, T, S); None where it adds nothing."""
        if self.config.positions == "alibi":
            return alibi_bias(self.config.num_heads, tokens, sources).to(self.norm.weight)[None]
        if self.config.positions != "relative":
            return None
        relative = relative_positions(tokens, sources).to(self.norm.weight.device)
        buckets = relative_buckets(relative, self.is_causal, self.config.num_buckets, self.config.max_distance)
        return self.distance_bias(buckets).permute(2, 0, 1)[None]

    def forward(
        self,
        hidden: Tensor,
        view: View,
        memory: Tensor | None = None,
        memory_view: View | None = None,
        record: list[Tensor] | None = None,
    ) -> Tensor:
        """The hidden states (B, T, C) after the last block, and after the last norm where there is one."""
        for layer, block in enumerate(self.blocks):
            hidden = block(hidden, view, layer, memory, memory_view)
            if record is not None:
                record.append(hidden)
        return self.norm(hidden) if self.config.norm_place == "pre" else hidden
