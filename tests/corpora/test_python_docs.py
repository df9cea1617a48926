"""The Python documentation as prose: what is left out, and what must not be."""

import re

import pytest

from llmkit.corpora import Report, python_docs
from llmkit.corpora.python_docs import Block, blocks, kind, prose, sections

TOPIC = '''
The "with" statement
********************

A *context manager* wraps a block.  It is entered first (see
section With):

   with EXPRESSION as TARGET:
       SUITE

Changed in version 3.1: Support for multiple context expressions.

manager.__exit__(self, kind,
value, trace)

   Called when the block ends; see **PEP 343**.

   Terms
      A term stands over what it means.

Back at the margin, the text goes on about "*args".

+---+---+
| a | b |
+---+---+
'''


def test_a_topic_becomes_sections_under_titles_and_signatures():
    report = Report()
    found = [(section.title, section.text) for section in sections("with", TOPIC, report)]
    assert found == [
        ("The with statement", "A context manager wraps a block. It is entered first (see section With):"),
        ("manager.__exit__(self, kind, value, trace)",
         "Called when the block ends; see PEP 343.\n\nTerms: A term stands over what it means."),
        ("The with statement", 'Back at the margin, the text goes on about "*args".'),
    ]
    assert dict(report.dropped) == {"code": 1, "version note": 1, "table": 1}
    assert report.read == 9 == report.kept + 3


@pytest.mark.parametrize(("text", "expected"), [
    ('* If the target is a name:\n\n', "prose"), ("str.count(sub[, start[, end]])", "signature"), ("definition.__name__", "signature"),
    ("with_item ::= expression", "code"), (">>> {1, 2} | {3}", "code"), ("x, y = y, x", "code"), ("for x in range(10):", "code"),
    ("For example, the list can be empty.", "prose"), ("Return the number of items.", "prose"), ("See also:", "reference"),
    ("**PEP 343** - The with statement", "reference"), ("New in version 3.10.", "version note"), ("For example:", "lead-in"),
    ("Numbers\n*******", "title"), ("if the value is less than the other, the first wins.", "prose"),
])
def test_each_kind_of_block_is_told_apart(text, expected):
    assert [kind(block) for block in blocks(text)] == [expected]


def test_the_documentation_of_this_python_is_mostly_kept_and_holds_no_code():
    report = Report()
    found = list(python_docs(report))
    text = "\n".join(section.text for section in found)
    assert len(found) > 250 and len(text) > 200_000
    assert report.read == report.kept + sum(report.dropped.values())
    assert {"code", "version note", "table"} <= report.dropped.keys()
    assert not re.search(r"^(>>>|\.\.\. |\+--|def \w+\()|::=|\*\*\*", text, re.MULTILINE)
    assert all(section.title and section.source.startswith("pydoc:") for section in found)
    assert "The \"global\" statement is a declaration which holds for the entire current code block." in text  # lines joined


def test_a_word_cut_at_the_end_of_a_line_is_whole_again():
    assert prose(Block(0, ["one decimal-", "point character"])) == "one decimal-point character"
    assert prose(Block(0, ["*self* and *other*, 2 * 3 * 4"])) == "self and other, 2 * 3 * 4"
