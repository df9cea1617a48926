"""llmkit is a house: a module stands on the floors below it, and the maths stands on torch alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {
    "shapes": 0, "device": 0, "tables": 0, "memory": 0,
    "attention": 1, "metrics": 1, "masks": 1.5, "multi_head": 1.5, "online_attention": 1,
    "sampling": 1, "positions": 1,
    "pair_counts": 0, "tokenizer_files": 0, "tokenization": 1, "wordpiece": 1,
    "embeddings": 1, "token_costs": 1, "learning": 1, "residual": 2,
    "attention_bench": 2,
    "recurrence": 2, "milestones": 0,
    "corpora": 2, "images": 2,
    "tales": 2, "ngrams": 2,
    "transformer": 2, "weights": 2.5,  # weights: what a transformer is, read and written for those above
    "objectives": 2, "optimizers": 2,
    "training": 3, "generation": 3, "recipes": 3.5,
    "live_loss": 4,
    "models": 3, "trace": 3, "figures": 3,
    "widgets": 4, "exercises": 4, "refresh": 4,
    "site": 5,  # puts the widgets' modules on the page
    "": 6,  # the roof: llmkit/__init__.py, which names everything and loads nothing
}
TORCH_ONLY = ("shapes", "device", "attention", "metrics", "sampling", "tokenization", "positions", "transformer", "wordpiece", "embeddings", "token_costs", "masks", "multi_head", "online_attention", "memory", "residual", "recurrence", "learning")
BLOCKED = """
import importlib.abc, importlib.util, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"{{name}} is not installed here", name=name)
sys.meta_path.insert(0, Refuse())
"""


def modules(package: Path) -> list[Path]:
    return sorted(path for path in package.rglob("*.py") if "__pycache__" not in path.parts)


def part(path: Path, package: Path) -> str:
    """The module or sub-package a file belongs to: attention.py -> attention, widgets/base.py -> widgets."""
    first = path.relative_to(package).parts[0]
    return first.removesuffix(".py").replace("__init__", "")


def imported(path: Path, package: Path) -> set[str]:
    """The parts of llmkit that a file imports, wherever in the file the import stands."""
    found = set()
    level = path.relative_to(package.parent).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*level[: len(level) - node.level], *filter(None, [node.module])]) if node.level else node.module
            names = [f"{base}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("llmkit.")}
    return {name for name in found if name in FLOORS or (package / name).exists() or (package / f"{name}.py").exists()}


def climbing(package: Path, floors: dict[str, int]) -> list[str]:
    """A sentence for every import that does not go down, and for every part without a floor."""
    wrong = []
    for path in modules(package):
        here, name = part(path, package), path.relative_to(package.parent)
        if here not in floors:
            wrong.append(f"{name} has no floor: add {here!r} to FLOORS in tests/test_floors.py.")
            continue
        for other in sorted(imported(path, package) - {here}):
            if floors.get(other, 99) >= floors[here]:
                wrong.append(f"{name} (floor {floors[here]}) imports llmkit.{other} (floor {floors.get(other)}).")
    return wrong


def test_every_module_imports_from_lower_floors_only():
    assert climbing(ROOT / "llmkit", FLOORS) == []


@pytest.mark.parametrize("line", [
    "import llmkit.models", "from llmkit import models", "from llmkit.models import load", "from . import models",
    "from .models import load", "def late():\n    from llmkit.models import load",
])
def test_an_import_that_climbs_is_caught(tmp_path, line):
    package = tmp_path / "llmkit"
    package.mkdir()
    (package / "models.py").write_text("")
    (package / "attention.py").write_text(line + "\n")
    assert climbing(package, FLOORS) == ["llmkit/attention.py (floor 1) imports llmkit.models (floor 3)."]


def test_a_new_module_must_be_given_a_floor(tmp_path):
    (tmp_path / "llmkit").mkdir()
    (tmp_path / "llmkit" / "cellar.py").write_text("")
    assert "has no floor" in climbing(tmp_path / "llmkit", FLOORS)[0]


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)


def beyond_torch() -> list[str]:
    """Top-level names of everything installed that torch itself does not need."""
    import importlib.metadata as metadata
    import re

    def needs(name: str, seen: set[str]) -> set[str]:
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            return seen
        seen.add(key)
        try:
            requirements = metadata.requires(key) or []
        except metadata.PackageNotFoundError:
            return seen
        for line in requirements:
            if "extra ==" not in line:
                needs(re.match(r"[\w.-]+", line)[0], seen)
        return seen

    allowed = needs("torch", set()) | {"numpy", "llmkit"}  # torch uses numpy when it is there
    return sorted(
        top for top, owners in metadata.packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & allowed
    )


def test_the_maths_needs_torch_only():
    """One process imports them all; what is blocked is blocked for each of them."""
    blocked = beyond_torch()
    assert {"jaxtyping", "transformers", "ipywidgets", "anywidget", "plotly", "platformdirs"} <= set(blocked)
    done = run(BLOCKED.format(blocked=set(blocked)) + "".join(f"import llmkit.{name}\n" for name in TORCH_ONLY))
    assert done.returncode == 0, done.stderr


def test_what_is_blocked_cannot_be_imported():
    done = run(BLOCKED.format(blocked={"plotly"}) + "import plotly")
    assert "plotly is not installed here" in done.stderr


def test_importing_llmkit_loads_nothing_heavy():
    done = run("import sys, llmkit; print([m for m in ('torch', 'transformers', 'plotly', 'ipywidgets') if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
