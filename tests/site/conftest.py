"""What tests of the site's parts share."""

import io

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace


@pytest.fixture
def build(tmp_path):
    """build(text) -> (page, warnings): one MyST page through our extension."""

    def run(text: str) -> tuple[str, str]:
        source, out = tmp_path / "source", tmp_path / "out"
        source.mkdir()
        (source / "index.md").write_text(text, "utf-8")
        warnings = io.StringIO()
        settings = {
            "extensions": ["myst_parser", "llmkit.site"],
            "html_theme": "llmkit",
            "html_math_renderer": "llmkit-katex",
            "myst_enable_extensions": ["dollarmath", "amsmath"],
        }
        with docutils_namespace():
            Sphinx(str(source), None, str(out), str(tmp_path / "trees"), "html", settings, None, warnings).build()
        return (out / "index.html").read_text("utf-8"), warnings.getvalue()

    return run
