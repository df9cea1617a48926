"""The recipe of tales-qa, in small."""

import json
from itertools import islice

import pytest
import torch
from small_recipes import SHAPE, pieces, shrink
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

from llmkit.recipes import bert, build, qa
from llmkit.recipes.shelf import publish
from llmkit.tales import tales
from llmkit.transformer import PretrainingModel
from llmkit.weights import from_transformers, to_transformers


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a small tales-qa made from an untrained tales-bert, and the tokenizer."""
    folder = tmp_path_factory.mktemp("qa")
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        publish(to_transformers(PretrainingModel(SHAPE)), pieces(folder / "work"), folder / "tales-bert", {}, "")
        build("tales-qa", folder / "work", folder / "tales-qa", lambda text: None)
    return folder / "tales-qa", Tokenizer.from_file(str(folder / "tales-qa" / "tokenizer.json"))


@pytest.fixture(scope="module")
def rows(made):
    """All questions about twenty held-out tales."""
    return qa.every_question(made[1], "test", 20)


def test_the_marked_tokens_are_the_words_of_the_answer(made, rows):
    assert len({row.question.question.split()[0] for row in rows}) >= 4
    for row in rows:
        assert row.tokens[0] == bert.CLS and row.tokens.count(bert.SEP) == 2
        if row.question.answer is None:
            assert (row.start, row.end) == (0, 0)
        else:
            said = made[1].decode(row.tokens[row.start : row.end + 1]).replace(" ", "")
            assert said == row.question.answer.lower().replace(" ", "")
            assert (row.spans[row.start][0], row.spans[row.end][1]) == (row.question.start, row.question.end)


class Oracle(torch.nn.Module):
    """Knows the answer to every row of tokens; or never has one."""

    def __init__(self, rows, abstains: bool = False):
        super().__init__()
        self.known = {tuple(row.tokens): (0, 0) if abstains else (row.start, row.end) for row in rows}
        self.device_is_here = torch.nn.Parameter(torch.zeros(1))

    def forward(self, tokens, keep, segments):
        starts, ends = torch.zeros(2, *tokens.shape)
        for place, (ids, real) in enumerate(zip(tokens, keep, strict=True)):
            start, end = self.known[tuple(ids[real].tolist())]
            starts[place, start] = ends[place, end] = 9.0
        return starts, ends


def test_who_knows_every_answer_is_always_right(rows):
    measured = qa.measure(Oracle(rows), rows)
    assert (measured["exact_match"], measured["answered"], measured["abstained"]) == (1, 1, 1)
    assert measured["failures"] == []


def test_who_always_abstains_is_right_only_where_there_is_no_answer(rows):
    measured = qa.measure(Oracle(rows, abstains=True), rows)
    without = sum(row.question.answer is None for row in rows)
    assert 0 < without < len(rows)
    assert measured["exact_match"] == without / len(rows)
    assert (measured["answered"], measured["abstained"]) == (0, 1)
    assert {failure["given"] for failure in measured["failures"]} == {None}
    assert len(measured["failures"]) == len(rows) - without


def test_training_asks_one_question_of_every_tale(made):
    asked = list(islice(qa.questions(made[1])(5), 120))
    assert len({row.text for row in asked}) == 120
    assert 0.1 < sum(row.question.answer is None for row in asked) / 120 < 0.4
    assert asked[:3] == list(islice(qa.questions(made[1])(5), 3))


def test_an_excerpt_holds_the_answer_at_its_new_place():
    for tale in islice(tales("train", seed=4), 40):
        for question in tale.questions:
            others = [other for other in tale.questions if other is not question]
            text, asked = qa.excerpt(tale, question, others)
            told = [sentence for sentence in tale.sentences if sentence in text]
            assert 1 <= len(told) <= qa.SHORT and " ".join(told) == text
            assert asked.question == question.question and asked.answer == question.answer
            if asked.answer is not None:
                assert text[asked.start : asked.end] == asked.answer


def test_which_of_two_asks_for_either_animal_and_shows_both(made):
    kinds = {q.answer.lower() for tale in islice(tales("train", seed=1), 300) for q in tale.questions if q.question.startswith(qa.WHICH)}
    rows = list(islice(qa.which_of_two(made[1])(5), 200))
    first = 0
    for row in rows:
        name = row.question.question.split()[-1].strip("?")
        right = row.text[row.question.start : row.question.end]
        assert right == row.question.answer and name in row.text
        shown = [word for word in row.text.lower().replace(",", " ").replace(".", " ").split() if word in kinds]
        assert len(set(shown)) == 2
        first += shown[0] == right
    assert 70 < first < 130  # so that the place does not tell


def test_two_sentences_come_first_then_a_few_then_whole_tales(made, monkeypatch):
    shrink(monkeypatch)
    batches = qa.batches(made[1])
    which, short, whole = (batches(step)["tokens"] for step in (0, 1, 3))
    assert [len(batch) for batch in (which, short, whole)] == [3, 4, 2]
    assert max(which.shape[1], short.shape[1]) < whole.shape[1]
    assert torch.equal(batches(1)["tokens"], short)


def test_transformers_loads_what_the_recipe_wrote(made, rows):
    theirs = AutoModelForQuestionAnswering.from_pretrained(made[0], dtype=torch.float32).eval()
    batch = qa.collate(rows[:3])
    with torch.no_grad():
        said = theirs(batch["tokens"], batch["keep"].long(), batch["segments"])
        starts, ends = from_transformers(theirs)(batch["tokens"], batch["keep"], batch["segments"])
    torch.testing.assert_close(starts[batch["keep"]], said.start_logits[batch["keep"]], rtol=0, atol=1e-5)
    torch.testing.assert_close(ends[batch["keep"]], said.end_logits[batch["keep"]], rtol=0, atol=1e-5)
    measured = json.loads((made[0] / "measured.json").read_text())
    assert measured["steps"] == 4 and measured["test"]["questions"] >= 18
    assert len(measured["test"]["failures"]) <= qa.FAILURES_SHOWN


def test_without_tales_bert_it_says_what_to_make_first(tmp_path):
    with pytest.raises(FileNotFoundError, match="make it first"):
        build("tales-qa", tmp_path, tmp_path / "tales-qa")
