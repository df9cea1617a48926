"""The starts that can already look words up: where their heads look, and what they guess, before any training."""

from dataclasses import replace

import pytest
import torch

from llmkit.recipes import induction_rope
from llmkit.recipes.bert import MASK, SHAPE
from llmkit.recipes.gpt import SHAPES
from llmkit.recipes.induction import start_with_induction
from llmkit.transformer import PretrainingModel, Transformer

SEEN, ASKED = 11, 40  # the same word stands at both; what follows it first is hidden the second time


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return start_with_induction(PretrainingModel(SHAPE)).eval()


@pytest.fixture(scope="module")
def texts():
    """Forty rows of random words, each with one pair of words that stands in it twice, the second time half hidden."""
    tokens = torch.randint(5, SHAPE.vocab_size, (40, 60), generator=torch.Generator().manual_seed(1))
    right = tokens[:, SEEN + 1].clone()
    tokens[:, ASKED] = tokens[:, SEEN]
    tokens[:, ASKED + 1] = MASK
    return tokens, right


@pytest.mark.parametrize(("head", "offset"), [(0, -1), (1, 1)])
def test_two_heads_of_every_layer_look_next_door(model, texts, head, offset):
    for weights in model.encoder.trace(texts[0]).attention:
        assert weights[:, head, 30, 30 + offset].mean() > 0.5


def test_a_head_finds_the_place_with_the_same_neighbor_and_not_its_own(model, texts):
    weights = model.encoder.trace(texts[0]).attention[1][:, 2, ASKED + 1]  # (B, T)
    assert weights[:, SEEN + 1].mean() > 0.5
    assert weights[:, ASKED + 1].mean() < 0.2


def test_the_hidden_word_is_among_its_first_guesses_without_any_training(model, texts):
    tokens, right = texts
    with torch.inference_mode():
        guesses, _ = model(tokens)
    order = guesses[:, ASKED + 1].argsort(descending=True)  # (B, V)
    rank = (order == right[:, None]).float().argmax(1)
    assert rank.median() < 30  # of 1,500; the places of an ordinary start have a median of about 750
    torch.manual_seed(0)
    with torch.inference_mode():
        ordinary, _ = PretrainingModel(SHAPE).eval()(tokens)
    assert (ordinary[:, ASKED + 1].argsort(descending=True) == right[:, None]).float().argmax(1).median() > 300


def test_other_shapes_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="four heads and learned positions; got 2 heads"):
        start_with_induction(PretrainingModel(replace(SHAPE, num_heads=2)))


@pytest.fixture(scope="module", params=SHAPES)
def decoder(request):
    torch.manual_seed(0)
    return induction_rope.start_with_induction(Transformer(SHAPES[request.param])).eval()


def test_the_first_heads_of_a_decoder_look_one_place_back_in_every_layer(decoder, texts):
    for weights in decoder.trace(texts[0]).attention:
        assert weights[:, 0, 30, 29].mean() > 0.5


def test_a_decoder_looks_behind_the_same_word_and_expects_what_stands_there(decoder, texts):
    tokens, right = texts
    seen = decoder.trace(tokens[:, : ASKED + 1])
    head = decoder.config.num_heads - 1
    assert seen.attention[1][:, head, ASKED, SEEN + 1].mean() > 0.5
    assert (seen.logits[:, ASKED].argmax(-1) == right).float().mean() > 0.5  # its first guess, of 1,536


@pytest.mark.parametrize("change", [{"positions": "alibi"}, {"tied": True}, {"num_kv_heads": 1}])
def test_other_decoders_are_refused_in_a_sentence(change):
    model = Transformer(replace(SHAPES["tales-gpt-mini"], **change))
    with pytest.raises(ValueError, match="decoders with RoPE, at least two key-value heads, and an output of their own"):
        induction_rope.start_with_induction(model)
