"""Progress belongs to the reader: whatever happens to the file, nothing is lost and nothing raises."""

import json
import multiprocessing
import os
import sys

import pytest

from llmkit.exercises import check, exercise, progress
from llmkit.exercises.card import lessons
from llmkit.exercises.progress import Record, where

storage = sys.modules[Record.__module__]  # the module; the package's `progress` is the function
SOLUTION, MISTAKE = exercise("05.1").solution, exercise("05.1").mistakes[0]


def stored(path):
    return json.loads(path.read_text())["exercises"]


def test_attempts_are_counted_and_solved_stays_solved(progress_file):
    check("05.1", MISTAKE)
    assert progress().state("05.1") == "tried, 1 attempt"
    check("05.1", SOLUTION)
    check("05.1", MISTAKE)
    assert stored(progress_file) == {"05.1": {"attempts": 3, "solved": True}}
    assert progress().state("05.1") == "✓ solved, 3 attempts"


def test_a_stub_and_an_unknown_exercise_leave_no_file(progress_file):
    def stub(query, key):
        raise NotImplementedError

    check("05.1", stub)
    check("99.1", SOLUTION)
    assert not progress_file.exists()


def test_the_table_shows_every_lesson_and_exercise_with_its_stars():
    check("05.1", SOLUTION)
    bundle = progress()._repr_mimebundle_()
    assert set(bundle) == {"text/markdown", "text/plain"}
    assert "| 05.1 Attention weights | ★☆☆ | ✓ solved, 1 attempt |" in bundle["text/markdown"]
    assert "| 05.5 The gradients of a learned score | ★★★ | open |" in bundle["text/markdown"]
    total = sum(len(lesson.exercises) for lesson in lessons())
    assert f"1 of {total} exercises solved" in bundle["text/plain"]
    assert str(where()) not in "".join(bundle.values())  # a stored output says nothing about the machine


def test_the_file_is_where_the_variable_says_else_in_the_users_data_folder(monkeypatch, progress_file):
    assert where() == progress_file
    monkeypatch.setenv("LLMKIT_PROGRESS", "~/elsewhere.json")
    assert where().name == "elsewhere.json" and "~" not in str(where())
    monkeypatch.setenv("LLMKIT_PROGRESS", "  ")
    monkeypatch.setenv("XDG_DATA_HOME", str(progress_file.parent))
    assert where().name == "progress.json" and where().parent.name == "inside-llms"


# Files that make no sense ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"schema": 1}',
        b'{"schema": 1, "exercises": []}',
        b'{"schema": 1, "exercises": {"05.1": {"attempts": "three", "solved": true}}}',
        b'{"schema": 1, "exercises": {"05.1": 3}}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("act", [lambda: check("05.1", SOLUTION), progress])
def test_a_damaged_file_is_set_aside_whole_and_said_so(progress_file, content, act):
    progress_file.parent.mkdir()
    progress_file.write_bytes(content)
    said = repr(act())
    assert "damaged" in said and "`progress.damaged-1.json`" in said
    assert progress_file.with_name("progress.damaged-1.json").read_bytes() == content
    assert "damaged" not in repr(act())


def test_several_damaged_files_are_all_kept(progress_file):
    progress_file.parent.mkdir()
    for content in ("first", "second"):
        progress_file.write_text(content)
        check("05.1", SOLUTION)
    kept = sorted(progress_file.parent.glob("progress.damaged-*.json"))
    assert [file.read_text() for file in kept] == ["first", "second"]


def test_a_file_from_a_newer_version_is_left_as_it_is(progress_file):
    progress_file.parent.mkdir()
    newer = '{"schema": 99, "exercises": {"05.1": "something new"}}'
    progress_file.write_text(newer)
    verdict = check("05.1", SOLUTION)
    assert verdict.outcome == "correct" and "newer llmkit" in repr(verdict)
    assert "newer llmkit" in repr(progress())
    assert progress_file.read_text() == newer
    assert [file.name for file in progress_file.parent.glob("*.json")] == ["progress.json"]


def test_exercises_of_other_versions_are_kept(progress_file):
    progress_file.parent.mkdir()
    progress_file.write_text('{"schema": 1, "exercises": {"88.8": {"attempts": 4, "solved": true}}}')
    check("05.1", SOLUTION)
    assert stored(progress_file)["88.8"] == {"attempts": 4, "solved": True}


# Places where nothing can be saved ------------------------------------------------------------------


def saves_nothing():
    """Exercises work, one sentence says so, and the session remembers."""
    check("05.1", SOLUTION)
    verdict = check("05.1", MISTAKE)
    assert verdict.outcome == "incorrect"
    assert repr(verdict).count("cannot be saved") == 1 and "LLMKIT_PROGRESS" in repr(verdict)
    assert progress().state("05.1") == "✓ solved, 2 attempts"
    assert repr(progress()).count("cannot be saved") == 1


