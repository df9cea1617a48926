"""What several widgets are tested with."""

import pytest
import tiny_model
from bare_page import BareSite

from llmkit.widgets import NextToken, bundle


@pytest.fixture(scope="module")
def page(browser, serve):
    """An empty page beside the widgets' sources: what it evaluates can import them."""
    page = browser.new_page()
    page.goto(serve(bundle.SOURCES))
    yield page
    page.close()


@pytest.fixture(scope="session")
def site_of_tests(serve, tmp_path_factory) -> BareSite:
    return BareSite(serve, tmp_path_factory.mktemp("bare"))


@pytest.fixture
def bare_site(site_of_tests, request) -> BareSite:
    """Where a test's page stands: `visits(browser, bare_site, Widget)`."""
    site_of_tests.is_timed = request.node.get_closest_marker("timed") is not None
    return site_of_tests


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A random model of the real size takes the place of the book's own."""
    folder = tmp_path_factory.mktemp("models") / "tales-gpt-mini"
    tiny_model.save(folder, 256, 2.0, 1536, is_whole=True, **tiny_model.REAL)
    with tiny_model.as_the_books_own(folder):
        yield NextToken()
