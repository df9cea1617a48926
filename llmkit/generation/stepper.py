"""One text, one token at a time: a decoder's step as matrix times vector. Built in lesson 16.

`llmkit.transformer.step` lays out the weights of a decoder like Llama for single tokens, with the gain of each norm in
the matrix that follows it, and takes any number of texts. With one text nearly every tensor is a vector, and the same
step can be said with fewer calls: for a small model on a CPU the calls cost more than the arithmetic.

Shape letters: C model width, H heads, Hkv key-value heads, D head width, S tokens so far, F inner width, V vocabulary.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812

from llmkit.positions import rope
from llmkit.shapes import Float, Tensor
from llmkit.transformer import KVCache, Transformer


class Stepper:
    """`step(token)` reads one more token of a single text into the cache and returns its logits (V,).

    It takes over a cache into which the model has read a single token already, so that `cache.step` holds the weights.
    """

    def __init__(self, model: Transformer, cache: KVCache):
        if not can_take_over(cache):
            raise ValueError("A Stepper takes one text of a decoder like Llama on the CPU; call the model itself.")
        weights = cache.step
        self.cache, self.heads, self.kv_heads, self.head_dim = cache, weights.heads, weights.kv_heads, weights.head_dim
        self.scale, self.eps = weights.scale, model.config.width * model.config.norm_eps
        self.embedding = model.embedding.weight.detach()  # (V, C)
        self.cos, self.sin = weights.cos, weights.sin  # (context, 1, D)
        self.axes = torch.eye(self.head_dim).to(self.embedding)
        self.nothing = torch.zeros(()).to(self.embedding)
        self.layers = [
            (*(matrix.mT for matrix in matrices), keys[0], values[0])
            for matrices, keys, values in zip(weights.layers, cache.keys, cache.values, strict=True)
        ]
        self.into_logits = weights.into_logits.mT  # (V, C)

    def step(self, token: int) -> Float[Tensor, " V"]:
        """The logits after `token`, which is read at the place where the cache ends."""
        place = self.cache.length
        turn = rope(self.axes, self.cos[place], self.sin[place])  # (D, D) RoPE at this place, as a matrix
        turns = turn * self.scale, turn  # of a query, with the scale of its scores; of a key
        stream = self.embedding[token].clone()  # (C,)
        for into_heads, out_of_heads, into_inner, out_of_inner, keys, values in self.layers:
            heads = self.normed_into(into_heads, stream).view(-1, self.head_dim)  # (H + 2 Hkv, D)
            stream.addmv_(out_of_heads, self.look(heads, turns, keys, values, place))
            gate, up = self.normed_into(into_inner, stream).chunk(2)  # (F,) twice
            stream.addmv_(out_of_inner, F.silu(gate).mul_(up))
        self.cache.length = place + 1
        return self.normed_into(self.into_logits, stream)

    def look(self, heads: Tensor, turns: tuple[Tensor, Tensor], keys: Tensor, values: Tensor, place: int) -> Tensor:
        """What the heads find, side by side (H D,); the new key and value go into the cache (Hkv, context, D) first."""
        query, key, value = heads.split((self.heads, self.kv_heads, self.kv_heads))
        keys.select(1, place).copy_(key @ turns[1])
        values.select(1, place).copy_(value)
        query = (query @ turns[0]).view(self.kv_heads, -1, self.head_dim)  # (Hkv, H/Hkv, D)
        scores = torch.bmm(query, keys.narrow(1, 0, place + 1).mT)  # (Hkv, H/Hkv, S)
        return torch.bmm(scores.softmax(-1), values.narrow(1, 0, place + 1)).view(-1)

    def normed_into(self, matrix: Tensor, stream: Tensor) -> Tensor:
        """RMSNorm, its gain and sqrt(C) apart, which `matrix` holds; then the matrix: one product, divided by a number."""
        length = math.sqrt(torch.dot(stream, stream).item() + self.eps)
        return torch.addmv(self.nothing, matrix, stream, beta=0, alpha=1 / length)


def can_take_over(cache: KVCache) -> bool:
    """True for one text whose model takes single tokens by a `Step`, in float32 or float64 on the CPU."""
    plain = cache.store.device.type == "cpu" and cache.store.dtype in (torch.float32, torch.float64)
    return bool(cache.step) and cache.batch_size == 1 and cache.keep is None and plain
