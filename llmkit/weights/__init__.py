"""Weights from `transformers` into our Transformer, and back. First used in lesson 07.

A file for each family says which parameter is which; nothing else differs between the two implementations.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

from torch import nn

from llmkit.transformer import PretrainingModel, SpanModel, Transformer

FAMILIES = ("llama", "gpt2", "bert", "t5")  # model_type of a config of transformers, and the file that reads it


def from_transformers(model: Any) -> nn.Module:
    """Our model with the weights of a model of `transformers`, copied, float32, in evaluation mode.

    A Transformer for LlamaForCausalLM, GPT2LMHeadModel, BertModel and T5ForConditionalGeneration; a PretrainingModel
    for BertForPreTraining, a SpanModel for BertForQuestionAnswering. The pooler of a plain BertModel is left out.
    ValueError, in a sentence, for families and settings that our Transformer does not have.
    """
    kind = getattr(getattr(model, "config", None), "model_type", None)
    if kind not in FAMILIES:
        raise ValueError(f"Weights can be read from {', '.join(FAMILIES)}; got {kind or type(model).__name__}.")
    return _family(kind).read(model)


def to_transformers(model: nn.Module, **extra: Any) -> Any:
    """A model of `transformers` with our weights, copied, in evaluation mode: `save_pretrained` then works as always.

    `extra` goes into its config, such as bos_token_id, eos_token_id, pad_token_id and decoder_start_token_id.
    ValueError, in a sentence, when no family makes the choices that our model makes.
    """
    if not isinstance(model, Transformer | PretrainingModel | SpanModel):
        raise ValueError(f"Expected a Transformer of llmkit, or one with a head; got {type(model).__name__}.")
    config = model.config
    if config.kind == "decoder":
        return _family("llama" if config.norm == "rms" else "gpt2").write(model, **extra)
    return _family("bert" if config.kind == "encoder" else "t5").write(model, **extra)


def _family(name: str) -> ModuleType:
    return import_module(f"llmkit.weights.{name}")


__all__ = ["from_transformers", "to_transformers"]
