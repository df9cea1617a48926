"""The rules of a notebook: each returns sentences, none when kept.

A rule is a function of a `Lesson`; RULES lists them all.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from llmkit.refresh import PAGE_MIME, SETUP, VIEW_MIME, leaks, setup_cell

MAX_BYTES = 600_000
MAX_LINES = 19
IGNORED = "nbval-ignore-output"
ALLOWED_TAGS = {"details", "summary", "kbd", "sub", "sup", "br"}
CODE = re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
MYST = re.compile(r"^\s*(?:`{3,}|:{3,})\{[\w:-]+\}|\{[\w:-]+\}`[^`]+`|^\([\w:-]+\)=\s*$|\$\$[ \t]*\([\w:-]+\)\s*$", re.MULTILINE)
HTML_TAG = re.compile(r"</?([a-zA-Z][\w-]*)(?=[\s>/])[^>]*>")
WALL_CLOCK = re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|µs|s|sec|seconds?|milliseconds?)\b")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|TBD|placeholder|coming soon|lorem ipsum)\b", re.IGNORECASE)
FACTS = {"how many minutes to read": r"\d+ minutes to read", "how long to run": r"(?:seconds?|minutes?) to run",
         "what to know first": r"(?i)know first"}
PROMISED = {"a few seconds": 8, "a quarter of a minute": 18, "half a minute": 36, "a minute": 60}  # seconds, at most
ANATOMY = ("trap", "exercises", "summary", "read next")  # headings, in this order


@dataclass(frozen=True)
class Lesson:
    """A stored notebook, and its address."""

    path: Path
    notebook: NotebookNode

    @classmethod
    def read(cls, path: Path) -> "Lesson":
        return cls(path, nbformat.read(path, as_version=4))

    def cells(self, kind: str) -> Iterator[tuple[int, NotebookNode]]:
        return ((i, cell) for i, cell in enumerate(self.notebook.cells) if cell.cell_type == kind)

    def prose(self) -> Iterator[tuple[int, str]]:
        """Markdown without its code and its formulas."""
        return ((i, CODE.sub(" ", cell.source)) for i, cell in self.cells("markdown"))


def plain_markdown(lesson: Lesson) -> list[str]:
    """MyST shows as raw text in Lab and Colab, and other HTML is stripped there."""
    wrong = [f"cell {i} uses MyST, {match[0].strip()!r}: only plain Markdown shows everywhere."
             for i, cell in lesson.cells("markdown") if (match := MYST.search(cell.source))]
    return wrong + [f"cell {i} uses HTML, {match[0]!r}: only {', '.join(sorted(ALLOWED_TAGS))} show everywhere."
                    for i, text in lesson.prose() for match in HTML_TAG.finditer(text)
                    if match[1].lower() not in ALLOWED_TAGS]


def short_cells(lesson: Lesson) -> list[str]:
    return [f"cell {i} has {lines} lines; keep it under {MAX_LINES + 1} or move a helper to llmkit."
            for i, cell in lesson.cells("code") if (lines := len(cell.source.splitlines())) > MAX_LINES]


def refreshed(lesson: Lesson) -> list[str]:
    """Outputs are those of one clean run, by `make refresh`."""
    counts = [cell.execution_count for _, cell in lesson.cells("code")]
    wrong = [] if counts == list(range(1, len(counts) + 1)) else ["cells are not numbered 1 to n: run `make refresh`."]
    wrong += [f"cell {i} is empty." for i, cell in lesson.cells("code") if not cell.source.strip()]
    wrong += [f"cell {i} stores an error." for i, cell in lesson.cells("code")
              if any(output.output_type == "error" for output in cell.outputs)]
    return wrong


def clean_metadata(lesson: Lesson) -> list[str]:
    wrong = []
    metadata = lesson.notebook.metadata
    if "widgets" in metadata:
        wrong.append("the notebook stores widget state, which breaks GitHub's preview: run `make refresh`.")
    if metadata.get("kernelspec", {}).get("name") != "python3":
        wrong.append("the kernel is not python3, so JupyterLab would ask for one: run `make refresh`.")
    if any("execution" in cell.metadata for cell in lesson.notebook.cells):
        wrong.append("a cell stores when it was run: run `make refresh`.")
    return wrong


def no_leaks(lesson: Lesson) -> list[str]:
    return leaks(lesson.notebook)


def views_have_a_page_form(lesson: Lesson) -> list[str]:
    """A bare ipywidgets view is dead on the site."""
    wrong = []
    for i, cell in lesson.cells("code"):
        for data in (output.get("data", {}) for output in cell.outputs):
            if VIEW_MIME in data and PAGE_MIME not in data:
                wrong.append(f"cell {i} shows a widget that the site cannot: use one of llmkit's.")
            elif VIEW_MIME in data:
                wrong.append(f"cell {i} stores a widget view with a random id: run `make refresh`.")
    return wrong


def same_setup(lesson: Lesson) -> list[str]:
    first = next((cell for _, cell in lesson.cells("code")), None)
    if first is None or first.source != setup_cell():
        return [f"the first code cell is not the setup cell of llmkit/refresh.py ({SETUP.splitlines()[0]} ...)."]
    return [] if IGNORED in tags_of(first) else [f"the setup cell prints the machine's device: tag it {IGNORED}."]


def tags_of(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def first_screen(lesson: Lesson) -> list[str]:
    """On the page the live demo stands in the first screen: no code above it, neither the setup cell nor its own line."""
    setup, demo = ([cell for _, cell in lesson.cells("code")] + [NotebookNode(metadata={})] * 2)[:2]
    wrong = [] if "remove-cell" in tags_of(setup) else ["the setup cell pushes the live demo down the page: tag it remove-cell."]
    return wrong + ([] if "remove-input" in tags_of(demo) else ["the cell of the live demo shows its code on the page: tag it remove-input."])


def no_wall_clock(lesson: Lesson) -> list[str]:
    """A time in a compared output fails on the next machine."""
    wrong = []
    for i, cell in lesson.cells("code"):
        printed = "".join(output.get("text", "") or str(output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
        if IGNORED not in cell.metadata.get("tags", []) and (match := WALL_CLOCK.search(printed)):
            wrong.append(f"cell {i} prints a time, {match[0]!r}, and compares it: tag it {IGNORED} and assert the claim.")
    return wrong


def ignored_cells_assert(lesson: Lesson) -> list[str]:
    """What is not compared is asserted, but for the setup cell and for figures, which their own tests check."""
    wrong = []
    for number, (i, cell) in enumerate(lesson.cells("code")):
        figure = any(PAGE_MIME in output.get("data", {}) for output in cell.outputs)
        asserts = re.search(r"\bassert\b|\bcheck\(", cell.source)
        if number and IGNORED in cell.metadata.get("tags", []) and not (figure or asserts):
            wrong.append(f"cell {i} is tagged {IGNORED} and asserts nothing: assert what it claims.")
    return wrong


def anatomy(lesson: Lesson) -> list[str]:
    """Title and facts first; the trap, the exercises, the summary and what to read next, in this order."""
    cells = list(lesson.notebook.cells)
    first = cells[0].source if cells and cells[0].cell_type == "markdown" else ""
    wrong = [] if re.match(r"# \S", first) else ["the first cell is not a title (`# ...`)."]
    wrong += [f"the first cell does not say {what}." for what, pattern in FACTS.items() if not re.search(pattern, first)]
    text = "\n".join(cell.source for _, cell in lesson.cells("markdown"))
    headings = [line.lower() for line in re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)]
    places = [next((n for n, line in enumerate(headings) if word in line), None) for word in ANATOMY]
    wrong += [f"no heading says {word!r}." for word, place in zip(ANATOMY, places, strict=True) if place is None]
    found = [place for place in places if place is not None]
    return wrong + (["the sections are not in the order of a lesson."] if found != sorted(found) else [])


def honest_time(lesson: Lesson) -> list[str]:
    """What the first cell promises is no less than what a run took."""
    seconds = lesson.notebook.metadata.get("llmkit", {}).get("seconds")
    if seconds is None:
        return ["no run time is stored: run `make refresh`."]
    promised = re.search(rf"({'|'.join(PROMISED)}) to run", lesson.notebook.cells[0].source)
    if promised is None:
        return [f"the first cell promises no run time in these words: {', '.join(PROMISED)}."]
    most = PROMISED[promised[1]]
    return [] if seconds <= most else [f"it promises {promised[1]}, and a run took {seconds} s of a processor."]


def exercises(lesson: Lesson) -> list[str]:
    number = lesson.path.name[:2]
    code = "\n".join(cell.source for _, cell in lesson.cells("code"))
    shown = re.findall(r"\bexercise\(\s*[\"']([\d.]+)[\"']", code)
    checked = set(re.findall(r"\bcheck\(\s*[\"']([\d.]+)[\"']", code))
    wrong = [] if 4 <= len(shown) <= 6 else [f"it has {len(shown)} exercises; a lesson has 4 to 6."]
    wrong += [f"exercise {name} is shown and never checked." for name in shown if name not in checked]
    return wrong + [f"exercise {name} does not belong to lesson {number}." for name in shown if not name.startswith(number)]


def finished_prose(lesson: Lesson) -> list[str]:
    wrong = [f"cell {i} says {match[0]!r}: a lesson ships finished." for i, text in lesson.prose()
             if (match := UNFINISHED.search(text))]
    return wrong + [f"cell {i} has an exclamation mark." for i, text in lesson.prose()
                    if re.search(r"!(?![\[=])", HTML_TAG.sub(" ", text.replace("![", "[")))]


def small(lesson: Lesson) -> list[str]:
    size = lesson.path.stat().st_size
    return [] if size <= MAX_BYTES else [f"it is {size / 1000:.0f} KB; at most {MAX_BYTES // 1000} KB are stored."]


def named(lesson: Lesson) -> list[str]:
    folder, name = lesson.path.parent.name, lesson.path.name
    fits = re.fullmatch(r"\d-[a-z0-9-]+", folder) and re.fullmatch(r"\d\d-[a-z0-9-]+\.ipynb", name)
    return [] if fits else [f"{folder}/{name} is no address like 2-attention/05-scaled-dot-product.ipynb."]


RULES: tuple[Callable[[Lesson], list[str]], ...] = (
    plain_markdown, short_cells, refreshed, clean_metadata, no_leaks, views_have_a_page_form, same_setup, first_screen,
    no_wall_clock, ignored_cells_assert, anatomy, honest_time, exercises, finished_prose, small, named,
)