def test_a_folder_that_cannot_be_made(progress_file):
    file = progress_file.parent
    file.write_text("a file where the folder should be")
    saves_nothing()
    assert file.read_text() == "a file where the folder should be"


def test_a_path_that_is_a_folder(progress_file):
    progress_file.mkdir(parents=True)
    saves_nothing()
    assert not list(progress_file.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test steps down to another user in a forked process")
@pytest.mark.parametrize("already", ["nothing", "progress"])
def test_a_read_only_home(progress_file, already):
    if already == "progress":
        check("05.2", exercise("05.2").solution)
    progress_file.parent.mkdir(exist_ok=True)
    progress_file.parent.chmod(0o555)
    for folder in (progress_file.parents[1], progress_file.parents[2], progress_file.parents[3]):
        folder.chmod(0o755)  # pytest keeps its folders to the user who runs it
    before = sorted(progress_file.parent.iterdir())
    try:
        child = multiprocessing.get_context("fork").Process(target=as_somebody_else, args=(saves_nothing,))
        child.start()
        child.join(60)
        assert child.exitcode == 0
    finally:
        progress_file.parent.chmod(0o755)
    assert sorted(progress_file.parent.iterdir()) == before
    if already == "progress":
        assert set(stored(progress_file)) == {"05.2"}


def as_somebody_else(test):
    """Root may write anywhere, so a test of read-only folders has to be somebody else."""
    if os.getuid() == 0:
        os.setuid(65534)
    test()


def test_a_full_disk_leaves_the_old_file_and_no_litter(progress_file, monkeypatch):
    check("05.1", SOLUTION)
    before = progress_file.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage.os, "fsync", full)
        assert "no space left on device" in repr(check("05.1", MISTAKE))
    assert progress_file.read_bytes() == before
    assert not list(progress_file.parent.glob(".*"))
    check("05.1", MISTAKE)
    assert stored(progress_file)["05.1"]["attempts"] == 3  # the attempt on the full disk was not forgotten


# Two notebooks at once ------------------------------------------------------------------------------


def count_attempts(number, times):
    for _ in range(times):
        storage.record(number, solved=False)


def test_notebooks_that_save_at_once_lose_nothing(progress_file):
    context = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")
    writers = [context.Process(target=count_attempts, args=(f"05.{1 + i % 2}", 25)) for i in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if progress_file.exists():
            stored(progress_file)  # never half a file
        for writer in writers:
            writer.join(0.01)
    assert {key: value["attempts"] for key, value in stored(progress_file).items()} == {
        "05.1": 50,
        "05.2": 50,
    }


# Carrying it elsewhere ------------------------------------------------------------------------------


def test_progress_travels_by_export_and_import(progress_file, tmp_path, monkeypatch):
    check("05.1", SOLUTION)
    copy = tmp_path / "my progress.json"
    assert "is copied" in repr(progress().export(copy))

    monkeypatch.setenv("LLMKIT_PROGRESS", str(tmp_path / "other machine" / "progress.json"))
    check("05.1", MISTAKE)
    check("05.1", MISTAKE)
    check("05.2", exercise("05.2").solution)
    both = progress().import_(copy)
    assert both.state("05.1") == "✓ solved, 2 attempts" and both.state("05.2") == "✓ solved, 1 attempt"
    assert progress().records == both.records
    assert progress().import_(copy).records == both.records  # twice is as good as once


def test_export_replaces_an_older_export_but_no_other_file(tmp_path):
    check("05.1", SOLUTION)
    copy, letter = tmp_path / "copy.json", tmp_path / "letter.txt"
    progress().export(copy)
    check("05.1", SOLUTION)
    assert "is copied" in repr(progress().export(str(copy)))
    assert stored(copy)["05.1"]["attempts"] == 2
    letter.write_text("Dear reader")
    assert "Nothing was written" in repr(progress().export(letter))
    assert letter.read_text() == "Dear reader"
    assert "Nothing was written" in repr(progress().export(tmp_path))
    assert "Nothing was written" in repr(progress().export(tmp_path / "no" / "such" / "folder.json"))


def test_import_of_something_else_changes_nothing(progress_file, tmp_path):
    check("05.1", SOLUTION)
    before, letter = progress_file.read_bytes(), tmp_path / "letter.txt"
    letter.write_text("Dear reader")
    assert "not a progress file" in repr(progress().import_(letter))
    assert "There is no file" in repr(progress().import_(tmp_path / "missing.json"))
    assert progress_file.read_bytes() == before and letter.read_text() == "Dear reader"
