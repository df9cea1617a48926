"""The recipe of tales-t5, in small."""

import json
import random
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest
import torch

from llmkit.objectives import translation_loss
from llmkit.recipes import RECIPES, t5
from llmkit.recipes.t5_start import look_next_door, without_scale
from llmkit.recipes.translation import answers, card, measure, several_translations, wrong_sentences
from llmkit.tales import split_of, tales
from llmkit.tokenization import BPE
from llmkit.training import Rows, Settings, shuffled, train
from llmkit.transformer import Transformer

TALES = list(islice(tales("test", seed=5), 12))


@cache
def tokenizer() -> BPE:
    texts = [text for tale in TALES for text in (f"translate: {tale.text}", tale.translation, f"summarize: {tale.summary}")]
    return BPE.train(texts, 500, special=("<pad>", "</s>"))


def small_model() -> Transformer:
    torch.manual_seed(0)
    return Transformer(replace(t5.SHAPE, vocab_size=len(tokenizer()), width=32, num_layers=1, num_heads=2, hidden_width=48, context=700)).eval()


def perfect(questions: list[str]) -> list[str]:
    """Answers every question about TALES rightly."""
    known = {f"translate: {english}": right for tale in TALES for english, right in zip(tale.sentences, tale.chinese, strict=True)}
    known |= {f"translate: {tale.text}": tale.translation for tale in TALES}
    known |= {f"summarize: {tale.text}": tale.summary for tale in TALES}
    return [known[question] for question in questions]


# ---- what is asked ---------------------------------------------------------------------------------------------------


def test_a_question_is_about_a_run_of_sentences_and_its_answer_is_their_chinese():
    chance, whole, summaries = random.Random(0), 0, 0
    for _ in range(400):
        tale = chance.choice(TALES)
        question, answer = t5.tasks(tale, chance)
        kind, _, text = question.partition(": ")
        if kind == "summarize":
            assert (text, answer) == (tale.text, tale.summary)
            summaries += 1
            continue
        assert kind == "translate" and text in tale.text
        run = [right for english, right in zip(tale.sentences, tale.chinese, strict=True) if english in text]
        assert answer in tale.translation and (set(run) == set(tale.chinese) or answer == "".join(run))
        whole += text == tale.text
    assert 0.1 < summaries / 400 < 0.2 and 0.2 < whole / 400 < 0.4


def test_the_first_lessons_are_of_one_or_two_sentences():
    chance, seen = random.Random(0), set()
    for _ in range(100):
        tale = chance.choice(TALES)
        question, answer = t5.first_tasks(tale, chance)
        runs = {
            (f"translate: {' '.join(tale.sentences[at : at + length])}", "".join(tale.chinese[at : at + length])): length
            for length in (1, 2) for at in range(len(tale.sentences) + 1 - length)
        }
        seen.add(runs[question, answer])
    assert seen == {1, 2}


def test_lessons_grow_longer_and_every_step_has_its_own_batch(monkeypatch):
    monkeypatch.setattr(t5, "FIRST_BATCH", 6)
    monkeypatch.setattr(t5, "BATCH", 3)
    batch = t5.lessons(tokenizer())
    first = [batch(step) for step in range(8)]
    later = [batch(t5.FIRST_STEPS + step) for step in range(8)]
    assert {len(each["source"]) for each in first} == {6} and {len(each["source"]) for each in later} == {3}
    short, long = (torch.cat([each["target_keep"].sum(1) for each in some]).float().mean() for some in (first, later))
    assert long > 1.5 * short
    assert all(torch.equal(again, first[0][name]) for name, again in t5.lessons(tokenizer())(0).items())


def test_the_rows_of_a_seed_are_always_the_same_and_come_from_training_tales():
    first, again, other = (list(islice(t5.pairs(tokenizer())(seed), 6)) for seed in (1, 1, 2))
    assert first == again != other
    for source, target in first:
        assert source[-1] == target[-1] == t5.END and target[0] == t5.PAD
    tale = next(tales("train", 1))
    assert split_of(tale.text, dict(tale.choices)["plot"], dict(tale.choices)["thing"]) == "train"


def test_a_batch_counts_the_padding_that_begins_a_target_as_real_and_no_other():
    batch = t5.collate([([5, 6, 1], [0, 7, 1]), ([5, 1], [0, 7, 8, 9, 1])])
    assert batch["source"].tolist() == [[5, 6, 1], [5, 1, 0]]
    assert batch["source_keep"].sum(1).tolist() == [3, 2]
    assert batch["target_keep"].sum(1).tolist() == [3, 5] and batch["target_keep"][:, 0].all()


def test_the_model_has_the_size_it_should_have():
    assert 1_500_000 <= Transformer(t5.SHAPE).num_parameters() <= 2_500_000
    assert RECIPES["tales-t5"] == "t5"


def test_at_the_start_each_head_looks_where_it_is_told_to():
    model = look_next_door(Transformer(t5.SHAPE))
    backward = model.decoder.bias(40, 40)[0]  # (H, T, S)
    assert backward[0, 20, :21].argmax() == 19  # of what a decoder may look at
    assert backward[1, 20, :21].argmax() == backward[2, 20, :21].argmax() == 20
    torch.testing.assert_close(backward[1, 20, 14:21], torch.arange(-6.0, 1.0))
    both = model.encoder.bias(40, 40)[0]
    assert [both[head, 20].argmax().item() for head in range(4)] == [19, 21, 20, 20]
    assert (both[2, 20, 15:20].diff() > 0).all() and (both[2, 20, 20:25].diff() < 0).all()
    with pytest.raises(ValueError, match="relative positions"):
        look_next_door(Transformer(replace(t5.SHAPE, positions="none")))


