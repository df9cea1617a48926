"""The recipe of tales-bert, in small."""

import json
import math
from itertools import islice

import pytest
import torch
from small_recipes import SHAPE, pieces, shrink
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining, AutoTokenizer

from llmkit.recipes import bert, build
from llmkit.tales import tales
from llmkit.weights import from_transformers


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a small tales-bert, and the small tokenizer."""
    folder = tmp_path_factory.mktemp("bert")
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        build("tales-bert", folder / "work", folder / "out" / "tales-bert", lambda text: None)
    return folder / "out" / "tales-bert", pieces(folder / "work")


def test_transformers_loads_what_the_recipe_wrote(made):
    folder, tokenizer = made
    theirs = AutoModelForPreTraining.from_pretrained(folder, dtype=torch.float32).eval()
    text = next(tales("test", seed=1)).sentences
    row = AutoTokenizer.from_pretrained(folder)(text[0], text[1], return_tensors="pt")
    ids, segments = tokenizer.encode_pair(text[0], text[1])
    assert row["input_ids"][0].tolist() == ids
    with torch.no_grad():
        said = theirs(**row)
        guesses, verdict = from_transformers(theirs)(torch.tensor([ids]), segments=torch.tensor([segments]))
        masked = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()(**row).logits
    torch.testing.assert_close(guesses, said.prediction_logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(verdict, said.seq_relationship_logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(masked, said.prediction_logits, rtol=0, atol=1e-6)


def test_what_was_measured_lies_beside_the_model(made):
    measured = json.loads((made[0] / "measured.json").read_text())
    assert measured["steps"] == 4
    assert measured["rows"] == 2 * 4 + 2 * 2  # two steps of two rows more
    assert measured["test"]["masked_loss"] == pytest.approx(math.log(SHAPE.vocab_size), abs=0.5)  # it has learned little


def test_half_of_the_rows_go_on_as_the_tale_does(made):
    tokenizer = made[1]
    stories = [tokenizer.decode(tokenizer.encode(tale.text)) for tale in islice(tales("train", seed=3), 81)]
    rows = list(islice(bert.pairs(tokenizer)(3), 80))
    for row, story in zip(rows, stories[1:], strict=True):
        end = row.tokens.index(bert.SEP)
        first, second = tokenizer.decode(row.tokens[1:end]), tokenizer.decode(row.tokens[end + 1 : -1])
        assert first in story  # its beginning is cut off where the row would be too long
        assert (f"{first} {second}" == story) == (row.label == 0)
    assert 25 < sum(row.label for row in rows) < 55


def test_batches_depend_on_their_step_alone_and_short_ones_come_first(made, monkeypatch):
    shrink(monkeypatch)
    batches = bert.batches(made[1])
    rows = [batches(step) for step in (1, 2, 1)]
    assert all(torch.equal(rows[0][name], rows[2][name]) for name in rows[0])
    assert rows[0]["tokens"].shape == (4, bert.SHORT)
    assert rows[1]["tokens"].shape[0] == 2 and rows[1]["tokens"].shape[1] > 2 * bert.SHORT
    whole = torch.cat([batches(step)["labels"].flatten() for step in range(2, 18)])
    real = sum(int((batches(step)["tokens"] > bert.SEP).sum()) for step in range(2, 18))  # [MASK] and words
    assert float((whole != bert.IGNORE).sum()) / real == pytest.approx(0.25, abs=0.01)


def test_what_is_said_again_is_hidden_more_readily_unless_it_is_common(made, monkeypatch):
    shrink(monkeypatch)
    common = bert.common_words(made[1])
    words = {made[1].decode([number]) for number in common.nonzero()[:, 0].tolist()}
    assert {"the", "was", ".", ","} <= words and not {"fox", "nora"} & words and len(words) < 60
    name, the = made[1].encode("Nora the")[0], made[1].encode("Nora the")[-1]
    row = torch.tensor([[bert.CLS, name, the, 400, name, the, bert.SEP]])
    assert bert.eagerness(row, common).tolist() == [[1, bert.EAGER, 1, 1, bert.EAGER, 1, 1]]
