"""Kernels that begin warm: copies of one process that has imported the large libraries already.

A lesson's kernel spends some seven seconds of a processor on importing torch and transformers, and nine lessons run in
two stages. Here one process imports them once and then forks a kernel whenever a notebook asks for one. It imports nothing
of the book: each kernel finds llmkit, or does not find it, by itself. `make refresh` and the stage `lab` start kernels in full.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES = (  # what kernels and lessons load, with what is loaded only at the first use of a model or an optimizer
    "ipykernel.kernelapp", "IPython.core.ultratb", "ipywidgets", "anywidget", "plotly.graph_objects", "jaxtyping",
    "torch", "torch._dynamo", "accelerate", "safetensors.torch", "regex", "scipy.stats", "scipy.optimize",
    "sklearn.datasets", "sklearn.feature_extraction.text",
    "transformers", "transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert", "transformers.models.bert.tokenization_bert", "transformers.models.llama.modeling_llama",
    "transformers.models.t5.modeling_t5",
)
SERVER, STARTER = (Path(__file__).with_name(name) for name in ("fork_server.py", "starter.py"))


def can_fork() -> bool:
    """Only Linux forks a process with threads' libraries in it safely, and only where no driver of a GPU is in it too."""
    return sys.platform == "linux" and not Path("/dev/nvidiactl").exists()


class WarmKernels:
    """A kernel specification called `name`, and the process behind it, until `close`.

    Where the system cannot fork, the specification is that of an ordinary kernel.
    """

    def __init__(self, name: str, python: str | Path = sys.executable, libraries: tuple[str, ...] = LIBRARIES):
        self.name, self.libraries = name, libraries
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        self.server = self._serve(str(python)) if can_fork() else None
        place = ["-I", "-S", str(STARTER), str(self.folder / "socket")] if self.server else ["-m", "ipykernel_launcher", "-f"]
        kernel = self.folder / "kernels" / name
        kernel.mkdir(parents=True)
        about = {"argv": [str(python), *place, "{connection_file}"], "display_name": name, "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(about), encoding="utf-8")
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("JUPYTER_PATH"))))

    def _serve(self, python: str) -> subprocess.Popen:
        """The process that forks; it answers when it has imported, and ends with its standard input."""
        server = subprocess.Popen([python, str(SERVER), str(self.folder / "socket"), *self.libraries], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, start_new_session=True)
        if not server.stdout.readline():
            raise RuntimeError("The process that kernels are copied from has ended; what it printed is above.")
        return server

    def close(self) -> None:
        if self.server:
            self.server.stdin.close()
            self.server.wait()
        shutil.rmtree(self.folder)
