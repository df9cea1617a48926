"""Write a trained model as the folder that the book ships: small, complete, in the format of `transformers`."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def publish(model: Any, tokenizer: Any, out: Path, measured: dict[str, float]) -> None:
    """Weights in float16 (computed with in float32), config, tokenizer, and what was measured."""
    out.mkdir(parents=True, exist_ok=True)
    model.config.dtype = torch.float32
    model.save_pretrained(out)
    weights = load_file(out / "model.safetensors")
    save_file({name: weight.half().contiguous() for name, weight in weights.items()}, out / "model.safetensors", {"format": "pt"})
    tokenizer.save(out)
    (out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
