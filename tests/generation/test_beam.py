"""Beam search against every text there is, against `transformers`, and against greedy decoding."""

from itertools import product

import pytest
import torch
from small_models import ByteTokenizer, our_model, random_rows, their_model

from llmkit.generation import beam_search, generate


def log_probabilities(model, row, texts):
    """Of texts of one length after the same row."""
    with torch.no_grad():
        chances = model(torch.tensor([row + text for text in texts]))[:, len(row) - 1 : -1].log_softmax(-1)
    return chances.gather(-1, torch.tensor(texts)[..., None]).sum((1, 2)).tolist()


def log_probability(model, row, tokens):
    return log_probabilities(model, row, [tokens])[0]


def every_text(vocab_size, length, stop):
    """All texts that end with `stop`, or have `length` tokens without it."""
    texts = set()
    for tokens in product(range(vocab_size), repeat=length):
        end = tokens.index(stop) + 1 if stop in tokens else length
        texts.add(tokens[:end])
    return [list(text) for text in texts]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_with_beams_for_everything_the_search_finds_the_best_of_all_texts(length_penalty, seed):
    model, row, stop = our_model(vocab_size=4, size=0.1, seed=seed), [1, 2], 3
    texts = every_text(4, 4, stop)
    scores = {}
    for length in range(1, 5):
        alike = [text for text in texts if len(text) == length]
        for text, chance in zip(alike, log_probabilities(model, row, alike), strict=True):
            scores[tuple(text)] = chance / length**length_penalty
    ranked = sorted(scores, key=scores.get, reverse=True)
    found = beam_search(model, row, 4, num_beams=300, length_penalty=length_penalty, stop=stop)
    assert [tuple(beam.tokens) for beam in found[:5]] == ranked[:5]
    assert len(found) == len(texts)
    assert found[0].score == pytest.approx(scores[ranked[0]], abs=1e-5)


@pytest.mark.parametrize("name", ["llama, two key-value heads", "gpt2", "t5"])
@pytest.mark.parametrize(("num_beams", "length_penalty"), [(4, 1.0), (2, 0.0), (3, 2.0)])
def test_the_best_text_is_that_of_transformers(name, num_beams, length_penalty):
    model = their_model(name)
    for row in random_rows(6, 3):
        ends = generate(model, row, 12)
        stop = ends[7]
        theirs = model.generate(
            torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long), max_new_tokens=12,
            num_beams=num_beams, length_penalty=length_penalty, do_sample=False, eos_token_id=stop, pad_token_id=0,
            output_scores=True, return_dict_in_generate=True,
        )
        ours = beam_search(model, row, 12, num_beams, length_penalty, stop=stop)[0]
        skipped = 1 if name == "t5" else len(row)
        assert theirs.sequences[0, skipped:].tolist() == ours.tokens
        assert theirs.sequences_scores[0].item() == pytest.approx(ours.score, abs=1e-4)


def test_a_single_beam_is_the_greedy_text():
    model, row = our_model(), random_rows(5)[0]
    greedy = generate(model, row, 20)
    assert [beam.tokens for beam in beam_search(model, row, 20, num_beams=1)] == [greedy]
    assert beam_search(model, row, 20, num_beams=1, stop=greedy[6])[0].tokens == greedy[: greedy.index(greedy[6]) + 1]


@pytest.mark.parametrize("choices", [{}, {"positions": "alibi"}, {"kind": "encoder-decoder", "positions": "relative"}])
def test_every_log_probability_is_that_of_the_text(choices):
    model, row = our_model(**choices), random_rows(5)[0]
    for beam in beam_search(model, row, 10, num_beams=4):
        if model.config.kind == "decoder":
            expected = log_probability(model, row, beam.tokens)
        else:
            with torch.no_grad():
                chances = model(torch.tensor([row]), torch.tensor([[0, *beam.tokens[:-1]]]))[0].log_softmax(-1)
            expected = chances[range(10), beam.tokens].sum().item()
        assert beam.log_probability == pytest.approx(expected, abs=1e-3)
        assert beam.score == pytest.approx(beam.log_probability / 10)


def test_more_beams_find_texts_at_least_as_likely_here():
    model, row = our_model(size=0.15), random_rows(5)[0]
    best = [beam_search(model, row, 12, num_beams=k)[0].log_probability for k in (1, 4, 16)]
    assert best[0] < best[1] <= best[2]


def test_several_prompts_are_searched_one_by_one_and_texts_come_with_a_tokenizer():
    model, rows = our_model(vocab_size=258), ["a text", "b"]
    found = beam_search(model, rows, 5, num_beams=2, tokenizer=ByteTokenizer())
    assert found == [beam_search(model, row, 5, num_beams=2, tokenizer=ByteTokenizer()) for row in rows]
    assert isinstance(found[0][0].text, str)


def test_beams_slide_their_window_together():
    model, row = our_model(context=16), random_rows(13)[0]
    with pytest.warns(UserWarning, match="slides"):
        greedy = generate(model, row, 9)
    with pytest.warns(UserWarning, match="slides"):
        assert beam_search(model, row, 9, num_beams=1)[0].tokens == greedy
    with pytest.warns(UserWarning, match="slides"):
        assert len(beam_search(model, row, 9, num_beams=3)) == 3


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda m: beam_search(m, [3], num_beams=0), "num_beams must be a whole number of at least 1; got 0"),
    (lambda m: beam_search(m, "a", stop="end", tokenizer=ByteTokenizer()), "stops at token ids only"),
])
def test_what_cannot_be_searched_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(our_model(vocab_size=258))
