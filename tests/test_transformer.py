"""The Transformer: what each choice must not break. Its numbers are checked against `transformers` in test_weights.py."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from llmkit.transformer import Config, KVCache, PretrainingModel, SpanModel, Transformer
from llmkit.transformer.config import CHOICES

V = 53
BASE = Config(vocab_size=V, width=24, num_layers=2, num_heads=4, context=24)
SAME = 1e-5
DECODERS = {
    **{f"positions={p}": {"positions": p} for p in CHOICES["positions"]},
    "as GPT-2": {"norm": "layer", "activation": "gelu_tanh", "positions": "learned", "bias": True},
    "post-norm": {"norm_place": "post", "norm": "layer", "activation": "relu", "positions": "sinusoidal"},
    "two key-value heads, scaled logits": {"num_kv_heads": 2, "scale_logits": True},
    "one key-value head, ALiBi": {"num_kv_heads": 1, "positions": "alibi", "activation": "geglu"},
    "wide heads, untied": {"head_width": 10, "tied": False, "bias": True, "activation": "gelu"},
    "unscaled": {"scale_scores": False, "scale_logits": True, "positions": "relative", "max_distance": 18},
}


def make(seed=0, model=Transformer, **choices):
    """A model with weights large enough to show every mistake, in evaluation mode."""
    torch.manual_seed(seed)
    made = model(replace(BASE, **choices))
    with torch.no_grad():
        for weight in made.parameters():
            weight += 0.15 * torch.randn_like(weight)
    return made.eval()


def tokens(rows=2, count=9, seed=3):
    return torch.randint(0, V, (rows, count), generator=torch.Generator().manual_seed(seed))


def close(got, expected, tolerance=SAME):
    return (got - expected).abs().max().item() <= tolerance * max(1.0, expected.abs().max().item())


every_decoder = pytest.mark.parametrize("choices", DECODERS.values(), ids=DECODERS)


# ---- what a decoder must do, whatever was chosen -------------------------------------------------------------------


@every_decoder
@torch.no_grad()
def test_no_token_sees_the_future(choices):
    model, text = make(**choices), tokens()
    other = text.clone()
    other[:, 5:] = (other[:, 5:] + 1) % V
    before, after = model(text), model(other)
    assert close(before[:, :5], after[:, :5])
    assert not close(before[:, 5:], after[:, 5:], 1e-2)


@every_decoder
def test_the_fast_pass_the_traced_pass_and_the_training_pass_agree(choices):
    model, text = make(**choices), tokens()
    trained = model(text)
    seen = model.trace(text)
    with torch.no_grad():
        fast = model(text)
    assert close(fast, trained) and close(seen.logits, trained)
    assert seen.attention.shape == (2, 2, 4, 9, 9) and close(seen.attention.sum(-1), torch.ones(2, 2, 4, 9))
    assert not seen.attention.triu(1).any()
    assert seen.hidden_states.shape == (3, 2, 9, 24)
    assert close(seen.layer_logits[-1], seen.logits)  # the lens on the last layer is the model itself


@every_decoder
@torch.no_grad()
def test_a_cache_gives_the_logits_of_the_whole_text_in_any_portions(choices):
    model, text = make(**choices), tokens(rows=3, count=12)
    whole, cache = model(text), model.new_cache(3, context=12)
    parts = [model(part, cache=cache) for part in text.split([4, 1, 1, 3, 1, 2], dim=1)]
    assert close(torch.cat(parts, 1), whole)
    assert cache.length == 12
    cache.crop(5)
    assert close(model(text[:, 5:], cache=cache), whole[:, 5:])


@every_decoder
@torch.no_grad()
def test_padding_on_either_side_changes_no_real_token(choices):
    model, text = make(**choices), tokens(rows=1, count=7)
    alone = model(text)
    padded = torch.full((3, 10), 7)
    padded[0, 3:], padded[1, :7], padded[2, 2:9] = text, text, text
    keep = torch.zeros(3, 10, dtype=torch.bool)
    keep[0, 3:], keep[1, :7], keep[2, 2:9] = True, True, True
    logits = model(padded, keep)
    assert all(close(logits[row][keep[row]], alone[0]) for row in range(3))
    assert close(model.trace(padded, keep).logits[keep], logits[keep])
    assert torch.isfinite(logits).all()
    assert close(model(padded[1:2], keep[1:2]), model(padded[1:2]))  # on the right it needs no mask at all


@every_decoder
@torch.no_grad()
def test_rows_padded_on_the_left_are_continued_by_the_cache(choices):
    model, text = make(**choices), tokens(rows=1, count=11)
    whole = model(text)
    padded = torch.full((2, 7), 9)
    padded[0, 2:], padded[1] = text[0, :5], text[0, :7]
    keep = torch.ones(2, 7, dtype=torch.bool)
    keep[0, :2] = False
    cache = model.new_cache(2)
    first = model(padded, keep, cache=cache)[:, -1]
    assert close(first[0], whole[0, 4]) and close(first[1], whole[0, 6])
    for step in range(3):
        new = torch.stack([text[0, 5 + step], text[0, 7 + step]])[:, None]
        logits = model(new, cache=cache)[:, -1]
        assert close(logits[0], whole[0, 5 + step]) and close(logits[1], whole[0, 7 + step])


@every_decoder
def test_every_weight_learns(choices):
    model, text = make(**choices), tokens()
    nn.functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten()).backward()
    idle = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.isfinite().all()]
    assert idle == []


# ---- encoders, and both --------------------------------------------------------------------------------------------

ENCODERS = [{"norm": "layer", "norm_place": "post", "activation": "gelu", "positions": "learned", "bias": True,
             "num_segments": 2}, {"positions": "rope"}, {"positions": "alibi"}, {"positions": "relative"}]


@pytest.mark.parametrize("choices", ENCODERS, ids=["as BERT", "rope", "alibi", "relative"])
@torch.no_grad()
def test_an_encoder_looks_both_ways_but_never_at_padding(choices):
    model, text = make(kind="encoder", **choices), tokens(rows=1, count=6)
    alone = model(text)
    other = text.clone()
    other[0, -1] = (other[0, -1] + 1) % V
    assert not close(model(other)[:, 0], alone[:, 0], 1e-3)
    padded = torch.cat([text, torch.full((1, 3), 5)], 1)
    keep = torch.arange(9)[None] < 6
    assert close(model(padded, keep)[:, :6], alone)
    seen = model.trace(padded, keep)
    assert not seen.attention[..., 6:].any() and seen.logits is None and seen.layer_logits is None
    assert torch.isfinite(model(padded, torch.zeros(1, 9, dtype=torch.bool))).all()  # a row of nothing but padding


@pytest.mark.parametrize("positions", CHOICES["positions"])
@torch.no_grad()
def test_an_encoder_decoder_reads_the_source_and_steps_through_the_target(positions):
    model = make(kind="encoder-decoder", positions=positions, num_kv_heads=2, activation="geglu")
    source, target = tokens(2, 8, seed=4), tokens(2, 6, seed=5)
    keep = torch.arange(8) < torch.tensor([[8], [5]])
    whole = model(source, target, keep)
    assert close(model(source[1:, :5], target[1:]), whole[1:])  # the padding of the source is never read
    assert not close(model(source.flip(1), target, keep), whole, 1e-3)
    cache, memory = model.new_cache(2), model.encode(source, keep)
    steps = [model(target[:, :2], memory=memory, memory_keep=keep, cache=cache)]
    steps += [model(target[:, i : i + 1], cache=cache) for i in range(2, 6)]  # the cache remembers the source
    assert close(torch.cat(steps, 1), whole)
    seen = model.trace(target, memory=memory, memory_keep=keep)
    assert close(seen.logits, whole)
    assert seen.cross_attention.shape == (2, 2, 4, 6, 8) and not seen.cross_attention[:, 1, :, :, 5:].any()


@torch.no_grad()
def test_heads_are_asked_only_where_there_is_something_to_guess():
    model = make(model=PretrainingModel, kind="encoder", activation="gelu")
    text, places = tokens(), torch.zeros(2, 9, dtype=torch.bool)
    places[0, 3] = places[1, 7] = True
    everywhere, verdict = model(text)
    chosen, same_verdict = model(text, places=places)
    assert close(chosen, everywhere[places]) and close(same_verdict, verdict)
    for head in (PretrainingModel, SpanModel):
        with pytest.raises(ValueError, match="stand on an encoder"):
            head(BASE)


# ---- the cache -----------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_rows_of_a_cache_can_be_chosen_as_beams_are():
    model, text = make(num_kv_heads=2), tokens(rows=3, count=6)
    rows = torch.tensor([2, 0, 0, 1])
    cache, expected = model.new_cache(3), model.new_cache(4)
    model(text, cache=cache)
    model(text[rows], cache=expected)
    cache.select(rows)
    assert (cache.batch_size, cache.length) == (4, 6)
    assert close(model(text[rows, :2], cache=cache), model(text[rows, :2], cache=expected))


@torch.no_grad()
def test_a_full_cache_refuses_and_stays_as_it_was():
    model, text = make(), tokens(rows=1, count=6)
    cache = model.new_cache(1, context=8)
    model(text, cache=cache)
    before = cache.store.clone()
    with pytest.raises(ValueError, match="holds 6 tokens and has room for 8; 3 more do not fit"):
        model(text[:, :3], cache=cache)
    assert torch.equal(cache.store, before) and cache.length == 6
    model(text[:, :2], cache=cache)
    with pytest.raises(ValueError, match="1 more do not fit"):
        model(text[:, :1], cache=cache)
    with pytest.raises(ValueError, match="made for 1 rows; got tokens for 2"):
        model(tokens(2, 1), cache=model.new_cache(1))
    with pytest.raises(ValueError, match="cannot be cropped to 9"):
        cache.crop(9)
    with pytest.raises(ValueError, match=r"room for 1 to 24 tokens.*context=25"):
        KVCache(BASE, context=25)


# ---- what makes it fast must not make it wrong ---------------------------------------------------------------------


def step_and_whole(model, text):
    """The logits of the last token by a single step, and by reading the whole text."""
    with torch.no_grad():
        cache = model.new_cache(text.shape[0])
        model(text[:, :-1], cache=cache)
        logits = model(text[:, -1:], cache=cache)[:, 0]
        assert bool(cache.step) == (model.config.positions == "rope" and not model.blocks[0].attention._forward_hooks)
        return logits, model(text)[:, -1]


def test_the_short_way_follows_every_change_of_the_weights():
    model, text = make(num_kv_heads=2), tokens()
    assert close(*step_and_whole(model, text))
    assert close(*step_and_whole(make(tied=False, scale_scores=False), text))
    old, _ = step_and_whole(model, text)
    model(text).logsumexp(-1).sum().backward()
    with torch.no_grad():
        for weight in model.parameters():  # what every optimizer does in the end
            weight.sub_(0.05 * weight.grad.sign())
    new, whole = step_and_whole(model, text)
    assert close(new, whole) and not close(new, old, 1e-2)
    model.load_state_dict(make(seed=5, num_kv_heads=2).state_dict())
    newest, whole = step_and_whole(model, text)
    assert close(newest, whole) and not close(newest, new, 1e-2)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.blocks[1].feed_forward.up.weight.mul_(2)
    assert close(*step_and_whole(twin, text)) and not close(step_and_whole(twin, text)[0], newest, 1e-2)
    assert close(*step_and_whole(model.double(), text), tolerance=1e-12)


def test_a_hook_or_a_replaced_layer_is_never_passed_by():
    model, text, heard = make(), tokens(), []
    step_and_whole(model, text)
    handle = model.blocks[0].attention.register_forward_hook(lambda *_: heard.append("attention"))
    assert close(*step_and_whole(model, text))
    assert len(heard) == 3
    handle.remove()
    model.blocks[1].attention.value.register_forward_hook(lambda *_: heard.append("value"))
    with torch.no_grad():
        model(text)
    assert heard[-1] == "value"

    class Doubled(nn.Linear):
        def forward(self, hidden):
            return 2 * super().forward(hidden)

    plain = make()
    old = plain(text)
    layer = Doubled(24, 24, bias=False)
    layer.load_state_dict(plain.blocks[0].attention.query.state_dict())
    plain.blocks[0].attention.query = layer
    with torch.no_grad():
        assert not close(plain(text), old, 1e-3)
    with torch.no_grad():
        layer.weight.mul_(0.5)
    assert close(plain(text), old)


def test_a_model_made_in_inference_mode_works_there():
    with torch.inference_mode():
        model = make(num_kv_heads=2)
        text = tokens()
        cache = model.new_cache(2)
        model(text[:, :-1], cache=cache)
        assert close(model(text[:, -1:], cache=cache)[:, 0], model(text)[:, -1])


# ---- beginnings ----------------------------------------------------------------------------------------------------


def test_a_new_model_knows_nothing_and_says_so():
    torch.manual_seed(0)
    model = Transformer(replace(BASE, width=64, num_layers=8, vocab_size=500))
    text = torch.randint(0, 500, (8, 24))
    loss = nn.functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(500), abs=0.05)
    block = model.blocks[3]
    assert block.attention.query.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for layer in (block.attention.output, block.feed_forward.down):
        assert layer.weight.std().item() == pytest.approx(0.02 / math.sqrt(2 * 8), rel=0.05)


def test_parameters_are_counted_by_hand():
    model = Transformer(Config(vocab_size=1536, width=128, num_layers=4, num_heads=4, num_kv_heads=2, hidden_width=320))
    attention = 128 * (128 + 64 + 64) + 128 * 128
    assert model.num_parameters() == 1536 * 128 + 4 * (attention + 3 * 128 * 320 + 2 * 128) + 128


@torch.no_grad()
def test_position_interpolation_squeezes_positions():
    short, stretched = make(), make(rope_scale=2.0)
    text = tokens(1, 6)
    places = torch.arange(0, 12, 2)[None]
    assert close(stretched(text, positions=places), short(text))


# ---- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "words"), [
    ({"kind": "dekoder"}, "kind is one of decoder, encoder, encoder-decoder; got 'dekoder'"),
    ({"norm": "batch"}, "norm is one of rms, layer"),
    ({"width": 25}, "25 cannot be cut into 4 equal heads"),
    ({"num_kv_heads": 3}, "4 query heads cannot share 3 key-value heads"),
    ({"head_width": 5}, "the head width must be even; it is 5"),
    ({"context": 0}, "context must be at least 1; got 0"),
    ({"vocab_size": -1}, "vocab_size must be at least 1"),
    ({"num_segments": 2}, "Segments belong to an encoder"),
    ({"dropout": 1.0}, "dropout is a probability"),
])
def test_impossible_choices_are_refused_in_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        replace(BASE, **change)


def test_texts_that_cannot_be_read_are_refused_in_a_sentence():
    model = make()
    for wrong, words in [
        (tokens(1, 25), "has 25 tokens, but the model reads at most 24"),
        (torch.tensor([[1, V]]), f"vocabulary has {V} entries, 0 to {V - 1}; got token {V}"),
        (torch.tensor([[1, -1]]), "got token -1"),
        (tokens(1, 3)[0], r"whole numbers of shape \(B, T\)"),
        (torch.zeros(1, 3), "whole numbers"),
        (torch.zeros(1, 0, dtype=torch.long), "no tokens to read"),
    ]:
        with pytest.raises(ValueError, match=words):
            model(wrong)
    with pytest.raises(ValueError, match="keep says for every token"):
        model(tokens(1, 3), torch.ones(1, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match="Positions count from 0 to 23"):
        model(tokens(1, 2), positions=torch.tensor([[23, 24]]))
    with pytest.raises(ValueError, match="A decoder has no encoder"):
        model.encode(tokens(1, 3))
    with pytest.raises(ValueError, match="reads a source and writes a target"):
        make(kind="encoder-decoder")(tokens(1, 3))
