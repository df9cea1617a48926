"""A small Llama-family model as one file for the page, where `js/tinylm.js` runs it without a kernel.

The file is safetensors: each matrix as int8 with one scale per row, the vectors in float32, and in the metadata
`config` and `tokenizer` as JSON. `page_script` wraps it, with the code that runs it, in a script of its own, which a
page loads when a reader first needs it; a script, because pages opened from a disk may not fetch anything else.
"""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from llmkit import models
from llmkit.shapes import Float, Tensor
from llmkit.widgets import bundle

NAME = "tales-gpt-mini"  # the bundled model that the page runs
PRECISIONS = ("int8", "float16", "float32")
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"  # what ByteLevel stands for


def page_script(folder: Path | str | None = None) -> str:
    """The classic script `tinylm/model.js`: the engine as a function, and the book's model (or another) as base64."""
    folder = Path(folder or models.BUNDLED / NAME)
    return (
        f'llmkit.define("tinylm", {{ name: {json.dumps(folder.name)}, start: {bundle.function("tinylm_engine")},\n'
        f'file: "{b64encode(export(folder)).decode("ascii")}" }});\n'
    )


def is_here() -> bool:
    """Whether the book has its model for the page."""
    return NAME in models.bundled() and (models.BUNDLED / NAME / models.WEIGHTS).is_file()


def export(folder: Path | str, precision: str = "int8") -> bytes:
    """The model in `folder` (transformers format: Llama family, byte-level BPE) as one file.

    `precision` is that of the matrices: "int8" (one scale per row, about 1 byte a weight), "float16" or "float32".
    Raises ValueError when the folder does not hold such a model, or is damaged.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}.")
    folder = Path(folder)
    config = read_config(_json(folder / "config.json"))
    try:
        weights = load_file(folder / "model.safetensors")
    except (OSError, SafetensorError) as problem:
        raise ValueError(f"{folder / 'model.safetensors'} cannot be read: {problem}. Build the model again.") from problem
    metadata = {"config": json.dumps(config | {"name": folder.name}), "tokenizer": json.dumps(read_tokenizer(_json(folder / "tokenizer.json")))}
    return save(_pack(_named(weights, config), precision), metadata)


def read_config(config: dict[str, Any]) -> dict[str, Any]:
    """What the engine must know, from a `config.json`; ValueError for what it could not compute."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    needs = {
        "model_type": (config.get("model_type"), "llama"),
        "hidden_act": (config.get("hidden_act", "silu"), "silu"),
        "attention_bias": (config.get("attention_bias", False), False),
        "mlp_bias": (config.get("mlp_bias", False), False),
        "rope_type": (rope.get("rope_type", rope.get("type", "default")), "default"),
    }
    for name, (got, expected) in needs.items():
        if got != expected:
            raise ValueError(f"tinylm runs models with {name} = {expected!r}; this one has {got!r}.")
    heads = config["num_attention_heads"]
    return {
        "vocab_size": config["vocab_size"],
        "width": config["hidden_size"],
        "num_layers": config["num_hidden_layers"],
        "num_heads": heads,
        "num_kv_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or config["hidden_size"] // heads,
        "hidden_width": config["intermediate_size"],
        "context": config["max_position_embeddings"],
        "norm_eps": config["rms_norm_eps"],
        "rope_base": rope.get("rope_theta") or config.get("rope_theta") or 10_000.0,
        "begin": _first(config.get("bos_token_id")),
        "end": _first(config.get("eos_token_id")),
    }


def read_tokenizer(tokenizer: dict[str, Any]) -> dict[str, Any]:
    """Vocabulary, merges and pattern from a byte-level `tokenizer.json`; ValueError for another kind of tokenizer."""
    model, normalizer = tokenizer["model"], tokenizer.get("normalizer")
    if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or model.get("ignore_merges") or model.get("dropout"):
        raise ValueError("tinylm reads byte-level BPE without byte fallback, ignored merges or dropout; this tokenizer is another kind.")
    if normalizer is not None and normalizer.get("type") != "NFC":
        raise ValueError(f"tinylm knows no normalizer but NFC; this tokenizer has {normalizer.get('type')!r}.")
    pattern, prefix = _cutting(tokenizer.get("pre_tokenizer") or {})
    vocab = {**model["vocab"], **{added["content"]: added["id"] for added in tokenizer.get("added_tokens", ())}}
    names = [""] * (1 + max(vocab.values()))
    for name, number in vocab.items():
        names[number] = name
    return {
        "vocab": names,
        "merges": [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]],
        "special": [added["id"] for added in tokenizer.get("added_tokens", ())],
        "pattern": pattern,
        "prefix": prefix,
        "normalize": normalizer is not None,
    }


