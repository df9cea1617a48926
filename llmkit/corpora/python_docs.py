"""The Python documentation that every Python carries, as prose: sections with titles, without code, grammar and tables."""

import re
from collections.abc import Iterator
from textwrap import shorten
from typing import NamedTuple

from llmkit.corpora.document import Document
from llmkit.corpora.report import Report

UNDERLINE = re.compile(r"([*=\-~^\"])\1{2,}$")
SIGNATURE = re.compile(r"(class |async |await )?[\w.]+(\(.*\)|\[.*\])?( -> .*)?$", re.DOTALL)
CODE = re.compile(
    r"^(>>>|\.\.\. |#|@\w|(def|class|for|while|if|with|try|except|async|return|import|from|match|case|print)\b.*[:)]$)"
    r"|::=|^[\w.\[\], ]+ [-+*/|&]?= ", re.MULTILINE)
VERSION = re.compile(r"(Changed|New|Added|Deprecated|Removed)( in|,| since) (version|Python)?")
REFERENCE = re.compile(r"\*\*PEP \d+\*\* (-|[A-Z])|(See also|Note|Warning|Example|Examples|Footnotes):?$")
BULLET = re.compile(r"([*•+-]|\[?\d+[.\])]) +")


class Block(NamedTuple):
    """Lines between two blank ones."""

    indent: int
    lines: list[str]

    @property
    def text(self) -> str:
        """As one line; a word that was cut at the end of a line is whole again."""
        return re.sub(r"(?<=[a-z])- (?=[a-z])", "-", " ".join(line.strip() for line in self.lines))


def blocks(topic: str) -> Iterator[Block]:
    """The blocks of a topic, in order.

    >>> [block.text for block in blocks("One\\ntwo.\\n\\n   Three")]
    ['One two.', 'Three']
    """
    for chunk in re.split(r"\n[ \t]*\n", topic.strip("\n")):
        lines = [line.rstrip() for line in chunk.split("\n") if line.strip()]
        if lines:
            yield Block(min(map(indent_of, lines)), lines)


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def kind(block: Block, after_colon: bool = False) -> str:
    """What a block is: title, signature, prose, or what is left out: code, lead-in (to code), table, reference, version note."""
    lines, text = [line.strip() for line in block.lines], block.text
    if len(lines) == 2 and UNDERLINE.match(lines[1]):
        return "title"
    if lines[0].startswith(("+-", "+=", "| ")) or UNDERLINE.match(lines[0].split()[0]):
        return "table"
    if VERSION.match(text):
        return "version note"
    if REFERENCE.match(text):
        return "reference"
    if SIGNATURE.match(text) and not text.endswith(".") and (len(lines) == 1 or "(" in lines[0]):
        return "code" if after_colon and block.indent else "signature"
    if CODE.search("\n".join(lines)) and not BULLET.match(text):
        return "code"
    if text.endswith(":") and len(text.split()) <= 6 and not BULLET.match(text):
        return "lead-in"
    return "prose" if reads_as_sentences(text) else "code"


def reads_as_sentences(text: str) -> bool:
    """Plain words, mostly letters and spaces, and the start and end of a sentence or a list item.

    >>> reads_as_sentences("Return a copy of the list."), reads_as_sentences("x = [1, 2]; del x[0]")
    (True, False)
    """
    words = re.findall(r"(?<![\w.])[A-Za-z][a-z’']+(?![\w(.\[]|\.\w)|(?<= )[a-z]+\.(?= |$)", text)
    letters = sum(char.isalpha() or char == " " for char in text) / len(text)
    whole = (text[0].isupper() or BULLET.match(text)) and text[-1] in ".:;!?)”"
    return (len(words) >= 4 and letters > 0.75) or (bool(whole) and len(words) >= 2 and letters > 0.5)


def prose(block: Block) -> str:
    """A block as one paragraph without asterisks; the first line of a definition gets a colon."""
    first, rest = block.lines[0], block.lines[1:]
    is_term = rest and all(line[: len(first)].startswith(" " * (indent_of(first) + 1)) for line in rest)
    if is_term and not BULLET.match(first.strip()) and first[-1] not in ".,:;":
        block = Block(block.indent, [f"{first}:", *rest])
    plain = re.sub(r"(?<![\w*\"])\*{1,2}(?=\S)([^*]+?)(?<=\S)\*{1,2}(?!\w)", r"\1", block.text)
    return re.sub("  +", " ", plain)


def sections(topic: str, text: str, report: Report) -> Iterator[Document]:
    """The sections of one topic: a title or a signature, and the prose under it."""
    title, signature, under, paragraphs = topic, "", 0, []
    previous = ""
    for block in blocks(text):
        what = kind(block, previous.endswith(":"))
        previous = block.text
        report.read += 1
        new_title = what in ("title", "signature")
        if new_title or (signature and what == "prose" and block.indent <= under):
            if paragraphs:
                yield Document("\n\n".join(paragraphs), f"pydoc:{topic}", signature or title)
            paragraphs, signature = [], ""
        if what == "title":
            title = block.lines[0].replace('"', "")
        elif what == "signature":
            signature, under = shorten(block.text, 100, placeholder=" …"), block.indent
        elif what == "prose":
            paragraphs.append(prose(block))
        if what in ("title", "signature", "prose"):
            report.kept += 1
        else:
            report.drop(what, block.text)
    if paragraphs:
        yield Document("\n\n".join(paragraphs), f"pydoc:{topic}", signature or title)


def python_docs(report: Report | None = None) -> Iterator[Document]:
    """The language reference that ships inside every Python, section by section, without code, grammar and tables.

    About 465 KB of text, of which about 340 KB are prose; topics share sections, so deduplicate (`Cleaner`).
    `report` counts the blocks that were read, kept and dropped.

    >>> next(python_docs()).title
    'The assert statement'
    """
    from pydoc_data.topics import topics

    report = Report() if report is None else report
    for topic, text in topics.items():
        yield from sections(topic, text, report)