# ---- what is measured ------------------------------------------------------------------------------------------------


def test_a_perfect_translator_has_every_share_at_1():
    measured, failures = measure(perfect, TALES)
    assert failures == []
    assert {key: share for key, share in measured.items() if key != "lone_sentence"} == dict.fromkeys(
        ("tale", "sentence", "summary", "summary_names"), 1.0
    )


def test_one_wrong_sentence_costs_its_tale_and_is_listed_with_what_was_said():
    tale, wrong = TALES[3], "这里什么也没有。"

    def mistaken(questions: list[str]) -> list[str]:
        return [said.replace(tale.chinese[2], wrong) for said in perfect(questions)]

    measured, failures = measure(mistaken, TALES)
    number = sum(len(tale.sentences) for tale in TALES)
    assert measured["tale"] == pytest.approx(11 / 12)
    assert measured["sentence"] == pytest.approx(1 - 1 / number)
    assert measured["summary"] == measured["summary_names"] == 1
    (english, said, right), = failures
    assert (english, right) == (tale.sentences[2], tale.chinese[2])
    assert said == wrong


def test_a_sentence_left_out_is_the_only_one_missed():
    tale = TALES[0]
    said = tale.translation.replace(tale.chinese[1], "")
    assert [(english, instead) for english, instead, _ in wrong_sentences(said, tale)] == [(tale.sentences[1], "")]


def test_a_summary_with_another_thing_is_unfaithful_and_one_with_another_verb_is_not():
    name = TALES[0].summary.split()[0]

    def swapped(old: str, new: str):
        return lambda questions: [said.replace(old, new) if q[0] == "s" else said for q, said in zip(questions, perfect(questions), strict=True)]

    renamed, _ = measure(swapped(name, "Nora" if name != "Nora" else "Otto"), TALES[:1])
    reworded, failures = measure(swapped(".", ", and so on."), TALES[:1])
    assert (renamed["summary"], renamed["summary_names"]) == (0, 0)
    assert (reworded["summary"], reworded["summary_names"]) == (0, 1) and len(failures) == 1


def test_sentences_with_several_translations_are_counted_among_those_that_repeat():
    one, two, three = TALES[0], TALES[1], TALES[2]
    other = replace(one, chinese=("别的。", *one.chinese[1:]))
    shares = several_translations([one, other, two])
    count, others = len(one.sentences), len(set(two.sentences))
    assert shares["repeated"] == pytest.approx(2 * count / (2 * count + others))
    assert shares["ambiguous"] == pytest.approx(1 / count)
    assert several_translations([three])["ambiguous"] == 0


# ---- what comes out --------------------------------------------------------------------------------------------------


def test_a_small_model_learns_to_translate_a_few_sentences():
    some = [t5.pair(tokenizer(), f"translate: {tale.sentences[0]}", tale.chinese[0]) for tale in TALES[:4]]
    rows = Rows(shuffled(some), 4, window=1, collate=t5.collate, length=lambda row: len(row[1]))
    history = train(small_model(), rows, translation_loss, Settings(steps=20, warmup=4))
    assert sum(history.loss[-4:]) < 0.8 * sum(history.loss[:4])


def test_answers_come_in_the_order_of_the_questions_and_equal_those_of_transformers():
    from llmkit.weights import to_transformers

    model, questions = small_model(), ["translate: a tale of two", "summarize: it", "translate: The door was open."]
    theirs = to_transformers(without_scale(model), pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
    expected = []
    for question in questions:
        source = torch.tensor([[*tokenizer().encode(question), t5.END]])
        ids = theirs.generate(source, max_new_tokens=12, do_sample=False)[0].tolist()
        expected.append(tokenizer().decode(ids, skip_special=True))
    assert answers(model, tokenizer(), questions, batch_size=2, longest=12) == expected


def test_the_finished_folder_is_complete_and_its_card_says_what_was_measured(tmp_path):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    model, made = small_model(), {"steps": 3, "rows": 48, "seconds": 7.0, "validation_loss": 2.5}
    t5.finish(model, tokenizer(), tmp_path / "tales-t5", made, number=1, longest=6)
    measured = json.loads((tmp_path / "tales-t5" / "measured.json").read_text("utf-8"))
    assert made.items() <= measured.items() and measured["test_tale"] == 0
    written = (tmp_path / "tales-t5" / "README.md").read_text("utf-8")
    assert "48 rows" in written and "2.5000 nats" in written and f"{measured['ambiguous']:.1%}" in written
    theirs = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "tales-t5")
    source, target = torch.tensor([[5, 6, 7, 1]]), torch.tensor([[0, 9, 8]])
    torch.testing.assert_close(theirs(input_ids=source, decoder_input_ids=target).logits, model(source, target), atol=1e-4, rtol=1e-3)
    assert theirs.generation_config.decoder_start_token_id == 0
    ids = AutoTokenizer.from_pretrained(tmp_path / "tales-t5")("translate: Nora was there.")["input_ids"]
    assert ids == [*tokenizer().encode("translate: Nora was there."), t5.END]


def test_the_card_lists_failures_and_says_how_many_there_are():
    measured = dict.fromkeys(("parameters", "rows", "steps", "seconds", "validation_loss", "tales", "ambiguous"), 1.0)
    measured |= {f"{split}_{key}": 0.5 for split in ("test", "compositional")
                 for key in ("tale", "sentence", "lone_sentence", "summary", "summary_names")}
    text = card(measured, [("One.", "二。", "一。")] * 30, listed=2)
    assert text.count("| One. | 二。 | 一。 |") == 2 and "2 of the 30 sentences" in text
