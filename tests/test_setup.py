"""The environment makes itself, and where it cannot, says why in one sentence and never with a traceback."""

import os
import runpy
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETUP = runpy.run_path(str(ROOT / ".ci" / "setup.py"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small checkout, in a folder whose name has spaces, set up by make; it needs nothing from the network."""
    root = tmp_path_factory.mktemp("made") / "my books" / "inside llms"
    (root / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "setup.py", root / ".ci")
    shutil.copy(ROOT / "Makefile", root)
    (root / "requirements.txt").write_text("# nothing\n")
    (root / "pyproject.toml").write_text("")
    (root / ".venv" / "bin").mkdir(parents=True)  # left by a setup that was interrupted at once
    done = subprocess.run(["make", "setup"], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "is ready" in done.stdout, done.stdout + done.stderr
    return root


@pytest.fixture
def checkout(made):
    (made / "requirements.txt").write_text("# nothing\n")
    return made


def setup(root, *arguments, **environment):
    """Run the setup as make does; (exit code, everything it said)."""
    environment = {**os.environ, "PIP_NO_INDEX": "1", **environment}
    done = subprocess.run([sys.executable, ".ci/setup.py", *arguments], cwd=root, env=environment, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def fake_python(folder, version, has_venv=True):
    """A program that answers the setup's question as another Python would."""
    folder.mkdir(exist_ok=True)
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\necho {version} {has_venv}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_it_sets_up_again_only_when_the_recipe_changes(checkout):
    setup(checkout)
    assert setup(checkout) == (0, "")
    (checkout / "requirements.txt").write_text("# something else\n")
    code, said = setup(checkout)
    assert code == 0 and "is ready" in said and "Making" not in said


ENSUREPIP = """#!/bin/sh
here="$(dirname "$0")"
if [ "$*" = "-m ensurepip" ]; then mv "$here/lost/"pip* "$here/../lib/"python*/site-packages/; else exec "$here/real-python" "$@"; fi
"""


@pytest.fixture
def lost_pip(checkout):
    """The environment has no pip, and its Python brings it back when asked as Python is: at once, and not in five seconds."""
    folder = checkout / ".venv" / "bin"
    (folder / "lost").mkdir()
    for part in (checkout / ".venv" / "lib").glob("python*/site-packages/pip*"):
        part.rename(folder / "lost" / part.name)
    (folder / "python").rename(folder / "real-python")
    (folder / "python").write_text(ENSUREPIP)
    (folder / "python").chmod(0o755)
    yield folder / "lost"
    (folder / "real-python").replace(folder / "python")


def test_packages_half_installed_are_finished_and_a_lost_pip_is_brought_back(checkout, lost_pip):
    (checkout / ".venv" / ".ready").unlink(missing_ok=True)
    code, said = setup(checkout)
    assert code == 0 and "is ready" in said and "Making" not in said
    assert not list(lost_pip.iterdir())


def test_a_missing_package_is_named(checkout):
    (checkout / "requirements.txt").write_text("inside-llms-has-no-such-package==9\n")
    code, said = setup(checkout)
    assert code == 1 and "has no inside-llms-has-no-such-package==9 for this Python" in said


def test_no_network_is_said(checkout):
    (checkout / "requirements.txt").write_text("inside-llms-has-no-such-package==9\n")
    code, said = setup(checkout, PIP_NO_INDEX="0", PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="1",
                       PIP_CONFIG_FILE=os.devnull)
    assert code == 1 and "could not be reached" in said and "run the same command again" in said


@pytest.mark.parametrize(("version", "has_venv", "sentence"), [
    ("3 9", True, "needs Python 3.11 to 3.13 and found 3.9 (too old)"),
    ("3 14", True, "needs Python 3.11 to 3.13 and found 3.14 (too new)"),
    ("3 12", False, "apt-get install python3.12-venv"),
])
def test_an_unsuitable_python_is_named(tmp_path, monkeypatch, version, has_venv, sentence):
    monkeypatch.setenv("PATH", fake_python(tmp_path / "bin", version, has_venv))
    monkeypatch.setattr(sys, "executable", "/no/python")
    with pytest.raises(SystemExit, match=sentence.replace("(", r"\(").replace(")", r"\)")):
        SETUP["find_python"]()


def test_a_full_disk_is_said_before_anything_is_made(tmp_path):
    with pytest.raises(SystemExit, match="needs 100000000 GB of free space and this disk has"):
        SETUP["check_space"](str(tmp_path / ".venv"), 1e8)


@pytest.mark.parametrize(("pip_said", "sentence"), [
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
    ("NewConnectionError ... ERROR: No matching distribution found for torch", "could not be reached"),
    ("ERROR: No matching distribution found for torch==2.13.0", "has no torch==2.13.0 for this Python"),
    ("error: subprocess-exited-with-error", "could not be compiled"),
    ("ResolutionImpossible", "contradict each other"),
    ("something never seen", "pip could not install the packages"),
])
def test_what_pip_says_becomes_a_sentence(pip_said, sentence):
    assert sentence in SETUP["explain"](pip_said)
