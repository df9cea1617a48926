"""A real JupyterLab in a real browser, for tests.

The fixture `lab` (tests/conftest.py) starts one server for the session, in a folder of its own that
holds a copy of lessons/, with no settings of the user's. JupyterLab is loaded once; notebooks are
opened in it one after the other. They share a kernel that has torch loaded already and that is swept
between them, unless one asks for its own:

    def test_something(lab):
        with lab.open("lessons/2-attention/05-scaled-dot-product.ipynb", kernel="own") as notebook:
            notebook.run_all(timeout=60)
            assert notebook.errors() == []
            slider = notebook.output(3).locator("input[type=range]")
            changed = notebook.picture_changes(notebook.output(3), lambda: slider.press("ArrowRight"))

    lab.write("mine.ipynb", "first cell", "second cell")   makes a notebook to open
    lab.round_trip()                                       p50 and p95, in ms, of a trivial widget
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles

import nbformat
import psutil
from kernels.warm import WarmKernels
from playwright.sync_api import Error as PlaywrightError

ROOT = Path(__file__).resolve().parents[2]
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
SETTINGS = {  # no news pop-up; every cell in the page, so that off-screen figures exist
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
CELLS = """() => {
  const cells = jupyterapp.shell.currentWidget.content.model.cells;
  return Array.from({length: cells.length}, (_, i) => cells.get(i)).map(cell => ({
    type: cell.type, source: cell.sharedModel.getSource(), count: cell.executionCount ?? null }));
}"""
# What a cell shows is looked at where it is: a lesson's outputs are megabytes.
FAILED = """() => {
  const { cells } = jupyterapp.shell.currentWidget.content.model;
  const shown = ({ outputs }) => Array.from({length: outputs?.length ?? 0}, (_, i) => outputs.get(i));
  const all = Array.from({length: cells.length}, (_, i) => shown(cells.get(i))).flat();
  return all.filter(({ type }) => type === "error").map(one => one.toJSON()).map(({ ename, evalue }) => `${ename}: ${evalue}`);
}"""
# The shared kernel loads torch while the application loads the rest of itself. The first connection to
# a kernel gets its widgets, so this one goes away again.
LOAD = """async (name) => {
  const kernel = await jupyterapp.serviceManager.kernels.startNew({ name });
  await Promise.all([kernel.requestExecute({ code: "import torch", silent: true }).done, jupyterapp.restored]);
  kernel.dispose();
  return kernel.id;
}"""
# With `kernel` undefined JupyterLab starts the one that the notebook names.
OPEN = """async ([path, id]) => {
  const kernel = id ? { id } : undefined;
  const panel = await jupyterapp.commands.execute("docmanager:open", { path, factory: "Notebook", kernel });
  await panel.context.ready;
  await panel.sessionContext.ready;
  return panel.sessionContext.session.kernel.id;
}"""
# Back to where it was opened from: no notebook, no dialog, and a shared kernel as if it had run nothing.
CLOSE = """async (sweep) => {
  const panel = jupyterapp.shell.currentWidget;
  const { sessionContext } = panel;
  const closed = async () => {
    if (sweep) {
      const { content } = await sessionContext.session.kernel.requestExecute({ code: sweep, silent: true }).done;
      if (content.status !== "ok") throw new Error(content.evalue);
    } else jupyterapp.serviceManager.sessions.shutdown(sessionContext.session.id);  // nobody waits for its end
    panel.dispose();
  };
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("not closed in time")), 20_000));
  await Promise.race([closed(), late]);
  return document.querySelectorAll(".jp-NotebookPanel, .jp-Dialog").length === 0;
}"""
SWEEP = "import ipywidgets\nipywidgets.Widget.close_all()\nget_ipython().reset(new_session=False)"
READY = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
# Every cell has its number when the kernel has answered for the last one: the status of a kernel says
# "idle" between two cells too, so it alone would end the wait early.
DONE = f"""() => {{
  const {{ content, sessionContext }} = jupyterapp.shell.currentWidget;
  const cells = Array.from({{length: content.model.cells.length}}, (_, i) => content.model.cells.get(i));
  const code = cells.filter(cell => cell.type === "code" && cell.sharedModel.getSource().trim());
  const ran = () => code.every(cell => cell.executionCount && cell.executionState !== "running");
  return sessionContext.session?.kernel?.status === "idle" && (ran() || ({FAILED})().length > 0);
}}"""
TRIP = """import anywidget, traitlets
class Trip(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
      el.innerHTML = "<p class='trip'>ready</p>";
      window.trip = () => new Promise(done => {
        const began = performance.now();
        const back = () => { model.off("change:answer", back); done(performance.now() - began); };
        model.on("change:answer", back);
        model.set("question", model.get("question") + 1); model.save_changes(); });
    } }'''
    question = traitlets.Int(0).tag(sync=True)
    answer = traitlets.Int(0).tag(sync=True)
    @traitlets.observe("question")
    def reply(self, change):
        self.answer = change.new
Trip()"""


class Notebook:
    """An open notebook: run it, read it, touch what it shows."""

    def __init__(self, page, kernel: str):
        self.page, self.kernel = page, kernel

    def run_all(self, timeout: float = 60) -> float:
        """Run every cell from the menu and wait for the last, or for the first that fails; seconds it took."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        began = time.monotonic()
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(DONE, timeout=timeout * 1000, polling=100)
        return time.monotonic() - began

    def cells(self) -> list[dict]:
        """Type, source and execution count of every cell."""
        return self.page.evaluate(CELLS)

    def errors(self) -> list[str]:
        """What failed: error outputs, and widgets that could not be shown."""
        broken = self.page.get_by_text("Error displaying widget").count()
        return self.page.evaluate(FAILED) + ["a widget could not be displayed"] * broken

    def output(self, cell: int):
        """Locator of the last thing shown under a cell; cells are numbered from 0, text cells included."""
        return self.page.locator(".jp-NotebookPanel:visible .jp-Cell").nth(cell).locator(".jp-OutputArea-output").last

    def cell_with(self, text: str) -> int:
        """Number of the first code cell whose source holds `text`."""
        return next(i for i, cell in enumerate(self.cells()) if cell["type"] == "code" and text in cell["source"])

    def picture_changes(self, locator, act: Callable[[], None], timeout: float = 5) -> bool:
        """Whether the pixels under `locator` differ within `timeout` seconds of `act`."""
        locator.scroll_into_view_if_needed()
        before = locator.screenshot(animations="disabled")
        act()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if locator.screenshot(animations="disabled") != before:
                return True
            self.page.wait_for_timeout(50)
        return False


class Lab:
    """A JupyterLab server on a free localhost port, and its application in a page."""

    def __init__(self, browser, folder: Path):
        self.browser, self.folder = browser, folder
        self.work = folder / "work"
        shutil.copytree(ROOT / "lessons", self.work / "lessons", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        for name, settings in SETTINGS.items():
            path = folder / "settings" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))
        self.warm = WarmKernels("warm-lab")  # for the shared kernel; a lesson's own starts in full
        self.server, self.url = self.start()
        self.page, self.kernel = None, ""  # JupyterLab's application, and the kernel that notebooks share
        self.is_taken = False
        self.trip: tuple[float, float] | None = None

    def start(self) -> tuple[subprocess.Popen, str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        homes = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
                 "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
                 "LLMKIT_PROGRESS": "progress.json", "IPYTHONDIR": "ipython"}
        environment = {**os.environ, **{name: str(self.folder / place) for name, place in homes.items()}}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token=",
                   f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
                   f"--ServerApp.root_dir={self.work}", "--LabApp.expose_app_in_browser=True",
                   "--LanguageServerManager.autodetect=False"]  # else it starts node once for each language that it knows
        with open(self.folder / "server.log", "w") as log:
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/api/status", timeout=2)
                return server, url
            time.sleep(0.2)
        server.terminate()
        raise RuntimeError("JupyterLab did not start:\n" + (self.folder / "server.log").read_text()[-2000:])

    @contextlib.contextmanager
    def open(self, path: str, kernel: str = "shared") -> Iterator[Notebook]:
        """Open a notebook (path below the server's folder), kernel ready: the "shared" one or its "own"."""
        assert not self.is_taken, "a notebook is open already; they are opened one after the other, so that none makes another wait"
        self.load()
        self.is_taken = True
        try:
            used = self.page.evaluate(OPEN, [path, self.kernel if kernel == "shared" else ""])
            self.page.wait_for_function(READY, timeout=60_000, polling=100)
            yield Notebook(self.page, used)
        finally:
            self.is_taken = False
            self.close(SWEEP if kernel == "shared" else "")

    def load(self) -> None:
        """Load the application and start the shared kernel, where that has not been done."""
        if self.page is None:
            page = self.browser.new_context(viewport={"width": 1280, "height": 1600}).new_page()
            page.goto(f"{self.url}/lab?reset")
            page.wait_for_function("() => window.jupyterapp", timeout=60_000)
            self.page, self.kernel = page, page.evaluate(LOAD, self.warm.name)

    def close(self, sweep: str) -> None:
        """Close the notebook; if anything is left of it, the next gets a fresh application and kernel."""
        try:
            is_clean = self.page.evaluate(CLOSE, sweep)
        except PlaywrightError:
            is_clean = False
        if not is_clean:
            self.end_kernels()
            self.page.context.close()
            self.page = None

    def write(self, name: str, *sources: str) -> str:
        """Write a notebook of code cells into the server's folder; returns its path there."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
        nbformat.write(notebook, self.work / name)
        return name

    def round_trip(self, count: int = 40) -> tuple[float, float]:
        """p50 and p95, in ms, of a trivial widget asking Python for a number and getting it."""
        if self.trip is None:
            with self.open(self.write("trip.ipynb", TRIP)) as notebook:
                notebook.run_all()
                notebook.page.wait_for_function("() => window.trip", timeout=20_000)
                times = [notebook.page.evaluate("trip()") for _ in range(count + 5)][5:]
            self.trip = median(times), quantiles(times, n=20)[-1]
        return self.trip

    def kernel_seconds(self, notebook: Notebook) -> float:
        """Processor time of a notebook's kernel and of what that started, in seconds."""
        children = psutil.Process(self.server.pid).children()
        kernel = next(child for child in children if notebook.kernel in " ".join(child.cmdline()))
        return sum(sum(process.cpu_times()[:2]) for process in (kernel, *kernel.children(recursive=True)))

    def end_kernels(self) -> None:
        """End them unasked: one that is stuck would not hear, and one that is asked takes seconds over it."""
        for kernel in psutil.Process(self.server.pid).children():
            kernel.kill()

    def stop(self) -> None:
        self.end_kernels()
        self.server.terminate()
        self.warm.close()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
