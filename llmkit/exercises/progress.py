"""The reader's progress: one small JSON file in their own data folder, theirs to keep, copy and carry.

The file is written whole and then renamed into place, so it is never half there; a lock lets two
notebooks save at once; a damaged file is set aside, never overwritten. Where nothing can be saved,
exercises work all the same and progress lasts as long as the session.
"""

import itertools
import json
import operator
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_data_path

from llmkit.exercises.card import lessons
from llmkit.exercises.show import Note, Shown, stars

SCHEMA = 1
_unsaved: dict[Path, dict[str, "Record"]] = {}  # this session's attempts that could not be written


class UnusableFileError(Exception):
    """A progress file that cannot be used, and why; one to `keep` is not even renamed."""

    def __init__(self, why: str, keep: bool = False):
        super().__init__(why)
        self.keep = keep


PROBLEMS = (OSError, UnusableFileError, NotImplementedError)  # the last: a disk that knows no locks


@dataclass(frozen=True)
class Record:
    """What is kept about one exercise. Once solved, it stays solved."""

    attempts: int = 0
    solved: bool = False

    def __add__(self, later: "Record") -> "Record":
        """This record, and what was done after it."""
        return Record(self.attempts + later.attempts, self.solved or later.solved)

    def __or__(self, other: "Record") -> "Record":
        """What two files know about the same exercise, which they may both have counted."""
        return Record(max(self.attempts, other.attempts), self.solved or other.solved)


def where() -> Path:
    """The progress file: `LLMKIT_PROGRESS` if set, else `progress.json` in the user's data folder."""
    chosen = os.environ.get("LLMKIT_PROGRESS", "").strip()
    if chosen:
        return Path(os.path.expanduser(chosen))
    return user_data_path("inside-llms", appauthor=False) / "progress.json"


def record(exercise_id: str, solved: bool) -> str:
    """Count one attempt; return a sentence if there is something the reader should know."""
    path, now = where(), {exercise_id: Record(attempts=1, solved=solved)}
    try:
        with lock(path):
            records, notice = read_or_set_aside(path)
            write(path, combine(combine(records, _unsaved.get(path, {})), now))
            _unsaved.pop(path, None)
        return notice
    except PROBLEMS as error:
        _unsaved[path] = combine(_unsaved.get(path, {}), now)
        return cannot_save(path, error)


def combine(one: dict[str, Record], other: dict[str, Record], how=operator.add) -> dict[str, Record]:
    """Two sets of records in one, exercise by exercise."""
    return {key: how(one.get(key, Record()), other.get(key, Record())) for key in {**one, **other}}


