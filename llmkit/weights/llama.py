"""Llama: pre-norm RMSNorm, RoPE, SwiGLU, grouped queries. Touvron et al. 2023, arXiv:2302.13971."""

from typing import Any

from llmkit.transformer import Config, Transformer
from llmkit.weights.names import Names, demand, fill

NAMES = Names(
    blocks={"decoder.blocks": "model.layers"},
    inside={
        "attention.query": "self_attn.q_proj",
        "attention.key": "self_attn.k_proj",
        "attention.value": "self_attn.v_proj",
        "attention.output": "self_attn.o_proj",
        "attention_norm": "input_layernorm",
        "feed_forward.gate": "mlp.gate_proj",
        "feed_forward.up": "mlp.up_proj",
        "feed_forward.down": "mlp.down_proj",
        "feed_forward_norm": "post_attention_layernorm",
    },
    outside={"embedding": "model.embed_tokens", "decoder.norm": "model.norm", "head": "lm_head"},
    ignored=("rotary_emb.inv_freq", "lm_head.weight"),  # the tied head is the embedding
)


def read(theirs: Any) -> Transformer:
    """Our model from a LlamaForCausalLM, or from a LlamaModel, whose logits then come from its embedding."""
    config = theirs.config
    state = theirs.state_dict()
    if "lm_head.weight" not in state:
        state = {f"model.{name}": weight for name, weight in state.items()}
    if config.hidden_act != "silu":
        raise ValueError(f"Llama's activation is silu; this model has {config.hidden_act!r}.")
    base, scale = rope_of(config)
    ours = Config(
        vocab_size=config.vocab_size,
        width=config.hidden_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        num_kv_heads=config.num_key_value_heads,
        hidden_width=config.intermediate_size,
        context=config.max_position_embeddings,
        head_width=None if config.head_dim * config.num_attention_heads == config.hidden_size else config.head_dim,
        tied=config.tie_word_embeddings or "lm_head.weight" not in state,
        bias=config.attention_bias,
        norm_eps=config.rms_norm_eps,
        rope_base=base,
        rope_scale=scale,
    )
    if config.attention_bias != config.mlp_bias:
        raise ValueError("Biases in attention but not in the feed-forward layers, or the reverse, are not supported.")
    return NAMES.read(Transformer(ours), state)


def rope_of(config: Any) -> tuple[float, float]:
    """Base and interpolation scale of the rotation; ValueError for other ways of stretching it."""
    rope = dict(getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {})
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "linear"):
        raise ValueError(f"RoPE of kind {kind!r} is not supported; only 'default' and 'linear' are.")
    base = rope.get("rope_theta") or getattr(config, "rope_theta", 10_000.0)
    return float(base), float(rope.get("factor", 1.0))


def write(model: Transformer, **extra: Any) -> Any:
    """A LlamaForCausalLM with our weights; `extra` goes into its config (bos_token_id, eos_token_id, pad_token_id)."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = model.config
    demand(config, "Llama", kind="decoder", norm="rms", norm_place="pre", activation="swiglu", positions="rope",
           scale_scores=True, scale_logits=False)
    rope = {"rope_type": "default", "rope_theta": config.rope_base}
    if config.rope_scale != 1:
        rope |= {"rope_type": "linear", "factor": config.rope_scale}
    theirs = LlamaConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.width,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        num_key_value_heads=config.kv_heads,
        intermediate_size=config.inner_width,
        max_position_embeddings=config.context,
        head_dim=config.head_dim,
        tie_word_embeddings=config.tied,
        attention_bias=config.bias,
        mlp_bias=config.bias,
        rms_norm_eps=config.norm_eps,
        rope_parameters=rope,
        **extra,
    )
    return fill(LlamaForCausalLM(theirs), NAMES.state_of(model))
