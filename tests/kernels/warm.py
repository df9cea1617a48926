"""Processes that begin warm: copies of one that has imported the large libraries already.

A process of Python spends some seven seconds of a processor on importing torch and transformers, and `make test` needs
two dozen of them: kernels of lessons, and processes of pytest. Here one imports them once, and then forks a copy whenever one is
asked for. It imports nothing of the book, nor what only the book brings (a new environment of Colab's versions has no jaxtyping
until the setup cell has run): each copy finds that, or does not find it, by itself. `make refresh`, and a lesson that is
timed in JupyterLab, start kernels in full.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock

LIBRARIES = (  # what tests, lessons and kernels load, with what is loaded only at the first use of a model or an optimizer
    "IPython.core.ultratb", "jupyter_client",  # and not ipykernel: it would have widgets in pytest write to a kernel
    "ipywidgets", "anywidget", "plotly.graph_objects", "torch", "torch._dynamo", "accelerate", "safetensors.torch", "regex",
    "scipy.stats", "scipy.optimize", "sklearn.datasets", "sklearn.feature_extraction.text",
    "transformers", "transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert", "transformers.models.bert.tokenization_bert", "transformers.models.llama.modeling_llama",
    "transformers.models.t5.modeling_t5",
)
SHARED = "LLMKIT_WARM_PYTHON"  # the `python` that `make test` gives to all of its stages
SERVER, STARTER = (Path(__file__).with_name(name) for name in ("fork_server.py", "starter.py"))


def can_fork() -> bool:
    """Only Linux forks a process with threads' libraries in it safely, and only where no driver of a GPU is in it too."""
    return sys.platform == "linux" and not Path("/dev/nvidiactl").exists()


class WarmPython:
    """`python` is a file used as Python is, until `close`: the one shared by `make test`, or with a process of its own to be copied.

    It is Python itself where the system cannot fork.
    """

    def __init__(self, python: str | Path = sys.executable, libraries: tuple[str, ...] = LIBRARIES):
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        self.server, self.is_ready, self.waiting = None, True, Lock()
        self.python = str(python)
        if can_fork() and (self.python, libraries) == (sys.executable, LIBRARIES) and SHARED in os.environ:
            self.python = os.environ[SHARED]
        elif can_fork():
            socket = str(self.folder / "socket")
            serve = [self.python, str(SERVER), socket, *libraries]  # ends with its standard input
            self.server = subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
            self.is_ready, self.python = False, self.starter(self.python, socket)

    def starter(self, python: str, socket: str) -> str:
        path = self.folder / "python"
        path.write_text(f'#!/bin/sh\nexec {shlex.join([python, "-I", "-S", str(STARTER), socket])} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def ready(self) -> "WarmPython":
        """Wait until all is imported, as whatever is started before that does too; any number of threads may."""
        with self.waiting:  # it says so once
            if not self.is_ready and not self.server.stdout.readline():
                raise RuntimeError("The process that others are copied from has ended; what it printed is above.")
            self.is_ready = True
        return self

    def close(self) -> None:
        if self.server:
            self.server.stdin.close()
            self.server.wait()
        shutil.rmtree(self.folder)


class WarmKernels(WarmPython):
    """A kernel specification called `name` for warm kernels, until `close`."""

    def __init__(self, name: str, python: str | Path = sys.executable, libraries: tuple[str, ...] = LIBRARIES):
        super().__init__(python, libraries)
        self.name = name
        kernel = self.folder / "kernels" / name
        kernel.mkdir(parents=True)
        argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}), encoding="utf-8")
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("JUPYTER_PATH"))))
