"""MyST-NB asks here how to show the book's own kinds of output (entry point `myst_nb.mime_renderers`)."""

from typing import ClassVar

from docutils import nodes

from llmkit.site import figures

WIDGET_MIME = "application/vnd.llmkit.widget+json"
PLOTLY_MIME = "application/vnd.plotly.v1+json"


class PageRenderer:
    """Turns a stored widget or Plotly figure into HTML that lives without a kernel."""

    # lower comes first: before the ipywidgets view, which needs a manager of 3.6 MB and a kernel
    mime_priority_overrides: ClassVar = [("*", WIDGET_MIME, 1), ("*", PLOTLY_MIME, 2)]

    @staticmethod
    def handle_mime(renderer, data, inline: bool) -> list[nodes.Element] | None:
        """The nodes for one output, or None when the kind is not ours."""
        if data.mime_type == WIDGET_MIME:
            return [nodes.raw("", figures.widget_figure(data.content), format="html")]
        if data.mime_type == PLOTLY_MIME:
            return [nodes.raw("", figures.plot_figure(data.content), format="html")]
        return None
