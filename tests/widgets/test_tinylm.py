"""The file of the model in the page: what it holds, how small it is, and what is refused."""

import json

import pytest
import tiny_model
import torch
from safetensors import safe_open
from safetensors.torch import load

from llmkit.widgets import tinylm


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model.save(folder)
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    """copy(file=text): the folder with some files replaced."""

    def make(**replaced):
        for file in folder.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        for name, text in replaced.items():
            (tmp_path / f"{name}.json").write_text(text)
        return tmp_path

    return make


def test_the_file_is_safetensors_with_config_and_tokenizer_in_its_header(folder, tmp_path):
    (tmp_path / "file.safetensors").write_bytes(tinylm.export(folder))
    with safe_open(tmp_path / "file.safetensors", "pt") as file:
        about = {key: json.loads(text) for key, text in file.metadata().items()}
        assert file.get_tensor("layers.0.mlp.gate_proj.weight").dtype == torch.int8
    assert about["config"]["name"] == "tiny"
    assert {about["config"][key] for key in ("width", "num_layers", "num_kv_heads", "context")} == {32, 3, 2, 48}
    assert about["tokenizer"]["vocab"][:3] == tiny_model.SPECIAL
    assert about["tokenizer"]["special"] == [0, 1, 2]


def test_int8_takes_about_a_byte_a_weight_and_comes_back_within_half_a_step(folder):
    weights, whole = load(tinylm.export(folder, "float32")), load(tinylm.export(folder))
    for name, matrix in weights.items():
        if matrix.ndim == 2:
            scale = whole[f"{name}.scale"][:, None]
            assert ((matrix - whole[name].float() * scale).abs() <= 0.5001 * scale).all()
        else:
            assert torch.equal(matrix, whole[name])
    count = sum(matrix.numel() for matrix in weights.values())
    assert sum(part.numel() * part.element_size() for part in whole.values()) < 1.25 * count


def test_a_matrix_of_zeros_stays_zero():
    whole, scale = tinylm.quantize(torch.zeros(2, 3))
    assert not (whole.float() * scale[:, None]).any()


@pytest.mark.parametrize(("change", "says"), [
    ({"model_type": "gpt2"}, "model_type = 'llama'; this one has 'gpt2'"),
    ({"hidden_act": "gelu"}, "hidden_act = 'silu'"),
    ({"attention_bias": True}, "attention_bias = False"),
    ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type = 'default'"),
    ({"hidden_size": 64, "head_dim": 8}, r"embed_tokens\.weight of shape \(\d+, 64\)"),
    ({"num_hidden_layers": 4}, r"layers\.3\.input_layernorm\.weight .* no such tensor"),
])  # fmt: skip
def test_a_model_that_the_page_could_not_run_is_refused_in_a_sentence(copy, folder, change, says):
    config = json.loads((folder / "config.json").read_text()) | change
    with pytest.raises(ValueError, match=says):
        tinylm.export(copy(config=json.dumps(config)))


@pytest.mark.parametrize(("change", "says"), [
    ({"model": {"type": "WordPiece", "vocab": {}}}, "this tokenizer is another kind"),
    ({"normalizer": {"type": "Lowercase"}}, "no normalizer but NFC; this tokenizer has 'Lowercase'"),
    ({"pre_tokenizer": {"type": "Whitespace"}}, "whose pre-tokenizer is ByteLevel"),
])  # fmt: skip
def test_a_tokenizer_of_another_kind_is_refused_in_a_sentence(copy, folder, change, says):
    tokenizer = json.loads((folder / "tokenizer.json").read_text()) | change
    with pytest.raises(ValueError, match=says):
        tinylm.export(copy(tokenizer=json.dumps(tokenizer)))


def test_damaged_and_missing_files_are_named(copy, tmp_path):
    broken = copy()
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"model\.safetensors cannot be read"):
        tinylm.export(broken)
    with pytest.raises(ValueError, match=r"config\.json cannot be read"):
        tinylm.export(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="precision must be one of int8, float16, float32; got 'int4'"):
        tinylm.export(broken, "int4")


def test_the_pages_script_registers_one_engine_and_one_file(folder):
    script = tinylm.page_script(folder)
    assert script.startswith('llmkit.define("tinylm", { name: "tiny", start: function () {')
    assert script.count("return startEngine;") == 1
    assert "import " not in script.split("file:")[0]
