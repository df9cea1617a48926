"""The start that can already look words up: where its heads look, and what it guesses, before any training."""

from dataclasses import replace

import pytest
import torch

from llmkit.recipes.bert import MASK, SHAPE
from llmkit.recipes.induction import start_with_induction
from llmkit.transformer import PretrainingModel

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
