"""Counting parameters and arithmetic: what a Config predicts is what PyTorch counts, for every kind of model."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from llmkit.transformer import Config, Transformer
from llmkit.transformer.count import count_flops, count_parameters
from llmkit.weights import to_transformers

KINDS = {
    "llama": {"num_kv_heads": 2, "tied": False},
    "gpt2": {"norm": "layer", "activation": "gelu_tanh", "positions": "learned", "bias": True},
    "bert": {"kind": "encoder", "norm": "layer", "norm_place": "post", "activation": "gelu", "positions": "learned", "bias": True, "num_segments": 2},
    "t5": {"kind": "encoder-decoder", "activation": "geglu", "positions": "relative", "scale_scores": False, "tied": False, "head_width": 6},
}


def model(kind):
    return Transformer(Config(vocab_size=50, width=16, num_layers=3, num_heads=4, context=32, **KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_count_of_parameters_is_the_models_own(kind):
    ours = model(kind)
    assert sum(count_parameters(ours.config).values()) == ours.num_parameters()


@pytest.mark.parametrize("kind", KINDS)
def test_the_count_of_flops_is_that_of_torch(kind):
    theirs = to_transformers(model(kind))
    theirs.set_attn_implementation("eager")  # torch's counter does not look into the fused kernel of a CPU
    tokens = torch.randint(3, 50, (1, 11))
    given = {"decoder_input_ids": tokens[:, :5]} if kind == "t5" else {}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        theirs(input_ids=tokens, **given)
    expected = count_flops(model(kind).config, 5, 11) if kind == "t5" else count_flops(model(kind).config, 11)
    assert sum(expected.values()) == counter.get_total_flops()


def test_a_plain_block_has_twelve_squares_of_its_width_and_thirteen_widths_of_biases_and_norms():
    one = count_parameters(Config(vocab_size=9, width=32, num_layers=1, num_heads=4, kind="encoder", **{k: v for k, v in KINDS["bert"].items() if k != "kind"}))
    assert one["attention"] + one["feed-forward"] + one["norms"] - 2 * 32 == 12 * 32**2 + 13 * 32  # the norm of the embeddings is not the block's


def test_a_token_costs_twice_the_weights_it_meets_and_four_widths_for_each_token_it_looks_at():
    config = Config(vocab_size=9, width=32, num_layers=2, num_heads=4, activation="gelu")
    weights = 12 * 32**2 * config.num_layers
    for tokens in (1, 10, 100):
        flops = count_flops(config, tokens)
        assert sum(flops.values()) - flops["head"] == tokens * (2 * weights + config.num_layers * 4 * tokens * 32)
