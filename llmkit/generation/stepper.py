"""One text, one token at a time: a decoder's step as matrix times vector, in numpy. Built in lesson 16.

`llmkit.transformer.step` lays out the weights of a decoder like Llama for single tokens, with the gain of each norm in
the matrix that follows it, and takes any number of texts on any device. With one text on a CPU nearly every tensor is
a short vector, and of a small model's time more goes into calling functions than into arithmetic. A call of numpy costs
about half a call of torch, and both can look at the same memory: here the same step is said in numpy, over the same
weights and the same cache.

Shape letters: C model width, H heads, Hkv key-value heads, D head width, S tokens so far, F inner width, V vocabulary.
"""

import math

import numpy as np
import torch

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
        self.embedding, self.into_logits = as_array(model.embedding.weight), as_array(weights.into_logits)  # (V, C), (C, V)
        self.cos, self.sin = as_array(weights.cos), as_array(weights.sin)  # (context, 1, D)
        self.axes = np.eye(self.head_dim, dtype=self.embedding.dtype)
        self.swapped = np.roll(self.axes, self.head_dim // 2, -1)  # RoPE pairs number i with i + D/2
        self.layers = [
            (*map(as_array, matrices), as_array(keys[0]), as_array(values[0]))
            for matrices, keys, values in zip(weights.layers, cache.keys, cache.values, strict=True)
        ]

    def step(self, token: int) -> Float[Tensor, " V"]:
        """The logits after `token`, which is read at the place where the cache ends."""
        place = self.cache.length
        turn = self.axes * self.cos[place] + self.swapped * self.sin[place]  # (D, D) RoPE at this place, as a matrix
        turns = turn * self.scale, turn  # of a query, with the scale of its scores; of a key
        stream = self.embedding[token]  # (C,)
        with np.errstate(over="ignore"):  # in swiglu, where x / inf is the 0 that is meant
            for into_heads, out_of_heads, into_inner, out_of_inner, keys, values in self.layers:
                heads = self.normed(stream).dot(into_heads).reshape(-1, self.head_dim)  # (H + 2 Hkv, D)
                stream = stream + self.look(heads, turns, keys, values, place).dot(out_of_heads)
                stream = stream + swiglu(self.normed(stream).dot(into_inner)).dot(out_of_inner)
        self.cache.length = place + 1
        return torch.from_numpy(self.normed(stream).dot(self.into_logits))

    def look(self, heads: np.ndarray, turns: tuple, keys: np.ndarray, values: np.ndarray, place: int) -> np.ndarray:
        """What the heads find, side by side (H D,); the new key and value go into the cache (Hkv, context, D) first."""
        query, key, value = heads[: self.heads], heads[self.heads : -self.kv_heads], heads[-self.kv_heads :]
        keys[:, place], values[:, place] = key.dot(turns[1]), value
        query = query.dot(turns[0]).reshape(self.kv_heads, -1, self.head_dim)  # (Hkv, H/Hkv, D)
        scores = np.matmul(query, keys[:, : place + 1].transpose(0, 2, 1))  # (Hkv, H/Hkv, S)
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        found = np.matmul(powers, values[:, : place + 1]) / powers.sum(-1, keepdims=True)  # (Hkv, H/Hkv, D)
        return found.reshape(-1)

    def normed(self, stream: np.ndarray) -> np.ndarray:
        """RMSNorm without its gain and without sqrt(C), which the next matrix holds."""
        return stream * (1 / math.sqrt(stream.dot(stream) + self.eps))


def swiglu(gate_and_up: np.ndarray) -> np.ndarray:
    """silu(gate) * up, from both side by side (2 F,); silu(x) = x / (1 + exp(-x))."""
    gate, up = gate_and_up[: len(gate_and_up) // 2], gate_and_up[len(gate_and_up) // 2 :]
    return gate / (1 + np.exp(-gate)) * up


def can_take_over(cache: KVCache) -> bool:
    """True for one text whose model takes single tokens by a `Step`, in float32 or float64 on the CPU."""
    plain = cache.store.device.type == "cpu" and cache.store.dtype in (torch.float32, torch.float64)
    return bool(cache.step) and cache.batch_size == 1 and cache.keep is None and plain


def as_array(weight: Tensor) -> np.ndarray:
    """The same memory, as numpy sees it."""
    return weight.detach().numpy()
