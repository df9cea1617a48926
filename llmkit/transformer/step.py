"""One token, one step: what a decoder does while it writes, with nothing in between. Built in lesson 16.

A step of a small model is so little arithmetic that most of the time goes into everything around it: modules that
call modules, norms in six operations, tensors cut and copied. `Step` does the same sums with the weights laid out for
it beforehand: queries, keys and values in one matrix, gate and up in another, all transposed, each norm's gain multiplied
into the matrix that follows it. A test says that the logits are those of the model itself.

Shape letters: B batch, C model width, H heads, Hkv key-value heads, D head width, F inner width, V vocabulary.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.shapes import Tensor
from llmkit.transformer.block import Block, Stack
from llmkit.transformer.cache import KVCache
from llmkit.transformer.layers import Attention, FeedForward
from llmkit.transformer.stacked import Stacked, is_plain, same, versions

LARGEST = 50_000_000  # parameters: a larger model is busy with its arithmetic, and its weights are not copied
KNOWN = (Stack, Block, Attention, FeedForward, Stacked, nn.ModuleList, nn.Linear, nn.Embedding, nn.RMSNorm, nn.Dropout)


class Step:
    """The weights of a decoder of Llama's kind, laid out for one new token a row."""

    def __init__(self, model: Any):
        config, decoder = model.config, model.decoder
        self.heads, self.kv_heads, self.head_dim = config.num_heads, config.kv_heads, config.head_dim
        self.scale = 1 / math.sqrt(config.head_dim) if config.scale_scores else 1.0
        self.versions = versions(parts_of(model))
        last = model.embedding if model.head is None else model.head
        self.cos, self.sin = decoder.cos, decoder.sin  # (context, 1, D)
        self.eps = torch.full_like(decoder.norm.weight[:1], config.width * config.norm_eps)
        self.layers = [_laid_out(block, math.sqrt(config.width)) for block in decoder.blocks]
        self.into_logits = _transposed(math.sqrt(config.width) * decoder.norm.weight, last)  # (C, V)
        columns = torch.arange((self.heads + 2 * self.kv_heads) * self.head_dim, device=self.eps.device)
        self.swap = columns.view(-1, self.head_dim).roll(self.head_dim // 2, -1).flatten()  # RoPE's halves, swapped
        self.still = torch.ones_like(self.cos[0]).expand(self.kv_heads, -1)  # the cosine of no turn, for the values

    def __call__(self, stream: Tensor, cache: KVCache) -> Tensor:
        """Logits (B, V) for the embeddings (B, C) of one new token a row; the cache takes its keys and values."""
        batch, place = stream.shape[0], cache.length
        turning = self.heads + self.kv_heads  # queries and keys turn, values do not
        cos = torch.cat([self.cos[place].expand(turning, -1), self.still]).flatten()  # ((H + 2 Hkv) D,)
        sin = torch.cat([self.sin[place].expand(turning, -1), self.still - 1]).flatten()
        slots = cache.store.flatten(2, 3).select(3, place).unbind(0)  # (B, 2 Hkv, D) in every layer: where new ones go
        seen = cache.store.narrow(4, 0, place + 1)  # (L, B, 2, Hkv, S, D)
        keys, values = seen.select(2, 0).unbind(0), seen.select(2, 1).unbind(0)
        for layer, (into_heads, out_of_heads, into_inner, out_of_inner) in enumerate(self.layers):
            heads = torch.mm(self.normed(stream), into_heads)  # (B, (H + 2 Hkv) D)
            heads = torch.addcmul(heads * cos, heads.index_select(1, self.swap), sin).view(batch, -1, self.head_dim)
            slots[layer].copy_(heads.narrow(1, self.heads, 2 * self.kv_heads))
            query = heads.narrow(1, 0, self.heads).reshape(batch, self.kv_heads, -1, self.head_dim)  # (B, Hkv, H/Hkv, D)
            looked = F.scaled_dot_product_attention(query, keys[layer], values[layer], scale=self.scale)
            stream = torch.addmm(stream, looked.view(batch, -1), out_of_heads)  # (B, C)
            gate, up = torch.mm(self.normed(stream), into_inner).chunk(2, -1)  # (B, F) twice
            stream = torch.addmm(stream, F.silu(gate).mul_(up), out_of_inner)
        cache.length += 1
        return torch.mm(self.normed(stream), self.into_logits)  # (B, V)

    def is_of(self, model: Any) -> bool:
        """True while the model's weights are those that were laid out."""
        return same(self.versions, versions(parts_of(model)))

    def normed(self, stream: Tensor) -> Tensor:
        """RMSNorm without its gain and without sqrt(C), which the next matrix holds: x / sqrt(sum(x^2) + C eps)."""
        length = torch.linalg.vector_norm(stream, dim=-1, keepdim=True)  # (B, 1)
        return stream * torch.addcmul(self.eps, length, length).rsqrt_()


def can_step(model: Any) -> bool:
    """True when the short way is the same way: Llama's choices, plain modules that nobody listens to, no dropout."""
    config = model.config
    is_llama = (config.kind, config.norm, config.norm_place, config.activation, config.positions, config.bias) == (
        "decoder", "rms", "pre", "swiglu", "rope", False)
    if not is_llama or config.scale_logits or (model.training and config.dropout) or model.num_parameters() > LARGEST:
        return False
    return all(is_plain(part, KNOWN) for top in parts_of(model) for part in top.modules())


def parts_of(model: Any) -> list[nn.Module]:
    """The modules whose weights a step needs."""
    return [part for part in (model.embedding, model.decoder, model.head) if part is not None]


def _laid_out(block: Block, root: float) -> tuple[Tensor, ...]:
    """The matrices of a block in the order in which a step needs them."""
    attention, feed_forward = block.attention, block.feed_forward
    before, between = root * block.attention_norm.weight, root * block.feed_forward_norm.weight  # (C,)
    return (
        _transposed(before, attention.query, attention.key, attention.value),  # (C, (H + 2 Hkv) D)
        _transposed(None, attention.output),  # (H D, C)
        _transposed(between, feed_forward.gate, feed_forward.up),  # (C, 2 F)
        _transposed(None, feed_forward.down),  # (F, C)
    )


def _transposed(gain: Tensor | None, *layers: nn.Linear | nn.Embedding) -> Tensor:
    """The weights of `layers` side by side, (in, out) in memory, each row multiplied by its `gain`."""
    weight = torch.cat([layer.weight.detach() for layer in layers]).mT
    return (weight if gain is None else weight * gain.detach()[:, None]).contiguous()
