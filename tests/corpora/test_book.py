"""The book's own prose: Markdown and notebooks by section, read as a reader reads them."""

import json

import pytest

from llmkit.corpora import Report, book

PAGE = """---
title: front matter
---
(label)=
# A *first* page

Text with `code_name`, a [link](x.md#y), {cite:t}`who2017`, {term}`heads <head>`, <kbd>Tab</kbd>, $a_i * b_i$,
snake_case, __bold__ and 2 \\* 3 &amp; more. ![a picture](x.png)

```python
left = "out"
```

:::{note} Mind
:class: small
Notes are *read*.
:::

```{figure} x.png
A caption
```

## Second, *with* `code`?

> quoted
1. item one
   goes on
2. item two

| a | b |
|---|---|

$$
e = mc^2
$$ (einstein)

```{glossary}
head
    One attention
    of several.

token
    A piece of text.
```
<!-- not
seen -->
"""


def checkout(root, **pages):
    (root / "_toc.yml").write_text("format: jb-book\nroot: book/first\nparts:\n  - caption: A\n    chapters:\n      - file: lessons/two\n")
    for name, content in pages.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": kind, "source": source.splitlines(keepends=True)} for kind, source in cells]})


def test_a_page_is_cut_at_its_headings_and_read_as_text(tmp_path):
    report = Report()
    found = list(book(checkout(tmp_path, book__first_dot_md=PAGE, book__unlisted_dot_md="# Not in the contents\n\nx"), report))
    assert [(section.title, section.source) for section in found] == [
        ("A first page", "book/first.md#a-first-page"), ("Second, with code?", "book/first.md#second-with-code"),
    ]
    assert found[0].text.split("\n\n") == [
        "Text with code_name, a link, , heads, Tab, $a_i * b_i$, snake_case, bold and 2 * 3 & more.", "Mind", "Notes are read.",
    ]
    assert found[1].text.split("\n\n") == [
        "quoted", "1. item one goes on", "2. item two", "head: One attention of several.", "token: A piece of text.",
    ]
    assert dict(report.dropped) == {"label": 1, "code": 1, "directive": 1, "table": 2, "formula": 1}
    assert report.read == report.kept + sum(report.dropped.values())


def test_a_lesson_gives_its_text_cells_only(tmp_path):
    lesson = notebook(("markdown", "# Two\n\nBefore"), ("code", "x = 5"), ("markdown", "after.\n\n## Three"), ("markdown", "end"))
    found = list(book(checkout(tmp_path, lessons__two_dot_ipynb=lesson)))
    assert [(section.title, section.text) for section in found] == [("Two", "Before\n\nafter."), ("Three", "end")]


def test_the_book_itself_is_read_without_marks():
    found = list(book())
    assert len(found) > 20 and len({section.source for section in found}) == len(found)
    assert {"Scaled dot-product attention", "Glossary", "Masks"} <= {section.title for section in found}
    for section in found:
        for mark in ("```", "](", "{cite", "{term", "<kbd>", "**", "$$", "| "):
            assert mark not in section.text.replace("$|", ""), (section.source, mark)


def test_without_a_checkout_a_sentence_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no _toc\.yml.*Run from a checkout, or name one"):
        book(tmp_path)
