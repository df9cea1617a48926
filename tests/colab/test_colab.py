"""Every lesson, in an environment with Colab's package versions, run outside the checkout."""

import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from colab_environment import ROOT, Colab

from llmkit.refresh import PAGE_MIME, VIEW_MIME, lessons, setup_cell

LESSONS = lessons()
WIDGET = "from llmkit.widgets import Microscope\nMicroscope()"


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    environment = Colab(tmp_path_factory.mktemp("colab"))
    print("\n" + environment.says())
    return environment


@pytest.fixture(scope="module")
def kernels(colab):
    """Kernels that save each lesson the imports; the setup cell runs in one that does not, while these get ready."""
    kernels = colab.warm_kernels()
    yield kernels
    kernels.close()


@pytest.fixture(scope="module")
def installed(colab, kernels):
    """Versions before and after the setup cell of the lessons has run, in a kernel that then shows a widget."""
    before = colab.versions()
    began = time.monotonic()
    cells = [nbformat.v4.new_code_cell(source) for source in (setup_cell(ROOT), WIDGET)]
    notebook = colab.run(nbformat.v4.new_notebook(cells=cells), timeout=600)
    print(f"the setup cell and a widget took {time.monotonic() - began:.0f} s")
    return before, colab.versions(), notebook


def shown(notebook) -> list[str]:
    """Names of the book's widgets in the outputs, each with its live view beside the page's form."""
    bundles = [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    return [data[PAGE_MIME]["name"] for data in bundles if PAGE_MIME in data and VIEW_MIME in data]


def test_the_setup_cell_installs_llmkit_and_leaves_colabs_versions_alone(installed):
    before, after, notebook = installed
    assert after == before
    printed = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    assert "llmkit" in printed and "error" not in printed.lower()


def test_a_widget_comes_out_live_and_in_the_pages_form(installed):
    assert shown(installed[2]) == ["microscope"]


@pytest.fixture(scope="module")
def runs(colab, kernels, installed):
    """Each lesson's run, two at a time: a notebook waits for its kernel, and a kernel for its notebook."""
    name = kernels.ready().name

    def run(path):
        began = time.monotonic()
        return colab.run(nbformat.read(path, 4), kernel=name), time.monotonic() - began

    with ThreadPoolExecutor(2) as pool:
        yield {path: pool.submit(run, path) for path in LESSONS}
        pool.shutdown(cancel_futures=True)  # nobody asks for the rest when a test has failed


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_lesson_runs(runs, path):
    pages = [output["data"][PAGE_MIME]["name"] for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])
             if PAGE_MIME in output.get("data", {})]
    notebook, seconds = runs[path].result()
    print(f"{path.stem}: {seconds:.0f} s")
    assert shown(notebook) == pages
