"""Speculative decoding changes the time, never the text: the same greedy ids, the same distribution."""

from itertools import product

import pytest
import torch
from small_models import ByteTokenizer, V, our_model, random_rows, their_model

from llmkit.generation import generate, speculate
from llmkit.generation.speculative import verify
from llmkit.sampling import Sampling

GREEDY = Sampling(temperature=0)


def near(model, size):
    """A draft: the same model with its weights a little off."""
    draft = our_model()
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for weight, other in zip(draft.parameters(), model.parameters(), strict=True):
            weight.copy_(other + size * torch.randn(other.shape, generator=generator))
    return draft


def chi_square(counts, chances):
    expected = counts.sum() * chances
    return ((counts - expected) ** 2 / expected).sum().item()


@pytest.mark.parametrize("off", [0.0, 0.02, 1.0])
@pytest.mark.parametrize("lookahead", [1, 5])
def test_greedy_tokens_are_those_of_the_large_model_alone(off, lookahead):
    model, row = our_model(), random_rows(5)[0]
    for settings in (GREEDY, Sampling(temperature=0, repetition_penalty=1.3)):
        said = speculate(model, near(model, off), row, 24, settings, lookahead)
        assert said.tokens == generate(model, row, 24, settings)
        if off == 0:
            assert said.acceptance == 1 and said.rounds == -(-24 // (lookahead + 1))
        else:
            assert said.acceptance < 1


def test_a_good_draft_saves_passes_of_the_large_model():
    model, row = our_model(), random_rows(5)[0]
    rounds = [speculate(model, near(model, off), row, 30).rounds for off in (0.0, 0.02, 1.0)]
    assert rounds == sorted(rounds) and rounds[0] == 6 and rounds[-1] > 20


@pytest.mark.parametrize("choices", [{"positions": "alibi"}, {"norm": "layer", "positions": "learned", "activation": "gelu"}])
def test_draft_and_model_may_be_of_different_families(choices):
    model, row = our_model(**choices), random_rows(5)[0]
    assert speculate(model, our_model(seed=2), row, 12).tokens == generate(model, row, 12)
    assert speculate(their_model("gpt2"), model, row, 12).tokens == generate(their_model("gpt2"), row, 12)


@pytest.mark.parametrize("max_new_tokens", [1, 2, 5, 6, 7])
def test_the_text_has_the_length_asked_for(max_new_tokens):
    model, row = our_model(), random_rows(5)[0]
    assert speculate(model, near(model, 0.02), row, max_new_tokens).tokens == generate(model, row, max_new_tokens)


def test_a_stop_token_ends_the_text_in_the_middle_of_a_round():
    model, row = our_model(), random_rows(5)[0]
    for stop in generate(model, row, 12):
        expected = generate(model, row, 12, stop=stop)
        assert speculate(model, model, row, 12, stop=stop).tokens == expected


# ---- the distribution --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draft_chances", [[0.1, 0.1, 0.7, 0.1], [0.0, 0.0, 0.5, 0.5], [0.4, 0.3, 0.2, 0.1]])
def test_one_verified_token_has_the_distribution_of_the_large_model(draft_chances):
    chances, draft = torch.tensor([[0.4, 0.3, 0.2, 0.1]] * 2), torch.tensor([draft_chances])
    generator = torch.Generator().manual_seed(0)
    guesses = torch.multinomial(draft[0], 2_000, replacement=True, generator=generator).tolist()
    tokens, stood = [], 0
    for guess in guesses:
        accepted, token = verify([guess], chances, draft, generator)
        tokens.append(guess if accepted else token)
        stood += accepted
    assert chi_square(torch.bincount(torch.tensor(tokens), minlength=4), chances[0]) < 16.27  # 1 seed in 1000
    overlap = torch.minimum(chances[0], draft[0]).sum().item()  # theorem 3.5 of the paper
    assert stood / 2_000 == pytest.approx(overlap, abs=5 * (0.25 / 2_000) ** 0.5)


@pytest.mark.parametrize("settings", [Sampling(seed=1), Sampling(temperature=0.7, top_k=2, repetition_penalty=1.5, seed=2)])
def test_whole_texts_have_the_distribution_of_the_large_model(settings):
    model, draft = (our_model(vocab_size=3, size=0.12, num_layers=1, seed=seed) for seed in (1, 5))
    row, texts = [1, 2], list(product(range(3), repeat=2))
    chances = []
    for text in texts:  # the probability of each text, by the chain rule
        chance = 1.0
        for at in range(2):
            seen = torch.tensor([[*row, *text[:at]]])
            with torch.no_grad():
                chance *= settings.adjust(model(seen)[:, -1], seen).softmax(-1)[0, text[at]].item()
        chances.append(chance)
    possible = torch.tensor(chances) > 0
    counts = torch.zeros(len(texts))
    generator = settings.generator()
    same_stream = type("OneStream", (Sampling,), {"generator": lambda self, device="cpu": generator})
    drawn = same_stream(**vars(settings))
    for _ in range(200):
        counts[texts.index(tuple(speculate(model, draft, row, 2, drawn, lookahead=2).tokens))] += 1
    assert counts[~possible].sum() == 0
    freedom = int(possible.sum()) - 1
    assert chi_square(counts[possible], torch.tensor(chances)[possible]) < freedom + 4 * (2 * freedom) ** 0.5


# ---- the window, and what cannot be done -------------------------------------------------------------------------


def test_the_windows_of_both_models_slide():
    model, row = our_model(context=16), random_rows(5)[0]
    with pytest.warns(UserWarning, match="slides"):
        said = speculate(model, our_model(seed=2, context=12), row, 30, lookahead=3)
    assert len(said.tokens) == 30


def test_texts_come_with_a_tokenizer():
    model = our_model(vocab_size=258)
    expected = generate(model, "a text", 10, tokenizer=ByteTokenizer())
    assert speculate(model, model, "a text", 10, tokenizer=ByteTokenizer()).text == expected


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda m: speculate(m, our_model(vocab_size=50), [3]), f"knows 50 of them, the model {V}"),
    (lambda m: speculate(m, m, [3], lookahead=0), "lookahead must be a whole number from 1 to 63"),
    (lambda m: speculate(m, m, [[3], [4]]), "takes one prompt"),
    (lambda m: speculate(m, our_model(kind="encoder"), [3]), "is for decoders"),
])
def test_what_cannot_be_speculated_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(our_model())
