"""An environment with Colab's own package versions, and notebooks run in it as a reader would there.

.venv-colab is made once (minutes) and kept, with its own stamp; a copy of llmkit's sources stands in for
the repository that Colab would install from.
"""

import json
import os
import runpy
import shutil
import subprocess
import tempfile
from pathlib import Path

import nbformat
from kernels.warm import WarmKernels
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = "tests/colab/colab-versions.txt"
TORCH = "torch==2.13.0"
COLABS_TORCH = "2.11.0"
ASK = """import importlib.metadata as m, json, sys
print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"""


class Colab:
    """A folder outside the checkout, and a kernel that runs there with Colab's versions."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.env = ROOT / ".venv-colab"
        setup = runpy.run_path(str(ROOT / ".ci" / "setup.py"))
        self.python = Path(setup["python_of"](str(self.env)))
        wanted = next((p for p in map(shutil.which, ["python3.13"]) if p and setup["probe"](p)), None)
        setup["prepare"](str(self.env), [TORCH, "-r", VERSIONS], recipe=(VERSIONS,), python=wanted)
        self.pip("uninstall", "-q", "-y", "llmkit", "jaxtyping")  # as in a new runtime, which has nothing that only llmkit brings but the model
        self.names = [line.partition("==")[0] for line in (ROOT / VERSIONS).read_text().splitlines() if "==" in line]
        self.source = self.copy_sources()
        self.add_kernel()

    def copy_sources(self) -> Path:
        source = self.folder / "repository"
        shutil.copytree(ROOT / "llmkit", source / "llmkit", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", source)
        return source

    def add_kernel(self) -> None:
        kernel = self.folder / "jupyter" / "kernels" / "colab"
        kernel.mkdir(parents=True)
        argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
        os.environ.update(JUPYTER_PATH=str(self.folder / "jupyter"), LLMKIT_SOURCE=str(self.source),
                          LLMKIT_PROGRESS=str(self.folder / "progress.json"))

    def warm_kernels(self) -> WarmKernels:
        """Kernels of the same environment, as it is now, that begin with the large libraries imported."""
        return WarmKernels("warm-colab", self.python)

    def pip(self, *arguments: str) -> None:
        subprocess.run([self.python, "-m", "pip", *arguments], check=True, stderr=subprocess.DEVNULL)

    def versions(self) -> dict[str, str]:
        """What is installed of Colab's list, and torch."""
        done = subprocess.run([self.python, "-c", ASK, "torch", *self.names], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def says(self) -> str:
        """One line on how this environment differs from Colab's."""
        version = subprocess.run([self.python, "-c", "import platform; print(platform.python_version())"],
                                 capture_output=True, text=True, check=True).stdout.strip()
        return (f"Python {version} (Colab: 3.13), torch {self.versions()['torch']} (Colab: {COLABS_TORCH}), "
                f"{len(self.names)} other packages in Colab's versions")

    def run(self, notebook: nbformat.NotebookNode, timeout: float = 120, kernel: str = "colab") -> nbformat.NotebookNode:
        """Execute a notebook in an empty folder, offline but for what pip needs. Raises at the first failing cell."""
        work = tempfile.mkdtemp(prefix="content-", dir=self.folder)
        client = NotebookClient(notebook, timeout=timeout, kernel_name=kernel, store_widget_state=False,
                                resources={"metadata": {"path": work}})
        return client.execute()
