"""The line under a lesson's title: only links that lead somewhere."""

import pytest

from llmkit.site import pages

NOTEBOOK = "lessons/2-attention/05-a.ipynb"


def context(url: str = "") -> dict:
    return {"pathto": lambda target, resource: f"../../{target}", "theme_repository_url": url, "theme_repository_branch": "main"}


def test_download_and_jupyterlab_are_always_offered():
    line = pages.lesson_line("lessons/2-attention/05-a", context())
    assert f'href="../../_sources/{NOTEBOOK}"' in line and "download=" in line
    assert f"jupyter lab {NOTEBOOK}" in line


@pytest.mark.parametrize("url", ["https://github.com/someone/book", "https://github.com/someone/book.git"])
def test_colab_is_offered_when_the_repository_has_an_address(url):
    address = f"https://colab.research.google.com/github/someone/book/blob/main/{NOTEBOOK}"
    assert f'href="{address}"' in pages.lesson_line("lessons/2-attention/05-a", context(url))


@pytest.mark.parametrize("url", ["", "https://example.org/book", 'https://github.com/a/b"><script>'])
def test_no_link_to_colab_without_a_repository_that_colab_can_open(url):
    assert "colab" not in pages.lesson_line("lessons/2-attention/05-a", context(url))
