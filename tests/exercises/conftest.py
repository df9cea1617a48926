from itertools import count

import pytest

NUMBERS = count()


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """The folder under which every test has one of its own; most never use it, so none is made."""
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(autouse=True)
def progress_file(desk, monkeypatch):
    """Every test has its own progress file, never the reader's."""
    path = desk / f"progress-{next(NUMBERS)}" / "progress.json"
    monkeypatch.setenv("LLMKIT_PROGRESS", str(path))
    return path
