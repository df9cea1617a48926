"""Write a trained model as the folder that the book ships: small, complete, in the format of `transformers`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from llmkit.models import MANIFEST, WEIGHTS

DOES = {
    "tales-gpt": "tells tales",
    "tales-gpt-mini": "tells tales, in the page too",
    "tales-bert": "fills in what is masked",
    "tales-qa": "finds answers in a tale",
    "tales-t5": "sums up and translates tales",
}
LICENSE = "MIT"


def publish(model: Any, tokenizer: Any, out: Path, measured: dict[str, float], card: str) -> None:
    """Weights in float16 (computed with in float32), config, tokenizer, what was measured, and the model card."""
    out.mkdir(parents=True, exist_ok=True)
    model.config.dtype = torch.float32
    model.save_pretrained(out)
    weights = load_file(out / WEIGHTS)
    save_file({name: weight.half().contiguous() for name, weight in weights.items()}, out / WEIGHTS, {"format": "pt"})
    (out / WEIGHTS).chmod(0o644)
    tokenizer.save(out)
    (out / "README.md").write_text(card, "utf-8")
    (out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    write_manifest(out.parent)


def write_manifest(folder: Path) -> None:
    """Note the hash of every model in `folder`, so that `llmkit.models` can tell a damaged one."""
    manifest = {
        name: {"sha256": hashlib.sha256((folder / name / WEIGHTS).read_bytes()).hexdigest(), "does": does, "license": LICENSE}
        for name, does in DOES.items()
        if (folder / name / WEIGHTS).exists()
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
