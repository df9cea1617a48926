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
        config, decoder = model.config, model.decoder
        self.cache, self.heads, self.kv_heads, self.head_dim = cache, config.num_heads, config.kv_heads, config.head_dim
        self.width, self.eps = config.width, config.norm_eps
        self.embedding = model.embedding.weight.detach()  # (V, C)
        self.layers = [Layer(block, keys[0], values[0]) for block, keys, values in zip(
            model.blocks, cache.keys, cache.values, strict=True)]
        self.head = for_vectors((model.embedding if model.head is None else model.head).weight, decoder.norm)  # (V, C)
        self.cos, self.sin = decoder.cos, decoder.sin  # (context, 1, D)
        self.axes = torch.eye(config.head_dim).to(self.embedding)
        self.nothing = torch.zeros(()).to(self.embedding)

    def step(self, token: int) -> Float[Tensor, " V"]:
        """The logits after `token`, which is read at the place where the cache ends."""
        at = self.cache.length
        turn = rope(self.axes, self.cos[at], self.sin[at])  # (D, D) RoPE at this place, as a matrix
        stream = self.embedding[token].clone()  # (C,)
        for layer in self.layers:
            stream.addmv_(layer.attention_out, self.attend(layer, stream, turn, at))
            gate, up = self.normed_times(layer.forward_in, stream).chunk(2)  # (F,) twice
            stream.addmv_(layer.forward_out, F.silu(gate).mul_(up))
        self.cache.length = at + 1
        return self.normed_times(self.head, stream)

    def attend(self, layer: "Layer", stream: Tensor, turn: Tensor, at: int) -> Tensor:
        """What the heads find, side by side (H D,), after the new key and value were written into the cache."""
        asked = self.normed_times(layer.attention_in, stream).view(-1, self.head_dim)  # (H + 2 Hkv, D)
        query, key, value = asked.split((self.heads, self.kv_heads, self.kv_heads))
        layer.keys.select(1, at).copy_(key @ turn)
        layer.values.select(1, at).copy_(value)
        query = (query @ turn).view(self.kv_heads, -1, self.head_dim)  # (Hkv, H/Hkv, D)
        scores = torch.bmm(query, layer.keys_turned.narrow(2, 0, at + 1))  # (Hkv, H/Hkv, S)
        return torch.bmm(scores.softmax(-1), layer.values.narrow(1, 0, at + 1)).view(-1)

    def normed_times(self, matrix: Tensor, stream: Tensor) -> Tensor:
        """RMSNorm, then a matrix that contains its gain already: the product, divided by the size of `stream`."""
        size = math.sqrt(torch.dot(stream, stream).item() / self.width + self.eps)
        return torch.addmv(self.nothing, matrix, stream, beta=0, alpha=1 / size)


class Layer:
    """The four matrices of a block, ready for vectors, and its part of the cache."""

    def __init__(self, block: nn.Module, keys: Tensor, values: Tensor):
        attention, forward = block.attention, block.feed_forward
        query = attention.query.weight * attention.scale  # the scale of the scores
        together = torch.cat([query, attention.key.weight, attention.value.weight])
        self.attention_in = for_vectors(together, block.attention_norm)  # ((H + 2 Hkv) D, C)
        self.attention_out = attention.output.weight.detach()  # (C, H D)
        gated = torch.cat([forward.gate.weight, forward.up.weight])
        self.forward_in = for_vectors(gated, block.feed_forward_norm)  # (2 F, C)
        self.forward_out = forward.down.weight.detach()  # (C, F)
        self.keys, self.values, self.keys_turned = keys, values, keys.mT  # (Hkv, context, D) twice, (Hkv, D, context)


def for_vectors(weight: Tensor, norm: nn.Module) -> Tensor:
    """A high matrix with the gain of the norm before it, stored column after column.

    Its product with a vector then adds up whole columns: on the CPUs measured up to 3 times as fast.
    """
    return (weight.detach() * norm.weight.detach()).t().contiguous().t()


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
