"""Weights from `transformers` into our Transformer, and back. First used in lesson 07.

A file for each family says which parameter is which; nothing else differs between the two implementations.
"""

from importlib import import_module
from typing import Any

from torch import nn

from llmkit.transformer import Transformer

FAMILIES = {"llama": "llama"}  # model_type of a transformers config: file


def from_transformers(model: Any) -> nn.Module:
    """Our model with the weights of a model of `transformers`, copied, float32, in evaluation mode.

    ValueError, in a sentence, for families and settings that our Transformer does not have.
    """
    kind = getattr(getattr(model, "config", None), "model_type", None)
    if kind not in FAMILIES:
        raise ValueError(f"Weights can be read from {', '.join(FAMILIES)}; got {kind or type(model).__name__}.")
    return import_module(f"llmkit.weights.{FAMILIES[kind]}").read(model)


def to_transformers(model: nn.Module, **extra: Any) -> Any:
    """A model of `transformers` with our weights, copied, in evaluation mode: `save_pretrained` then works as always.

    `extra` goes into its config, such as bos_token_id, eos_token_id and pad_token_id.
    ValueError, in a sentence, when no family makes the choices that our model makes.
    """
    if not isinstance(model, Transformer):
        raise ValueError(f"Expected a Transformer of llmkit; got {type(model).__name__}.")
    return import_module("llmkit.weights.llama").write(model, **extra)


__all__ = ["from_transformers", "to_transformers"]