def lock(path: Path) -> FileLock:
    """Only one process at a time changes the file; OSError where no file can be made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{path}.lock", timeout=10)


def read_or_set_aside(path: Path) -> tuple[dict[str, Record], str]:
    """The records; a file that makes no sense is renamed and kept, and the sentence says so."""
    try:
        return read(path), ""
    except UnusableFileError as error:
        if error.keep:
            raise
        names = (
            path.with_name(f"{path.stem}.damaged-{number}{path.suffix}") for number in itertools.count(1)
        )
        aside = next(name for name in names if not name.exists())
        path.rename(aside)
        return (
            {},
            f"The progress file was damaged. It is kept as `{aside.name}` beside the new one, which starts empty.",
        )


def read(path: Path) -> dict[str, Record]:
    """The records in a file, none if there is no file; UnusableFileError if it is not a progress file."""
    try:
        content = json.loads(path.read_bytes())
        schema, exercises = content["schema"], content["exercises"]
        if schema > SCHEMA:
            raise UnusableFileError("it was written by a newer llmkit; update this one", keep=True)
        return {
            key: Record(operator.index(one["attempts"]), bool(one["solved"]))
            for key, one in exercises.items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableFileError("it is not a progress file") from error


def write(path: Path, records: dict[str, Record]) -> None:
    """Write beside the file, flush to the disk, then rename into place: all or nothing."""
    content = {"schema": SCHEMA, "exercises": {key: asdict(records[key]) for key in sorted(records)}}
    target = path.resolve()  # a link stays a link
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def reason(error: Exception) -> str:
    """Why, in a few lower-case words."""
    said = getattr(error, "strerror", None) or str(error)
    return said[:1].lower() + said[1:].rstrip(".")


def cannot_save(path: Path, error: Exception) -> str:
    return (
        f"Your progress cannot be saved in `{path}` ({reason(error)}), so it lasts only as long as this session; "
        "to keep it, set the environment variable `LLMKIT_PROGRESS` to a file that can be written."
    )


@dataclass(frozen=True, repr=False)
class Progress(Shown):
    """Lesson by lesson, what is done."""

    records: dict[str, Record]
    notice: str = ""

    @property
    def path(self) -> Path:
        """Where the file is."""
        return where()

    def solved(self, exercises) -> int:
        return sum(self.records.get(one.id, Record()).solved for one in exercises)

    def markdown(self) -> str:
        everything = [one for lesson in lessons() for one in lesson.exercises]
        parts = [f"**Your progress** · {self.solved(everything)} of {len(everything)} exercises solved"]
        for lesson in lessons():
            done = f"{self.solved(lesson.exercises)} of {len(lesson.exercises)}"
            rows = [
                f"| {one.id} {one.title} | {stars(one.stars)} | {self.state(one.id)} |"
                for one in lesson.exercises
            ]
            parts.append(f"**Lesson {lesson.number} · {lesson.title}** · {done}")
            parts.append("\n".join(["| Exercise | Stars | |", "|:--|:--|:--|", *rows]))
        return "\n\n".join([*parts, *([self.notice] if self.notice else [])])

    def plain(self) -> str:
        everything = [one for lesson in lessons() for one in lesson.exercises]
        lines = [f"Your progress: {self.solved(everything)} of {len(everything)} exercises solved"]
        for lesson in lessons():
            lines += ["", f"Lesson {lesson.number} · {lesson.title}"]
            width = max(len(one.title) for one in lesson.exercises)
            lines += [
                f"  {one.id}  {one.title:{width}}  {stars(one.stars)}  {self.state(one.id)}"
                for one in lesson.exercises
            ]
        return "\n".join([*lines, *(["", self.notice] if self.notice else [])])

    def state(self, exercise_id: str) -> str:
        """
        >>> Progress({"05.1": Record(attempts=2, solved=True)}).state("05.1")
        '✓ solved, 2 attempts'
        """
        mine = self.records.get(exercise_id, Record())
        if not mine.attempts:
            return "✓ solved" if mine.solved else "open"
        tries = f"{mine.attempts} attempt{'s' if mine.attempts > 1 else ''}"
        return f"✓ solved, {tries}" if mine.solved else f"tried, {tries}"

    def export(self, path: str | Path) -> Note:
        """Write a copy to `path`, to keep or to carry to another machine.

        A file that is there already is replaced only if it is a progress file itself.
        """
        target = Path(path).expanduser()
        try:
            read(target)
            write(target, self.records)
        except PROBLEMS as error:
            return Note(f"Nothing was written to `{path}`: {reason(error)}. Choose another name or folder.")
        return Note(
            f'Your progress is copied to `{path}`. Bring it in elsewhere with `progress().import_("{path}")`.'
        )

    def import_(self, path: str | Path) -> "Progress | Note":
        """Add what an exported file knows: solved stays solved, and the larger count of attempts is kept."""
        source = Path(path).expanduser()
        if not source.exists():
            return Note(f"There is no file `{path}`. Export one first with `progress().export(...)`.")
        try:
            theirs = read(source)
        except PROBLEMS as error:
            return Note(f"`{path}` cannot be used: {reason(error)}. Your progress is as it was.")
        mine = where()
        try:
            with lock(mine):
                records, notice = read_or_set_aside(mine)
                records = combine(records, theirs, operator.or_)
                write(mine, records)
            return Progress(records, notice)
        except PROBLEMS as error:
            _unsaved[mine] = combine(_unsaved.get(mine, {}), theirs, operator.or_)
            return Progress(combine(self.records, theirs, operator.or_), cannot_save(mine, error))


def progress() -> Progress:
    """What is done, lesson by lesson; `.export(path)` and `.import_(path)` carry it between machines."""
    path, session = where(), _unsaved.get(where(), {})
    try:
        with lock(path):
            records, notice = read_or_set_aside(path)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError("the folder is read-only")
        return Progress(combine(records, session), notice)
    except PROBLEMS as error:
        with suppress(*PROBLEMS):
            session = combine(read(path), session)
        return Progress(session, cannot_save(path, error))
