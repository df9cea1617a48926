"""The two sublayers of a block, attention and feed-forward, and the norms between them. Built in lessons 06 and 07.

Shape letters: B batch, T query tokens, S key tokens, C model width, H heads, Hkv key-value heads, D head width.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.attention import AttentionTrace, attend, dot_score, merge_heads
from llmkit.positions import rope
from llmkit.shapes import Tensor
from llmkit.transformer.cache import KVCache
from llmkit.transformer.config import GATED, Config
from llmkit.transformer.stacked import Stacked, is_plain


@dataclass
class View:
    """Who may look at whom, and from where: what all layers of one forward pass share."""

    mask: Tensor | None = None  # (B or 1, 1, T, S) True = may look; None: at everything, or at what came before
    is_causal: bool = False  # True: at what came before; then there is no mask, and the fast kernel skips the rest
    bias: Tensor | None = None  # (1, H, T, S) added to the scores: ALiBi, or T5's buckets
    cos: Tensor | None = None  # (T, 1, D) or (B, T, 1, D): RoPE's tables at the positions of the tokens
    sin: Tensor | None = None
    cache: KVCache | None = None
    record: list[AttentionTrace] | None = None  # every attention, when somebody wants to see it
    score_mask: Tensor | None = field(init=False)  # mask and bias in one, as the fast kernel wants it

    def __post_init__(self) -> None:
        self.score_mask = self.mask if self.bias is None else self.bias
        if self.bias is not None and self.mask is not None:
            self.score_mask = self.bias.masked_fill(~self.mask, -math.inf)  # (B, H, T, S)


class Attention(nn.Module):
    """Multi-head attention: project, turn, look, project back.

    With fewer key-value heads than heads, neighboring heads share one (Ainslie et al. 2023, arXiv:2305.13245).
    Built in lesson 06. Vaswani et al. 2017, arXiv:1706.03762, section 3.2.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.num_heads, config.kv_heads, config.head_dim
        self.scale = 1 / math.sqrt(config.head_dim) if config.scale_scores else 1.0
        self.query = nn.Linear(config.width, self.heads * self.head_dim, config.bias)
        self.key = nn.Linear(config.width, self.kv_heads * self.head_dim, config.bias)
        self.value = nn.Linear(config.width, self.kv_heads * self.head_dim, config.bias)
        self.output = nn.Linear(self.heads * self.head_dim, config.width, config.bias)
        self.stacked = Stacked()

    def forward(self, hidden: Tensor, view: View, layer: int) -> Tensor:
        """Self-attention: queries, keys and values all come from `hidden` (B, T, C)."""
        together = self.stacked(hidden, (self.query, self.key, self.value))  # (B, T, (H + 2 Hkv) D)
        heads = together.view(*hidden.shape[:2], -1, self.head_dim)  # (B, T, H + 2 Hkv, D)
        turning, value = heads.split((self.heads + self.kv_heads, self.kv_heads), 2)
        if view.cos is not None:
            turning = rope(turning, view.cos, view.sin)  # queries and keys turn alike
        query, key = turning.split((self.heads, self.kv_heads), 2)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)  # (B, H or Hkv, T, D)
        if view.cache is not None:
            key, value = view.cache.append(layer, key, value)  # (B, Hkv, S, D)
        return self.look(query, key, value, view)

    def read(self, hidden: Tensor, memory: Tensor | None, view: View, layer: int) -> Tensor:
        """Cross-attention: queries come from `hidden` (B, T, C), keys and values from an encoder's `memory` (B, S, C)."""
        query = self.query(hidden).unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)  # (B, H, T, D)
        if view.cache is not None and len(view.cache.memory) > layer:
            return self.look(query, *view.cache.memory[layer], view)
        together = self.stacked(memory, (self.key, self.value))  # (B, S, 2 Hkv D)
        key, value = together.unflatten(-1, (2, self.kv_heads, self.head_dim)).permute(2, 0, 3, 1, 4)  # (B, Hkv, S, D) twice
        if view.cache is not None:
            view.cache.memory.append((key, value))
        return self.look(query, key, value, view)

    def look(self, query: Tensor, key: Tensor, value: Tensor, view: View) -> Tensor:
        """Weigh the values (B, Hkv, S, D) for each query (B, H, T, D), then lay the heads side by side and project."""
        batch, _, tokens, _ = query.shape
        if view.record is not None:
            return self.output(merge_heads(self.look_slowly(query, key, value, view)))
        if tokens == 1 and view.bias is None:  # heads that share keys are asked together, as if they were tokens
            query = query.view(batch, self.kv_heads, -1, self.head_dim)  # (B, Hkv, H/Hkv, D)
        elif self.heads != self.kv_heads:
            key, value = self.share(key), self.share(value)  # (B, H, S, D)
        heads = F.scaled_dot_product_attention(
            query, key, value, attn_mask=view.score_mask, is_causal=view.is_causal, scale=self.scale
        )
        if tokens > 1:
            heads = heads.transpose(1, 2)  # (B, T, H, D)
        return self.output(heads.reshape(batch, tokens, -1))  # (B, T, C)

    def look_slowly(self, query: Tensor, key: Tensor, value: Tensor, view: View) -> Tensor:
        """The same with every step kept in `view.record`, by the formula of lesson 05."""

        def score(query: Tensor, key: Tensor) -> Tensor:
            scores = dot_score(query, key) * self.scale  # (B, H, T, S)
            return scores if view.bias is None else scores + view.bias

        mask = view.mask
        if view.is_causal:
            mask = query.new_ones(query.shape[2], key.shape[2]).tril().bool()
        seen = attend(query, self.share(key), self.share(value), mask, score)
        view.record.append(seen)
        return seen.output

    def share(self, heads: Tensor) -> Tensor:
        """Each key-value head once for every head that shares it: (B, Hkv, S, D) to (B, H, S, D)."""
        if self.heads == self.kv_heads:
            return heads
        return heads.repeat_interleave(self.heads // self.kv_heads, 1)


class FeedForward(nn.Module):
    """Each token thinks for itself: out to a wider layer and back, plain or gated.

    Plain: `outer(activation(inner(x)))`. Gated: `down(activation(gate(x)) * up(x))` (Shazeer 2020, arXiv:2002.05202).
    Built in lesson 07.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.activation = config.activation
        wide, narrow = (config.width, config.inner_width, config.bias), (config.inner_width, config.width, config.bias)
        if config.is_gated:
            self.gate, self.up, self.down = nn.Linear(*wide), nn.Linear(*wide), nn.Linear(*narrow)
            self.stacked = Stacked()
        else:
            self.inner, self.outer = nn.Linear(*wide), nn.Linear(*narrow)

    def forward(self, hidden: Tensor) -> Tensor:
        if self.activation in GATED:
            gate, up = self.stacked(hidden, (self.gate, self.up)).chunk(2, -1)  # (B, T, F) twice
            gate = F.silu(gate) if self.activation == "swiglu" else F.gelu(gate, approximate="tanh")
            return self.down(gate * up)
        inner = self.inner(hidden)  # (B, T, F)
        if self.activation == "relu":
            return self.outer(F.relu(inner))
        approximate = "tanh" if self.activation == "gelu_tanh" else "none"
        if torch.is_grad_enabled() or not is_plain(self.inner):
            return self.outer(F.gelu(inner, approximate=approximate))
        return self.outer(torch.ops.aten.gelu_(inner, approximate=approximate))  # in place: it is the largest tensor here


def make_norm(config: Config) -> nn.Module:
    """LayerNorm (Ba et al. 2016, arXiv:1607.06450), or RMSNorm, which only scales (Zhang and Sennrich 2019, arXiv:1910.07467)."""
    if config.norm == "rms":
        return nn.RMSNorm(config.width, config.norm_eps)
    return nn.LayerNorm(config.width, config.norm_eps)
