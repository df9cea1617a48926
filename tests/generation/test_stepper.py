"""The fast step gives the model's own logits, and is used only where it does."""

import pytest
import torch
from small_models import our_model, random_rows
from torch import nn

from llmkit.generation import generate
from llmkit.generation.reader import Reader
from llmkit.generation.stepper import Stepper, can_take_over


def read(model, *rows):
    """A cache into which the rows were read, the last token of each by itself."""
    cache = model.new_cache(len(rows))
    model(torch.tensor(rows)[:, :-1], cache=cache)
    model(torch.tensor(rows)[:, -1:], cache=cache)
    return cache


@pytest.mark.parametrize("choices", [
    {}, {"num_kv_heads": 2}, {"num_kv_heads": 1, "tied": False}, {"head_width": 12, "hidden_width": 40},
    {"norm_eps": 0.1, "rope_base": 100.0, "rope_scale": 2.0, "scale_scores": False},
])
def test_a_step_gives_the_logits_of_the_model(choices):
    model = our_model(**choices).double()
    row = random_rows(40)[0]
    with torch.no_grad():
        expected = model(torch.tensor([row]))[0]
        cache = read(model, row[:4])
        stepper = Stepper(model, cache)
        for at in range(4, 40):
            assert (stepper.step(row[at]) - expected[at]).abs().max() < 1e-5  # RoPE's tables are float32


def test_model_and_stepper_share_one_cache():
    model, row = our_model(), random_rows(12)[0]
    with torch.no_grad():
        expected = model(torch.tensor([row]))[0, -1]
        cache = read(model, row[:5])
        stepper = Stepper(model, cache)
        stepper.step(row[5])
        stepper.step(0)
        cache.crop(6)  # a step undone
        model(torch.tensor([row[6:11]]), cache=cache)
        assert (stepper.step(row[11]) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("choices", [
    {"norm": "layer"}, {"positions": "alibi"}, {"activation": "gelu"}, {"bias": True}, {"norm_place": "post"},
])
def test_other_families_are_left_to_the_model(choices):
    model = our_model(**choices)
    with torch.no_grad():
        cache = read(model, [3, 4, 5])
    assert not can_take_over(cache)
    with pytest.raises(ValueError, match="call the model itself"):
        Stepper(model, cache)


@torch.no_grad()
def test_several_texts_are_left_to_the_model():
    model = our_model()
    assert can_take_over(read(model, [3, 4]))
    assert not can_take_over(read(model, [3, 4], [5, 6]))


def test_a_replaced_layer_and_a_hook_are_called():
    class Louder(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer
            self.weight = layer.weight

        def forward(self, hidden):
            return 3 * self.layer(hidden)

    row = random_rows(5)[0]
    model = our_model()
    before = generate(model, row, 20)
    model.blocks[0].attention.output = Louder(model.blocks[0].attention.output)
    assert generate(model, row, 20) != before
    hooked, calls = our_model(), []
    hooked.blocks[1].register_forward_hook(lambda *_: calls.append(1))
    assert generate(hooked, row, 20) == before
    assert len(calls) == 20


def test_training_on_between_two_texts_is_noticed():
    model, row = our_model(), random_rows(5)[0]
    before = generate(model, row, 20)
    with torch.no_grad():
        model.blocks[0].feed_forward.down.weight.neg_()
    assert generate(model, row, 20) != before


@torch.no_grad()
def test_long_texts_of_the_llama_family_are_stepped_until_rows_are_chosen():
    reader = Reader(our_model(), random_rows(5), room=20)
    reader.start()
    stepped = [reader.read([[token]])[0, 0] for token in (3, 4)][1]
    assert reader.stepper is not None
    reader.undo(1)
    reader.select(torch.tensor([0]))
    assert reader.stepper is None
    assert (reader.read([[4]])[0, 0] - stepped).abs().max() < 1e-4
