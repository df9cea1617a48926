"""nbval, as lessons/conftest.py sets it up: text is compared, figures and tagged cells are not, silence is waited out."""

import os
import shutil
import subprocess
import sys

import nbformat

from llmkit.refresh import METADATA, PAGE_MIME, ROOT

FIGURE = f"from IPython.display import display\ndisplay({{{PAGE_MIME!r}: {{'state': 2}}, 'text/plain': 'a figure'}}, raw=True)"
SHOWN = nbformat.v4.new_output("display_data", {PAGE_MIME: {"state": 1}, "text/plain": "a figure"})
PROBE = "def pytest_runtest_setup(item):\n    assert item.output_timeout == 120\n"


def nbval(tmp_path, cells):
    """Run nbval with the lessons' own conftest.py on a notebook of these cells, which need no warm kernel; what pytest said."""
    shutil.copy(ROOT / "lessons" / "conftest.py", tmp_path)
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), tmp_path / "01-a.ipynb")
    (tmp_path / "probe.py").write_text(PROBE)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-kernel-name=python3", "-q", "-p", "probe", "--rootdir", str(tmp_path), "."]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT / "tests")))}).stdout


def cell(source, *outputs, tags=()):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)}, execution_count=1)


def test_text_is_compared_and_figures_and_tagged_cells_are_not(tmp_path):
    said = nbval(tmp_path, [
        cell("print(1)", nbformat.v4.new_output("stream", text="1\n")),
        cell(FIGURE, SHOWN),
        cell("print('mine')", nbformat.v4.new_output("stream", text="yours\n"), tags=["nbval-ignore-output"]),
        cell("print(1)", nbformat.v4.new_output("stream", text="2\n")),
        cell("import os; print(os.environ['HF_HUB_OFFLINE'], os.environ['OMP_NUM_THREADS'])",
             nbformat.v4.new_output("stream", text="1 1\n")),
    ])
    assert "1 failed, 4 passed" in said and "::Cell 3" in said, said
