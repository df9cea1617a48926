"""```{llmkit-lessons}``` lists every lesson of _toc.yml by chapter, with its promise, minutes to read and seconds to run.

Nothing in the list is written twice: title, promise and minutes are the notebook's first cell, the seconds are what
its last refresh took.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList


class Facts(NamedTuple):
    """What a lesson's first cell and its last run say."""

    title: str
    promise: str
    minutes: int
    seconds: int | None  # of one processor; None before the first refresh

    def line(self) -> str:
        """Minutes to read and seconds to run, in a few words."""
        return f"{self.minutes} minutes to read" + (f", {self.seconds} s to run" if self.seconds else "")


def facts(path: Path) -> Facts:
    """Read a lesson's facts; ValueError names the lesson whose first cell does not have them."""
    notebook = nbformat.read(path, as_version=4)
    found = re.match(r"# (.+)\n\n(.+)\n\n.*?(\d+) minutes to read", notebook.cells[0].source)
    if found is None:
        raise ValueError(f"The first cell of {path.name} is not title, promise and facts, one paragraph each.")
    return Facts(found[1], found[2], int(found[3]), notebook.metadata.get("llmkit", {}).get("seconds"))


def chapters(root: Path) -> dict[str, list[Path]]:
    """{chapter: its lessons}, in the order of _toc.yml."""
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    files = {part["caption"]: [entry["file"] for entry in part["chapters"]] for part in parts}
    listed = {chapter: [root / f"{name}.ipynb" for name in names if name.startswith("lessons/")] for chapter, names in files.items()}
    return {chapter: paths for chapter, paths in listed.items() if paths}


def as_markdown(root: Path, here: Path) -> str:
    """The list as Markdown, with addresses as seen from the folder `here`."""
    text = []
    for chapter, paths in chapters(root).items():
        text.append(f"**{chapter}**\n")
        for path in paths:
            lesson, address = facts(path), os.path.relpath(path, here).replace(os.sep, "/")
            text += [f"- [{lesson.title}]({address}). {lesson.promise}\\", f"  *Lesson {path.name[:2]} · {lesson.line()}*"]
        text.append("")
    return "\n".join(text)


class LessonsDirective(Directive):
    """The list of lessons, where it stands."""

    def run(self) -> list[nodes.Node]:
        """A block of class `lessons`."""
        env = self.state.document.settings.env
        root, page = Path(env.srcdir), Path(env.doc2path(env.docname))
        for path in (path for paths in chapters(root).values() for path in paths):
            env.note_dependency(str(path))
        block = nodes.container(classes=["lessons"])
        self.state.nested_parse(StringList(as_markdown(root, page.parent).splitlines(), str(page)), self.content_offset, block)
        return [block]


def setup(app) -> None:
    """Register the directive."""
    app.add_directive("llmkit-lessons", LessonsDirective)
