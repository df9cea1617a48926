"""What every widget of the book shares: one ES module, and a page that lives without a kernel.

A widget's output carries three things: the view for a notebook with a kernel; the state, from which the
published page brings the same module to life with no kernel; and a still picture for readers without either.
"""

import base64
import math
from typing import Any, ClassVar

import anywidget
import ipywidgets
import traitlets

from llmkit.device import pick_device
from llmkit.widgets import bundle

PAGE_MIME = "application/vnd.llmkit.widget+json"


class LiveWidget(anywidget.AnyWidget):
    """A view over the lower floors; subclasses set `name` and draw `picture()`.

    `kernel` is True wherever Python answers and False on the published page.
    `schema` goes up when the meaning of a stored state changes.
    """

    name: ClassVar[str]
    schema: ClassVar[int] = 1
    height: ClassVar[int] = 420  # px, kept free on the page until the widget is live, so that the text below stays where it is
    height_on_a_phone: ClassVar[int] = 0  # the same where the page is narrow and the parts stand one below the other

    _ipython_display_ = None  # ipywidgets 7, as on Colab, would display past the bundle below

    kernel = traitlets.Bool(True, read_only=True).tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "name" in vars(cls):  # not the classes that ipywidgets makes when it adds traits to an instance
            cls._esm = bundle.module(cls.name)
            cls._css = bundle.style(cls.name)
        super().__init_subclass__(**kwargs)

    @classmethod
    def heights(cls, state: dict[str, Any]) -> tuple[int, int]:
        """What to keep free for a widget with this stored state, where the page is wide and on a phone, in px."""
        return cls.height, max(cls.height, cls.height_on_a_phone)

    def label(self) -> str:
        """One line that says what the widget shows, for readers who cannot see it."""
        raise NotImplementedError

    def picture(self) -> str:
        """The widget's first picture as SVG text: shown where nothing runs."""
        raise NotImplementedError

    def state_for_page(self) -> dict[str, Any]:
        """The values of the synced traits, as JSON; bytes become `{"base64": text}`."""
        inherited = set(ipywidgets.DOMWidget.class_trait_names()) | set(anywidget.AnyWidget.class_trait_names())
        names = [name for name in self.trait_names(sync=True) if name not in inherited and not name.startswith("_")]
        state = {name: as_json(getattr(self, name)) for name in sorted(names)}
        return {**state, "kernel": False}

    def page_bundle(self) -> dict[str, Any]:
        """What the published page needs to show this widget."""
        return {
            "name": self.name,
            "schema": self.schema,
            "label": self.label(),
            "height": self.height,
            "picture": self.picture(),
            "state": self.state_for_page(),
        }

    def __repr__(self) -> str:
        return self.label()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        shown = super()._repr_mimebundle_(**kwargs)
        data, metadata = shown if isinstance(shown, tuple) else (shown or {}, {})
        page = self.page_bundle()
        data = {**data, "text/plain": repr(self), "image/svg+xml": page["picture"], PAGE_MIME: page}
        return data, metadata


def device_here(name: str) -> str:
    """The device that `name` means on this machine, for a trait's validator: a wrong name leaves the trait as it was."""
    try:
        return str(pick_device(name))
    except ValueError as problem:
        raise traitlets.TraitError(str(problem)) from None


def between(proposal: Any, low: float, high: float) -> Any:
    """The proposed value when it lies from `low` to `high`, for a trait's validator: a wrong one leaves the trait as it was."""
    if not (math.isfinite(proposal.value) and low <= proposal.value <= high):
        raise traitlets.TraitError(f"{proposal.trait.name} must be from {low:,} to {high:,}; got {proposal.value}.")
    return proposal.value


def as_json(value: Any) -> Any:
    """`value` with every `bytes` inside it written as base64.

    >>> as_json({"packed": b"ab", "layers": (1, 2)})
    {'packed': {'base64': 'YWI='}, 'layers': [1, 2]}
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return value
