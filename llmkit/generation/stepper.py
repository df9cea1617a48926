"""One token at a time, fast: a decoder's step written as matrix times vector. Built in lesson 16.

A single token leaves little to compute, so what costs is reading the weights and calling the functions. Here the
weights are laid out once, as a matrix-vector product likes to read them, with the gain of each norm already multiplied
in; and a step calls few functions. The keys and values go into the model's own cache, and the logits are the model's
own but for rounding. It speaks the Llama family on the CPU; for all else `Reader` calls the model itself.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.positions import rope
from llmkit.shapes import Float, Tensor
from llmkit.transformer import KVCache, Transformer


class Stepper:
    """`step(token)` reads one more token into the cache of a single text and returns its logits (V,).

    It copies the weights, so make a new one after training on.
    """

    def __init__(self, model: Transformer, cache: KVCache):
        if not can_step(model, cache):
            raise ValueError("A Stepper takes one text and a decoder like Llama on the CPU; call the model itself.")
        config = model.config
        self.config, self.cache = config, cache
        self.eps = config.width * config.norm_eps
        self.embedding = model.embedding.weight.detach()  # (V, C)
        self.layers = [Layer(block, config.head_dim, config.width) for block in model.blocks]
        head = model.embedding if model.head is None else model.head
        self.head = for_vectors(head.weight, gain=model.decoder.norm.weight * math.sqrt(config.width))  # (V, C)
        self.cos, self.sin = model.decoder.cos, model.decoder.sin  # (context, 1, D)

    def step(self, token: int) -> Float[Tensor, " V"]:
        """The logits after `token`, which is read at the place where the cache ends."""
        at, heads, kv_heads = self.cache.length, self.config.num_heads, self.config.kv_heads
        cos, sin = self.cos[at], self.sin[at]  # (1, D)
        stream = self.embedding[token]  # (C,)
        for layer, cached_keys, cached_values in zip(self.layers, self.cache.keys, self.cache.values, strict=True):
            asked = torch.mv(layer.attention_in, self.normed(stream)).view(-1, self.config.head_dim)  # (H + 2 Hkv, D)
            turning, value = asked[: heads + kv_heads], asked[heads + kv_heads :]
            turned = rope(turning, cos, sin)
            cached_keys[0, :, at] = turned[heads:]
            cached_values[0, :, at] = value
            query = turned[:heads].view(kv_heads, -1, self.config.head_dim)  # (Hkv, H/Hkv, D)
            scores = torch.bmm(query, cached_keys[0, :, : at + 1].mT)  # (Hkv, H/Hkv, S)
            found = torch.bmm(scores.softmax(-1), cached_values[0, :, : at + 1]).view(-1)  # (H D,)
            stream = torch.addmv(stream, layer.attention_out, found)
            gate, up = torch.mv(layer.forward_in, self.normed(stream)).chunk(2)  # (F,) twice
            stream = torch.addmv(stream, layer.forward_out, F.silu(gate).mul_(up))
        self.cache.length = at + 1
        return torch.mv(self.head, self.normed(stream))

    def normed(self, stream: Tensor) -> Tensor:
        """RMSNorm but for its gain and a factor of sqrt(C), which the matrices that follow contain."""
        return stream * torch.rsqrt(torch.dot(stream, stream) + self.eps)


class Layer:
    """The four matrices of a block, ready for vectors."""

    def __init__(self, block: nn.Module, head_dim: int, width: int):
        attention, forward, root = block.attention, block.feed_forward, math.sqrt(width)
        query = attention.query.weight * attention.scale  # the scale of the scores
        together = torch.cat([query, attention.key.weight, attention.value.weight])
        self.attention_in = for_vectors(together, gain=block.attention_norm.weight * root)  # ((H + 2 Hkv) D, C)
        self.attention_out = for_vectors(attention.output.weight)  # (C, H D)
        gated = torch.cat([forward.gate.weight, forward.up.weight])
        self.forward_in = for_vectors(gated, gain=block.feed_forward_norm.weight * root)  # (2 F, C)
        self.forward_out = for_vectors(forward.down.weight)  # (C, F)


def for_vectors(weight: Tensor, gain: Tensor | None = None) -> Tensor:
    """The same matrix, stored column after column: its product with a vector then adds up whole columns.

    On the CPUs measured that is up to 3 times as fast as row after row when the matrix is high.
    """
    weight = weight.detach() if gain is None else weight.detach() * gain.detach()
    return weight.t().contiguous().t()


def can_step(model: Transformer, cache: KVCache) -> bool:
    """True for one text and a decoder like Llama, in float32 or float64 on the CPU, whose layers nobody has replaced."""
    config, weight = model.config, model.embedding.weight
    is_llama = (config.kind, config.norm, config.norm_place, config.positions, config.activation, config.bias) == (
        "decoder", "rms", "pre", "rope", "swiglu", False,
    ) and not config.scale_logits
    on_cpu = weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.float64)
    return is_llama and on_cpu and cache.keys[0].shape[0] == 1 and cache.keep is None and is_plain(model)


def is_plain(model: nn.Module) -> bool:
    """False when a layer was replaced (LoRA, quantized) or carries a hook, which would have to be called."""
    layers = [module for name, module in model.decoder.named_modules() if name.rsplit(".")[-1] in PLAIN]
    hooked = any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    return not hooked and all(type(layer) is nn.Linear for layer in layers)


PLAIN = ("query", "key", "value", "output", "gate", "up", "down")
