"""A training run on disk: written whole or not at all, and read back to the last bit. Built in lesson 11.

One safetensors file holds the weights, the optimizers' memories, the states of the random numbers and the losses
as tensors, and the rest as JSON in its header. Nothing is pickled: reading a checkpoint never runs anybody's code.
"""

import contextlib
import json
import os
import random
from dataclasses import asdict, is_dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from llmkit.shapes import Tensor
from llmkit.training.settings import Settings

NAME = "checkpoint.safetensors"
FORMAT = "llmkit-training-1"


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that whoever looks finds the old file or the new one, never half of one.

    Written under another name, forced to the disk, then renamed. Raises OSError, and leaves the old file, when the
    disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
    with contextlib.suppress(OSError):  # the rename itself, where the system lets a folder be synced
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def save_checkpoint(folder: Path | str, model: nn.Module, optimizers: list, settings: Settings, history) -> Path:
    """Write the run as it is after `history.step` steps; the previous checkpoint stays until this one is complete."""
    tensors = {f"model.{name}": tensor for name, tensor in _weights(model).items()}
    tensors |= _optimizer_tensors(optimizers) | _random_states()
    tensors["history.loss"] = torch.tensor(history.loss, dtype=torch.float64)
    about = {
        "format": FORMAT,
        "step": history.step,
        "seconds": history.seconds,
        "pieces": history.pieces,
        "evaluations": history.evaluations,
        "settings": settings.what_shapes_the_curve(),
        "model": _description(model),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    path = Path(folder) / NAME
    write_whole(path, save(tensors, {"about": json.dumps(about)}))
    return path


def load_checkpoint(folder: Path | str, model: nn.Module, optimizers: list, settings: Settings) -> dict | None:
    """Take up the run that was saved in `folder`: fills the model, the optimizers and the random numbers.

    Returns what the header says, with "loss", the list of losses so far; None when there is no checkpoint.
    A file that was cut short, or that belongs to another model or other settings, is refused with a ValueError
    before anything is changed, and stays where it is.
    """
    path = Path(folder) / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("about", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError) as problem:
        raise ValueError(
            f"{path} cannot be read as a checkpoint; was it cut short? ({problem}) "
            f"It was left as it is. Delete it, or train with resume=False, to start anew."
        ) from problem
    _refuse_a_stranger(path, about, model, settings)
    for name, tensor in _weights(model).items():
        tensor.data.copy_(tensors[f"model.{name}"])
    _restore_optimizers(optimizers, tensors)
    _restore_random_states(tensors)
    return about | {"loss": tensors["history.loss"].tolist()}


def _refuse_a_stranger(path: Path, about: dict, model: nn.Module, settings: Settings) -> None:
    here = {"format": FORMAT, "model": _description(model), "settings": settings.what_shapes_the_curve()}
    here = json.loads(json.dumps(here))  # tuples become lists, as they did in the file
    for part, mine in here.items():
        found = about.get(part)
        if found == mine:
            continue
        if isinstance(found, dict):
            name = next(name for name in {**mine, **found} if mine.get(name) != found.get(name))
            found, mine, part = found.get(name), mine.get(name), f"{part}, {name},"
        raise ValueError(
            f"{path} belongs to another run: its {part} is {str(found)[:200]}, this run's is {str(mine)[:200]}. "
            f"It was left as it is. Choose another folder, or train with resume=False to start anew."
        )


def _description(model: nn.Module) -> dict:
    """What a model is, as far as its weights fit: its config, and the name and shape of every weight."""
    config = getattr(model, "config", None)
    told = asdict(config) if is_dataclass(config) else {}
    return told | {"weights": {name: list(tensor.shape) for name, tensor in _weights(model).items()}}


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Parameters, each once even where two layers share one, and the buffers that a checkpoint should hold."""
    kept = model.state_dict().keys()
    return dict(model.named_parameters()) | {name: t for name, t in model.named_buffers() if name in kept}


def _optimizer_tensors(optimizers: list) -> dict[str, Tensor]:
    return {
        f"optimizer.{number}.{index}.{key}": torch.as_tensor(value)
        for number, optimizer in enumerate(optimizers)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def _restore_optimizers(optimizers: list, tensors: dict[str, Tensor]) -> None:
    for number, optimizer in enumerate(optimizers):
        whole = optimizer.state_dict()
        whole["state"] = {}
        for name, tensor in tensors.items():
            kind, *rest = name.split(".")
            if kind == "optimizer" and int(rest[0]) == number:
                whole["state"].setdefault(int(rest[1]), {})[rest[2]] = tensor
        optimizer.load_state_dict(whole)


def _random_states() -> dict[str, Tensor]:
    version, numbers, _ = random.getstate()
    states = {"random.python": torch.tensor([version, *numbers]), "random.torch": torch.get_rng_state()}
    return states | {f"random.cuda.{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}


def _restore_random_states(tensors: dict[str, Tensor]) -> None:
    version, *numbers = tensors["random.python"].tolist()
    random.setstate((version, tuple(numbers), None))
    torch.set_rng_state(tensors["random.torch"])
    for i in range(torch.cuda.device_count()):
        if (state := tensors.get(f"random.cuda.{i}")) is not None:
            torch.cuda.set_rng_state(state, i)
