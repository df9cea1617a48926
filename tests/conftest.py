"""What every test shares: an offline, seeded, single-threaded machine; a browser; the built site.

`browser`     Chromium through Playwright's sync API, one for the session
`serve`       serve(folder) -> address of a static server on a free localhost port
`python`      what to start for another Python that needs torch; in `make test` one that has imported it already
`built_site`  path of _build/html, built first when it is missing or older than its sources
"""

import contextlib
import gc
import inspect
import os
import random
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chromium import ARGUMENTS, NO_BROWSER, find_chromium
from kernels.warm import SHARED
from server import static_server
from typecheck import unchecked

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # two processes with two threads each on two cores: 14 times slower

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure(config) -> None:
    gc.disable()  # while tests are collected: half a million objects come with the libraries, and all of them stay
    config.addinivalue_line("markers", "lab: drives a real JupyterLab in Chromium")
    if config.getoption("--jaxtyping-packages", None):
        import checker

        checker.install()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items) -> None:
    """Mark by what a test uses, so that the stages of `make test` can be told apart, and each test is run by one."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        in_browser = "browser" in fixtures or "built_site" in fixtures or ROOT / "tests" / "site" in item.path.parents
        in_page_file = item.path.stem.endswith(("_page", "_js"))
        if in_browser:
            item.add_marker("browser")
        if in_browser and "lab" in fixtures:
            item.add_marker("lab")
        if in_browser and item.path.parent.name not in ("site", "lab") and not in_page_file:
            raise pytest.UsageError(f"{item.nodeid} needs a browser, so its file's name must end in _page.py or _js.py: no stage of `make test` would run it.")
        if in_page_file and not in_browser:
            raise pytest.UsageError(f"{item.nodeid} needs no browser, so its file's name must not end in _page.py or _js.py: no stage of `make test` would run it.")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers in every test, whichever ran before it."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]  # `torch.manual_seed` also notes for each kind of device who called it
        (torch.manual_seed if torch.accelerator.is_available() else torch.default_generator.manual_seed)(0)
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


@pytest.fixture(autouse=True)
def annotations(request) -> Iterator[None]:
    """Where annotations are checked (stage `unit`), a test of wrong input sees llmkit's sentence, not the checker's."""
    function = getattr(request, "function", None)
    if "jaxtyping" not in sys.modules or function is None or "raises" not in inspect.unwrap(function).__code__.co_names:
        yield
        return
    with unchecked():
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A running headless Chromium; open pages with `browser.new_page()` or `browser.new_context()`."""
    from playwright.sync_api import sync_playwright

    if (path := find_chromium()) is None:
        pytest.exit(NO_BROWSER, returncode=2)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., str]]:
    """serve(folder, prefix="/") -> "http://127.0.0.1:PORT/" (ends in the prefix)."""
    with static_server() as start:
        yield start


@pytest.fixture(scope="session")
def python() -> str:
    return os.environ.get(SHARED, sys.executable)


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process through; the others wait, at most five minutes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 300
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            if time.monotonic() > deadline or time.time() - path.stat().st_mtime > 300:
                path.unlink(missing_ok=True)
            time.sleep(0.2)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def built_site(request) -> Path:
    """_build/html, built by the command of `make book` when it is missing or older than its sources."""
    book = runpy.run_path(str(ROOT / ".ci" / "build.py"))
    with one_at_a_time(ROOT / "_build" / ".building"):
        if not book["is_fresh"]():
            capture = request.config.pluginmanager.getplugin("capturemanager")
            with capture.global_and_fixture_disabled():
                try:
                    print(f"\nbuilt the site in {book['build']():.1f} s")
                except SystemExit as sentence:
                    pytest.exit(str(sentence), returncode=2)
    return book["SITE"]


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory) -> Iterator:
    """A running JupyterLab with a copy of the lessons; what it can do is in tests/lab/lab.py."""
    sys.path.insert(0, str(ROOT / "tests" / "lab"))
    from lab import Lab

    server = Lab(browser, tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()
