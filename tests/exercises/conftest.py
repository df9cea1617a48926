import pytest


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    """Every test has its own progress file, never the reader's."""
    path = tmp_path / "progress" / "progress.json"
    monkeypatch.setenv("LLMKIT_PROGRESS", str(path))
    return path
