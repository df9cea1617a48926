"""BERT: post-norm LayerNorm, learned positions, GELU, and heads on top. Devlin et al. 2018, arXiv:1810.04805."""

from typing import Any

from torch import nn

from llmkit.transformer import Config, PretrainingModel, SpanModel, Transformer
from llmkit.weights.names import Names, demand, fill

INSIDE = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.inner": "intermediate.dense",
    "feed_forward.outer": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
OUTSIDE = {
    "embedding": "embeddings.word_embeddings",
    "encoder.positions": "embeddings.position_embeddings",
    "encoder.segments": "embeddings.token_type_embeddings",
    "encoder.norm": "embeddings.LayerNorm",
}
PLAIN = Names({"encoder.blocks": "encoder.layer"}, INSIDE, OUTSIDE, ignored=("pooler.dense.weight", "pooler.dense.bias"))
HEADS = {
    "transform": "cls.predictions.transform.dense",
    "transform_norm": "cls.predictions.transform.LayerNorm",
    "guess_bias": "cls.predictions.bias",
    "pooler": "bert.pooler.dense",
    "verdict": "cls.seq_relationship",
    "span": "qa_outputs",
}
TOPPED = Names(
    {"encoder.encoder.blocks": "bert.encoder.layer"},
    INSIDE,
    {f"encoder.{ours}": f"bert.{theirs}" for ours, theirs in OUTSIDE.items()} | HEADS,
    ignored=("cls.predictions.decoder.weight", "cls.predictions.decoder.bias"),  # tied
)
ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"}


def read(theirs: Any) -> nn.Module:
    """Our model from a BertModel, a BertForPreTraining or a BertForQuestionAnswering."""
    config, state = config_of(theirs.config), theirs.state_dict()
    if "qa_outputs.weight" in state:
        return TOPPED.read(SpanModel(config), state)
    if "cls.seq_relationship.weight" in state:
        return TOPPED.read(PretrainingModel(config), state)
    return PLAIN.read(Transformer(config), state)


def config_of(theirs: Any) -> Config:
    """Our Config for theirs."""
    if theirs.is_decoder or theirs.hidden_act not in ACTIVATIONS:
        raise ValueError(
            f"Only BERT encoders with one of {', '.join(ACTIVATIONS)} can be read; this one has "
            f"hidden_act={theirs.hidden_act!r} and is_decoder={theirs.is_decoder}."
        )
    return Config(
        vocab_size=theirs.vocab_size,
        width=theirs.hidden_size,
        num_layers=theirs.num_hidden_layers,
        num_heads=theirs.num_attention_heads,
        hidden_width=theirs.intermediate_size,
        context=theirs.max_position_embeddings,
        kind="encoder",
        norm="layer",
        norm_place="post",
        activation=ACTIVATIONS[theirs.hidden_act],
        positions="learned",
        bias=True,
        dropout=theirs.hidden_dropout_prob,
        norm_eps=theirs.layer_norm_eps,
        num_segments=theirs.type_vocab_size,
    )


def write(model: nn.Module, **extra: Any) -> Any:
    """A BertModel without pooler, a BertForPreTraining or a BertForQuestionAnswering with our weights."""
    from transformers import BertConfig, BertForPreTraining, BertForQuestionAnswering, BertModel

    config = model.config
    demand(config, "BERT", kind="encoder", norm="layer", norm_place="post", positions="learned", bias=True,
           kv_heads=config.num_heads, head_width=None, scale_scores=True)
    if not config.num_segments or config.activation not in ACTIVATIONS.values():
        raise ValueError(
            f"BERT has at least one segment and a plain activation; this model has num_segments={config.num_segments} "
            f"and activation={config.activation!r}."
        )
    theirs = BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.width,
        num_hidden_layers=config.num_layers,
        num_attention_heads=config.num_heads,
        intermediate_size=config.inner_width,
        max_position_embeddings=config.context,
        hidden_act={"gelu": "gelu", "gelu_tanh": "gelu_new", "relu": "relu"}[config.activation],
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=config.norm_eps,
        type_vocab_size=config.num_segments,
        **extra,
    )
    if isinstance(model, SpanModel):
        return fill(BertForQuestionAnswering(theirs), TOPPED.state_of(model))
    if isinstance(model, PretrainingModel):
        return fill(BertForPreTraining(theirs), TOPPED.state_of(model))
    return fill(BertModel(theirs, add_pooling_layer=False), PLAIN.state_of(model))
