"""Decoding: the same ids as `transformers`, the same row in a batch as alone, and nothing that leaks out of it."""

import warnings

import pytest
import torch
from small_models import LLAMA, THEIRS, V, our_model, random_rows, shaken, their_model
from transformers import LlamaConfig, LlamaForCausalLM

from llmkit.generation import generate, stream
from llmkit.sampling import Sampling
from llmkit.weights import from_transformers

POSITIONS = ["rope", "learned", "sinusoidal", "alibi", "relative", "none"]


def by_definition(model, row, count):
    """Greedy decoding without any cache: read everything, take the best token, and again."""
    row = list(row)
    for _ in range(count):
        with torch.no_grad():
            row.append(model(torch.tensor([row]))[0, -1].argmax().item())
    return row[-count:]


def their_ids(model, rows, count, **options):
    """What generate of transformers adds to each row, or answers to it."""
    out = model.generate(torch.tensor(rows), attention_mask=torch.ones(len(rows), len(rows[0]), dtype=torch.long),
                         max_new_tokens=count, do_sample=False, **options)
    return out[:, -count:].tolist()


# ---- greedy ids --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THEIRS)
def test_greedy_ids_are_those_of_transformers(name):
    model = their_model(name)
    rows = random_rows(7, 7, 7)
    expected = their_ids(model, rows, 20)
    assert len({tuple(ids) for ids in expected}) > 1  # the texts differ, so a wrong row would be noticed
    assert generate(model, rows, 20) == expected
    assert generate(from_transformers(model), rows[1], 20) == expected[1]


@pytest.mark.parametrize("penalty", [1.3, 0.8])
def test_greedy_ids_with_a_repetition_penalty_are_those_of_transformers(penalty):
    for name in ("llama", "t5"):
        model = their_model(name)
        expected = their_ids(model, random_rows(6, 6), 25, repetition_penalty=penalty)
        assert generate(model, random_rows(6, 6), 25, Sampling(temperature=0, repetition_penalty=penalty)) == expected


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_cache_changes_nothing(positions):
    model = our_model(positions=positions)
    row = random_rows(5)[0]
    assert generate(model, row, 30) == by_definition(model, row, 30)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_row_in_a_ragged_batch_is_the_row_alone(positions):
    model, rows = our_model(positions=positions), random_rows(9, 1, 4, 9)
    assert generate(model, rows, 20) == [generate(model, row, 20) for row in rows]


@pytest.mark.parametrize("positions", ["relative", "learned"])
def test_a_ragged_batch_of_sources_is_each_source_alone(positions):
    model, rows = our_model(kind="encoder-decoder", positions=positions), random_rows(9, 2, 5)
    alone = [generate(model, row, 12) for row in rows]
    assert generate(model, rows, 12) == alone
    with torch.no_grad():
        target = [0]
        for _ in range(12):
            target.append(model(torch.tensor([rows[1]]), torch.tensor([target]))[0, -1].argmax().item())
    assert alone[1] == target[1:]


@pytest.mark.parametrize("form", [list, torch.tensor])
def test_prompts_may_be_lists_or_tensors(form):
    model, rows = our_model(), random_rows(4, 4)
    assert generate(model, form(rows[0]), 5) == generate(model, rows, 5)[0]
    assert generate(model, form(rows), 5) == generate(model, rows, 5)


# ---- stopping ----------------------------------------------------------------------------------------------------


def test_each_row_ends_at_its_own_stop_token_which_is_returned():
    model, rows = our_model(), random_rows(9, 1, 4)
    free = generate(model, rows, 20)
    stop = {free[0][3], free[2][7]}
    expected = [ids[: next((i for i, token in enumerate(ids) if token in stop), 19) + 1] for ids in free]
    assert len({len(ids) for ids in expected}) > 1
    assert generate(model, rows, 20, stop=stop) == expected
    assert list(stream(model, rows[0], 20, stop=stop)) == expected[0]


def test_the_end_token_of_a_model_from_transformers_stops_it():
    model = shaken(LlamaForCausalLM(LlamaConfig(**LLAMA)))
    row = random_rows(5)[0]
    free = generate(model, row, 20)
    model.generation_config.eos_token_id = [free[4], V - 1]
    assert generate(model, row, 20) == free[: free.index(free[4]) + 1]
    assert generate(model, row, 20, stop=()) == free


