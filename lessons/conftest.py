"""How nbval runs the lessons: every notebook, every cell, offline, one thread, outputs compared.

A cell whose output depends on the machine is tagged `nbval-ignore-output` and asserts its claim instead.
Figures are compared by the tests of the code that draws them, not byte by byte here.
"""

import os
import tempfile
from pathlib import Path

from kernels.warm import WarmKernels

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("PYTHONHASHSEED", "0")
os.environ["LLMKIT_PROGRESS"] = str(Path(tempfile.mkdtemp()) / "progress.json")  # never the reader's own
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # two kernels at once on two cores

OUTPUT_TIMEOUT = 120  # seconds; nbval's own 5 is too short for a first import of torch on a busy machine
FIGURES = (
    "application/vnd.llmkit.widget+json",
    "application/vnd.plotly.v1+json",
    "image/svg+xml",
)


def pytest_collection_modifyitems(config, items) -> None:
    """The time an output may take, what is not compared, and a kernel that begins warm unless another is asked for."""
    notebooks = [item for item in items if hasattr(item, "output_timeout")]
    if notebooks and not (config.option.nbval_kernel_name or config.option.current_env):
        kernels = WarmKernels("warm")
        config.add_cleanup(kernels.close)
        config.option.nbval_kernel_name = kernels.ready().name
    for item in notebooks:
        item.output_timeout = OUTPUT_TIMEOUT
        if FIGURES[0] not in item.parent.skip_compare:
            item.parent.skip_compare += FIGURES
