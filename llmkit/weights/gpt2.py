"""GPT-2: pre-norm LayerNorm, learned positions, GELU by tanh. Radford et al. 2019, "Language models are unsupervised multitask learners".

Its linear layers are stored transposed ("Conv1D"), and query, key and value lie in one matrix.
"""

from collections.abc import Mapping
from typing import Any

import torch

from llmkit.shapes import Tensor
from llmkit.transformer import Config, Transformer
from llmkit.weights.names import Names, demand, fill

NAMES = Names(
    blocks={"decoder.blocks": "h"},
    inside={
        "attention.query": "attn.c_attn.0",
        "attention.key": "attn.c_attn.1",
        "attention.value": "attn.c_attn.2",
        "attention.output": "attn.c_proj",
        "attention_norm": "ln_1",
        "feed_forward.inner": "mlp.c_fc",
        "feed_forward.outer": "mlp.c_proj",
        "feed_forward_norm": "ln_2",
    },
    outside={"embedding": "wte", "decoder.positions": "wpe", "decoder.norm": "ln_f", "head": "lm_head"},
    ignored=("lm_head.weight", "attn.bias", "attn.masked_bias"),  # a tied head; masks that old files carry
)
TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def untangle(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as `nn.Linear` stores them, and query, key and value apart."""
    plain = {}
    for name, weight in state.items():
        weight = weight.T if name.endswith(TRANSPOSED) else weight
        if ".c_attn." in name:
            stem, kind = name.rsplit(".", 1)
            plain |= {f"{stem}.{k}.{kind}": part for k, part in enumerate(weight.chunk(3))}
        else:
            plain[name] = weight
    return plain


def tangle(plain: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `untangle`."""
    state = {}
    for name, weight in plain.items():
        if ".c_attn.0." in name:
            parts = [plain[name.replace(".c_attn.0.", f".c_attn.{k}.")] for k in range(3)]
            name, weight = name.replace(".c_attn.0.", ".c_attn."), torch.cat(parts)
        elif ".c_attn." in name:
            continue
        state[name] = weight.T if name.endswith(TRANSPOSED) else weight
    return state


def read(theirs: Any) -> Transformer:
    """Our model from a GPT2LMHeadModel, or from a GPT2Model, whose logits then come from its embedding."""
    config = theirs.config
    state = untangle({name.removeprefix("transformer."): weight for name, weight in theirs.state_dict().items()})
    if config.activation_function not in ("gelu_new", "gelu_pytorch_tanh") or config.scale_attn_by_inverse_layer_idx:
        raise ValueError(
            f"GPT-2's activation is gelu_new and its scores are scaled alike in every layer; this model has "
            f"{config.activation_function!r} and scale_attn_by_inverse_layer_idx={config.scale_attn_by_inverse_layer_idx}."
        )
    ours = Config(
        vocab_size=config.vocab_size,
        width=config.n_embd,
        num_layers=config.n_layer,
        num_heads=config.n_head,
        hidden_width=config.n_inner or 4 * config.n_embd,
        context=config.n_positions,
        norm="layer",
        activation="gelu_tanh",
        positions="learned",
        tied=config.tie_word_embeddings or "lm_head.weight" not in state,
        bias=True,
        dropout=config.resid_pdrop,
        norm_eps=config.layer_norm_epsilon,
        scale_scores=config.scale_attn_weights,
    )
    return NAMES.read(Transformer(ours), state)


def write(model: Transformer, **extra: Any) -> Any:
    """A GPT2LMHeadModel with our weights; `extra` goes into its config (bos_token_id, eos_token_id, pad_token_id)."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = model.config
    demand(config, "GPT-2", kind="decoder", norm="layer", norm_place="pre", activation="gelu_tanh", positions="learned",
           bias=True, kv_heads=config.num_heads, head_width=None, scale_logits=False)
    theirs = GPT2Config(
        vocab_size=config.vocab_size,
        n_embd=config.width,
        n_layer=config.num_layers,
        n_head=config.num_heads,
        n_inner=config.inner_width,
        n_positions=config.context,
        tie_word_embeddings=config.tied,
        resid_pdrop=config.dropout,
        embd_pdrop=config.dropout,
        attn_pdrop=0.0,
        layer_norm_epsilon=config.norm_eps,
        scale_attn_weights=config.scale_scores,
        **extra,
    )
    state = {name if name.startswith("lm_head") else f"transformer.{name}": weight
             for name, weight in tangle(NAMES.state_of(model)).items()}
    return fill(GPT2LMHeadModel(theirs), state)
