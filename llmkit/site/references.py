"""How the bibliography reads: authors, the title as a link to the paper, where and when."""

from pybtex.plugin import register_plugin
from pybtex.style.formatting import toplevel
from pybtex.style.formatting.unsrt import Style
from pybtex.style.template import field, first_of, href, join, optional, sentence, tag


class PaperStyle(Style):
    """One plain line per paper, sorted by author; titles keep the capitals that their authors gave them."""

    default_sorting_style = "author_year_title"

    def get_inproceedings_template(self, entry):
        """A paper at a conference."""
        return self._paper(sentence[tag("em")[field("booktitle")], field("year")])

    def get_article_template(self, entry):
        """A paper in a journal."""
        number = optional[field("volume"), optional["(", field("number"), ")"]]
        return self._paper(sentence[join(sep=" ")[tag("em")[field("journal")], number], field("year")])

    def _paper(self, place):
        address = first_of[optional[field("url", raw=True)], join["https://doi.org/", field("doi", raw=True)]]
        return toplevel[self.format_names("author"), sentence[href[address, field("title")]], place]


def setup(app) -> None:
    """Make the style known under the name `llmkit`."""
    register_plugin("pybtex.style.formatting", "llmkit", PaperStyle)
