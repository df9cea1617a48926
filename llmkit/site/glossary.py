"""The glossary's Chinese terms, shown beside the English ones.

A definition ends with `In Chinese: 注意力.` That sentence moves to the term, marked as Chinese, so that a browser picks
the right characters and a screen reader the right voice. A term without one is a build warning with its place.
"""

import re

from docutils import nodes
from sphinx.addnodes import glossary
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

SENTENCE = re.compile(r"\s*In Chinese: ([^.]+)\.\s*$")


class ChineseTerms(SphinxTransform):
    """After the page is read: each glossary item gets its second name."""

    default_priority = 600

    def apply(self, **options) -> None:
        for page in self.document.findall(glossary):
            for item in page.findall(nodes.definition_list_item):
                term = next(item.findall(nodes.term))
                last = list(item.findall(nodes.Text))[-1]
                if (found := SENTENCE.search(last)) is None:
                    logger.warning("the glossary's %r has no Chinese term: end it with `In Chinese: ...`.", term.astext(), location=term)
                    continue
                last.parent.replace(last, nodes.Text(last[: found.start()]))
                term.append(nodes.raw("", f' <span class="in-chinese" lang="zh-Hans">{found[1]}</span>', format="html"))


def setup(app) -> None:
    """Add the transform."""
    app.add_transform(ChineseTerms)