def _cutting(step: dict[str, Any]) -> tuple[str, bool]:
    """The pattern that cuts a text into words, and whether a space is put before the first."""
    parts = step.get("pretokenizers", [step])
    first, last = parts[0], parts[-1]
    if last.get("type") == "ByteLevel":
        prefix, uses_own = bool(last.get("add_prefix_space")), last.get("use_regex", True)
        if len(parts) == 1 and uses_own:
            return GPT2_PATTERN, prefix
        is_split = first.get("type") == "Split" and first.get("behavior") == "Isolated" and not first.get("invert")
        if len(parts) == 2 and not uses_own and is_split and "Regex" in first["pattern"]:
            return first["pattern"]["Regex"], prefix
    raise ValueError("tinylm reads tokenizers whose pre-tokenizer is ByteLevel, alone or after one Split; this one differs.")


def _named(weights: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Tensor]:
    """The weights under the names that the engine uses, checked against the config."""
    named = {name.removeprefix("model."): tensor.float() for name, tensor in weights.items()}
    width, kv = config["width"], config["num_kv_heads"] * config["head_dim"]
    wanted = {"embed_tokens.weight": (config["vocab_size"], width), "norm.weight": (width,)}
    for layer in range(config["num_layers"]):
        wanted |= {f"layers.{layer}.{name}.weight": shape for name, shape in {
            "input_layernorm": (width,), "post_attention_layernorm": (width,),
            "self_attn.q_proj": (config["num_heads"] * config["head_dim"], width),
            "self_attn.k_proj": (kv, width), "self_attn.v_proj": (kv, width),
            "self_attn.o_proj": (width, config["num_heads"] * config["head_dim"]),
            "mlp.gate_proj": (config["hidden_width"], width), "mlp.up_proj": (config["hidden_width"], width),
            "mlp.down_proj": (width, config["hidden_width"]),
        }.items()}  # fmt: skip
    if "lm_head.weight" in named:
        wanted["lm_head.weight"] = (config["vocab_size"], width)
    for name, shape in wanted.items():
        got = tuple(named[name].shape) if name in named else None
        if got != shape:
            raise ValueError(f"The config asks for {name} of shape {shape}; the weights have {got or 'no such tensor'}.")
    return {name: named[name] for name in wanted}


def _pack(weights: dict[str, Tensor], precision: str) -> dict[str, Tensor]:
    packed = {}
    for name, tensor in weights.items():
        if tensor.ndim == 2 and precision == "int8":
            packed[name], packed[f"{name}.scale"] = quantize(tensor)
        else:
            packed[name] = tensor.half() if tensor.ndim == 2 and precision == "float16" else tensor.contiguous()
    return packed


def quantize(matrix: Float[Tensor, "rows columns"]) -> tuple[Tensor, Float[Tensor, " rows"]]:
    """Each row as int8 from -127 to 127 and the scale that brings it back, within half a step of the largest weight / 127.

    >>> whole, scale = quantize(torch.tensor([[1.0, -0.5, 0.25]]))
    >>> whole.tolist(), round(scale.item() * 127, 3)
    ([[127, -64, 32]], 1.0)
    """
    scale = matrix.abs().amax(-1).clamp(min=1e-12) / 127  # (rows)
    return (matrix / scale[:, None]).round().to(torch.int8), scale


def _json(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, json.JSONDecodeError) as problem:
        raise ValueError(f"{file} cannot be read: {problem}. A model folder holds config.json, tokenizer.json and model.safetensors.") from problem


def _first(number: Any) -> int | None:
    return number[0] if isinstance(number, list) else number
