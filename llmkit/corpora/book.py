"""This book's own prose, section by section: its Markdown pages and the text cells of its lessons."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

from llmkit.corpora.document import Document
from llmkit.corpora.report import Report

PROSE_DIRECTIVES = ("admonition", "note", "tip", "hint", "warning", "important", "caution", "seealso", "glossary", "dropdown", "margin")
FENCE = re.compile(r"(`{3,}|~{3,}|:{3,})\s*(?:\{([\w-]+)\}(.*))?")
HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
ITEM = re.compile(r"([-*+]|\d+[.)])\s+")
SPANS = re.compile(r"((?:\{[\w:-]+\})?`+[^`]+`+|\$[^$]+\$)")  # roles, code and formulas, where * and _ are no emphasis


def book(root: str | Path | None = None, report: Report | None = None) -> Iterator[Document]:
    """The sections of the book in reading order, without code, formulas of their own line and tables.

    `root` is a checkout of the book's repository; by default the one that llmkit was imported from. `report` counts
    the blocks that were read, kept and dropped. The source of a section is its address, such as
    "book/how-to-use.md#with-a-gpu".
    """
    root = Path(__file__).resolve().parents[2] if root is None else Path(root)
    contents = root / "_toc.yml"
    if not contents.is_file():
        raise FileNotFoundError(
            f"The book's prose is in a checkout of its repository, and {root} is none: it has no _toc.yml. "
            f"Run from a checkout, or name one: book(root=...)."
        )
    pages = re.findall(r"^\s*(?:- )?(?:root|file):\s*(\S+)", contents.read_text(encoding="utf-8"), re.MULTILINE)
    return _sections(root, pages, Report() if report is None else report)


def _sections(root: Path, pages: list[str], report: Report) -> Iterator[Document]:
    for page in pages:
        for name in (page, f"{page}.md", f"{page}.ipynb"):
            if (root / name).is_file():
                yield from markdown_sections(markdown_of(root / name), name, report)
                break


def markdown_of(path: Path) -> str:
    """The Markdown of a page: the file itself, or the text cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def markdown_sections(markdown: str, name: str, report: Report) -> Iterator[Document]:
    """Cut Markdown at its headings; each section is its paragraphs, as plain text."""
    title, address, paragraphs = "", name, []
    for kind, text in blocks(markdown):
        report.read += 1
        if kind == "heading":
            if paragraphs:
                yield Document("\n\n".join(paragraphs), address, title)
            title, paragraphs = plain(text), []
            anchor = re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")
            address = f"{name}#{anchor}"
        elif kind == "prose" and (text := plain(text)):
            paragraphs.append(text)
        elif kind == "prose":
            kind = "nothing but marks"
        if kind in ("heading", "prose"):
            report.kept += 1
        else:
            report.drop(kind, text)
    if paragraphs:
        yield Document("\n\n".join(paragraphs), address, title)


def blocks(markdown: str) -> Iterator[tuple[str, str]]:
    """The blocks of a page and what each is: heading, prose, code, directive, formula, table or label.

    >>> list(blocks("# One\\n\\ntwo\\nthree\\n- four\\n```python\\nx = 5\\n```"))
    [('heading', 'One'), ('prose', 'two three'), ('prose', '- four'), ('code', 'x = 5')]
    """
    held: list[str] = []
    lines = iter([*re.sub(r"\A---\n.*?\n---\n|<!--.*?-->", "", markdown, flags=re.DOTALL).split("\n"), ""])
    for line in map(str.strip, lines):
        fence, heading = FENCE.match(line), HEADING.match(line)
        kind = ("table" if line.startswith("|") else "label" if re.match(r"\([\w-]+\)=$", line) else "")
        if held and (not line or fence or heading or kind or ITEM.match(line) or line.startswith("$$")):
            yield "prose", " ".join(held)
            held = []
        if heading:
            yield "heading", heading[2]
        elif fence and (fence[2] or fence[1][0] != ":"):
            yield from _fenced(lines, fence[1], fence[2], (fence[3] or "").strip())
        elif line.startswith("$$"):
            yield "formula", line if line.count("$$") > 1 else " ".join([line, *_until(lines, "$$")])
        elif kind:
            yield kind, line
        elif line and not fence:
            held.append(line)


def _fenced(lines: Iterator[str], fence: str, directive: str | None, argument: str) -> Iterator[tuple[str, str]]:
    """What stands between two fences: the content of a note is prose, every other directive is left out."""
    inside = _until(lines, fence)
    if directive == "glossary":  # a term, and under it, further in, what it means
        inside = re.sub(r"^(\S.*)\n(?=[ \t]+\S)", r"\1: ", "\n".join(inside), flags=re.MULTILINE).split("\n")
    if directive not in PROSE_DIRECTIVES:
        yield ("directive" if directive else "code"), " ".join(" ".join([argument, *inside]).split())
        return
    if argument:
        yield "prose", argument
    yield from blocks("\n".join(line for line in inside if not re.match(r":[\w-]+:", line)))


def _until(lines: Iterator[str], end: str) -> list[str]:
    """The lines up to the one that holds `end`, which is taken too."""
    inside = []
    for line in lines:
        if line.strip().startswith(end) or (end == "$$" and end in line):
            break
        inside.append(line.rstrip())
    return inside


def plain(text: str) -> str:
    """Inline Markdown as it is read: links are their text, code has no ticks; formulas stay as they are.

    >>> plain("See **[the lesson](x.ipynb)**, `a_b`, $x_i$ and {term}`head <Head>`.")
    'See the lesson, a_b, $x_i$ and head.'
    """
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    parts = SPANS.split(re.sub(r"^(>\s*)+", "", text))
    parts[::2] = [_without_marks(part) for part in parts[::2]]
    parts[1::2] = [_span(part) for part in parts[1::2]]
    return " ".join("".join(parts).split())


def _without_marks(text: str) -> str:
    """No tags, no emphasis, no backslash before a sign, and no &amp;."""
    text = re.sub(r"</?\w[^>]*>", "", text)
    text = re.sub(r"(?<![\w\\])[*_]{1,3}(?=\S)|(?<=[^\s\\])[*_]{1,3}(?!\w)", "", text)
    return html.unescape(re.sub(r"\\([^\w\s])", r"\1", text))


def _span(span: str) -> str:
    """A formula stays, code loses its ticks, a role leaves its text; a citation leaves nothing."""
    if span.startswith("$"):
        return span
    role, _, inside = span.partition("`")
    inside = inside.strip("`")
    if role.startswith("{cite"):
        return ""
    return re.sub(r"\s*<[^>]*>$", "", inside) if role else inside