# ---- a text longer than the context -------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [3, 16, 40])
def test_a_text_longer_than_the_context_slides_its_window_and_says_so_once(length):
    model, row = our_model(context=16), random_rows(length)[0]
    with pytest.warns(UserWarning, match="longer than the 16 tokens .* window slides") as said:
        new = generate(model, row, 30)
    assert len(said) == 1
    text, start = list(row), 0  # the same by definition: a window that is cut to 12 whenever 16 are full
    if length > 16:
        start = length - 12
    for _ in range(30):
        if len(text) - start > 16:
            start = len(text) - 12
        with torch.no_grad():
            text.append(model(torch.tensor([text[start:]]))[0, -1].argmax().item())
    assert new == text[length:]


def test_rows_of_a_batch_that_outgrow_the_context_are_still_the_rows_alone():
    model, rows = our_model(context=16), random_rows(14, 3)
    with pytest.warns(UserWarning, match="slides"):
        assert generate(model, rows, 12) == [generate(model, row, 12) for row in rows]


def test_a_text_that_just_fits_does_not_slide():
    model, row = our_model(context=16), random_rows(6)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generate(model, row, 10)


def test_a_source_longer_than_the_context_is_cut_and_says_so():
    model, row = our_model(kind="encoder-decoder", positions="relative", context=16), random_rows(20)[0]
    with pytest.warns(UserWarning, match="sees the first 16"):
        assert generate(model, row, 5) == generate(model, row[:16], 5)


# ---- drawing -----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_text_and_another_seed_another():
    model, rows = our_model(), random_rows(4, 6)
    texts = [generate(model, rows, 20, Sampling(seed=seed)) for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]
    assert list(stream(model, rows[0], 20, Sampling(seed=5))) == generate(model, rows[0], 20, Sampling(seed=5))


def test_drawn_tokens_follow_the_distribution_of_the_model():
    model, row, draws = our_model(size=0.15, vocab_size=6), [3, 4], 2000
    with torch.no_grad():
        logits = model(torch.tensor([row]))[0, -1]
    expected = draws * Sampling(temperature=0.7, top_k=4).adjust(logits).softmax(-1)
    drawn = generate(model, [row] * draws, 1, Sampling(temperature=0.7, top_k=4, seed=0))
    counts = torch.bincount(torch.tensor(drawn)[:, 0], minlength=6)
    kept = expected > 0
    assert kept.sum() == 4 and counts[~kept].sum() == 0
    assert ((counts - expected)[kept] ** 2 / expected[kept]).sum() < 16.27  # 3 degrees of freedom, 1 seed in 1000


# ---- what must not leak ------------------------------------------------------------------------------------------


def test_gradients_are_as_the_caller_wants_them_between_two_tokens():
    model = our_model()
    for _ in stream(model, [3], 2):
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        assert (torch.ones(1, requires_grad=True) * 2).requires_grad


def test_a_model_in_training_decodes_without_dropout_and_goes_on_training():
    model = our_model(dropout=0.9).train()
    texts = {tuple(generate(model, [3, 4], 10)) for _ in range(3)}
    assert len(texts) == 1 and model.training
    assert texts == {tuple(generate(model.eval(), [3, 4], 10))}


# ---- what cannot be continued ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda m: generate(m, []), "prompt is empty, and no token is known that begins a text"),
    (lambda m: generate(m, [[3], []]), "prompt is empty"),
    (lambda m: generate(m, "a text"), "needs a tokenizer"),
    (lambda m: generate(m, [3], 0), "max_new_tokens must be a whole number of at least 1; got 0"),
    (lambda m: generate(m, [3, V]), f"token id {V}; this model knows ids 0 to {V - 1}"),
    (lambda m: generate(m, [3], stop="end"), "A text to stop at .* needs a tokenizer"),
    (lambda m: generate(m, [3], sampling=Sampling(top_k=V + 1)), f"from 1 to {V}, the size of the vocabulary"),
    (lambda m: stream(m, [[3], [4]]), "stream takes one prompt; got 2"),
    (lambda m: generate(our_model(kind="encoder"), [3]), "An encoder reads a text but cannot continue it"),
])
def test_what_cannot_be_continued_is_answered_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(our_model())


def test_an_empty_prompt_begins_with_the_token_given_for_it():
    model = our_model()
    assert generate(model, [[], [5]], 6, begin=1) == generate(model, [[1], [5]], 6)
