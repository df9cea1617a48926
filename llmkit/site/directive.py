"""```{llmkit-widget} microscope``` puts a live widget on a page that has no code cells."""

from docutils import nodes
from docutils.parsers.rst import Directive

from llmkit.site import figures
from llmkit.widgets import bundle


class WidgetDirective(Directive):
    """Makes the widget with its default state while the site is built, and shows it as a lesson would."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """The figure, or a build error that names the widgets there are."""
        name = self.arguments[0]
        widget = figures.widget_class(name)
        if widget is None:
            raise self.error(f"There is no widget called {name!r}. There are: {', '.join(bundle.names())}.")
        return [nodes.raw("", figures.widget_figure(widget().page_bundle()), format="html")]


def setup(app) -> None:
    """Register the directive."""
    app.add_directive("llmkit-widget", WidgetDirective)
