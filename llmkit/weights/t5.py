"""T5: an encoder and a decoder, pre-norm RMSNorm, a learned bias by distance, scores that are not scaled.

Raffel et al. 2019, arXiv:1910.10683. The first T5 has ReLU and ties its table; version 1.1 has a gated GELU.
"""

from typing import Any

from torch import nn

from llmkit.transformer import Config, Transformer
from llmkit.weights.names import Names, demand, fill

SELF, CROSS = "layer.0.SelfAttention", "layer.1.EncDecAttention"
PROJECTIONS = {"query": "q", "key": "k", "value": "v", "output": "o"}
FEED_FORWARD = {"gate": "wi_0", "up": "wi_1", "down": "wo", "inner": "wi", "outer": "wo"}


def _feed_forward(stack: str, place: int) -> dict[str, str]:
    """The feed-forward layer comes second in an encoder's block, third in a decoder's."""
    inside = {f"{stack}.blocks.feed_forward.{ours}": f"layer.{place}.DenseReluDense.{theirs}"
              for ours, theirs in FEED_FORWARD.items()}
    return inside | {f"{stack}.blocks.feed_forward_norm": f"layer.{place}.layer_norm"}


NAMES = Names(
    blocks={"encoder.blocks": "encoder.block", "decoder.blocks": "decoder.block"},
    inside={f"attention.{ours}": f"{SELF}.{theirs}" for ours, theirs in PROJECTIONS.items()}
    | {f"cross_attention.{ours}": f"{CROSS}.{theirs}" for ours, theirs in PROJECTIONS.items()}
    | {"attention_norm": "layer.0.layer_norm", "cross_norm": "layer.1.layer_norm"}
    | _feed_forward("encoder", 1)
    | _feed_forward("decoder", 2),
    outside={
        "embedding": "shared",
        "encoder.distance_bias": f"encoder.block.0.{SELF}.relative_attention_bias",
        "decoder.distance_bias": f"decoder.block.0.{SELF}.relative_attention_bias",
        "encoder.norm": "encoder.final_layer_norm",
        "decoder.norm": "decoder.final_layer_norm",
        "head": "lm_head",
    },
    ignored=("embed_tokens.weight", "lm_head.weight"),  # tied to the table
)
ACTIVATIONS = {"relu": "relu", "gated-gelu": "geglu"}


def read(theirs: Any) -> Transformer:
    """Our model from a T5ForConditionalGeneration, or from a T5Model, whose logits then come from its table."""
    config, state = theirs.config, theirs.state_dict()
    if config.feed_forward_proj not in ACTIVATIONS or config.num_decoder_layers != config.num_layers:
        raise ValueError(
            f"T5 can be read with {' or '.join(ACTIVATIONS)} and stacks of equal depth; this model has "
            f"{config.feed_forward_proj!r}, {config.num_layers} and {config.num_decoder_layers} layers."
        )
    head = state.get("lm_head.weight")
    is_tied = head is None or head.data_ptr() == state["shared.weight"].data_ptr()
    ours = Config(
        vocab_size=config.vocab_size,
        width=config.d_model,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        hidden_width=config.d_ff,
        context=getattr(config, "n_positions", 512),
        kind="encoder-decoder",
        activation=ACTIVATIONS[config.feed_forward_proj],
        positions="relative",
        tied=is_tied,
        dropout=config.dropout_rate,
        norm_eps=config.layer_norm_epsilon,
        head_width=None if config.d_kv * config.num_heads == config.d_model else config.d_kv,
        scale_scores=False,
        scale_logits=getattr(config, "scale_decoder_outputs", config.tie_word_embeddings),
        num_buckets=config.relative_attention_num_buckets,
        max_distance=config.relative_attention_max_distance,
    )
    return NAMES.read(Transformer(ours), state)


def write(model: Transformer, **extra: Any) -> Any:
    """A T5ForConditionalGeneration with our weights; `extra` goes into its config (decoder_start_token_id and others)."""
    from transformers import T5Config, T5ForConditionalGeneration

    config = model.config
    demand(config, "T5", kind="encoder-decoder", norm="rms", norm_place="pre", positions="relative", bias=False,
           kv_heads=config.num_heads, scale_scores=False)
    forms = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    if config.activation not in forms:
        raise ValueError(f"T5's activation is {' or '.join(forms)}; this model has {config.activation!r}.")
    if config.tied != config.scale_logits:
        raise ValueError("transformers scales the logits of a T5 exactly when its table is tied: set scale_logits=tied.")
    theirs = T5Config(
        vocab_size=config.vocab_size,
        d_model=config.width,
        d_kv=config.head_dim,
        d_ff=config.inner_width,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        relative_attention_num_buckets=config.num_buckets,
        relative_attention_max_distance=config.max_distance,
        dropout_rate=config.dropout,
        layer_norm_epsilon=config.norm_eps,
        feed_forward_proj=forms[config.activation],
        tie_word_embeddings=config.tied,
        n_positions=config.context,
        **extra,
    )
    result = T5ForConditionalGeneration(theirs)
    if not config.tied:  # some versions of transformers tie the table whatever the config says
        result.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)
    return fill(result, NAMES.state_of(model))
