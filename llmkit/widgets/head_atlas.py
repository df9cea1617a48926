"""The head atlas: every attention head of a model as a small picture, and one of them in full."""

import copy
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import torch
import traitlets

from llmkit import models
from llmkit.device import device_name, devices, pick_device
from llmkit.trace import ModelTrace, trace
from llmkit.widgets.base import LiveWidget, as_json, device_here
from llmkit.widgets.packing import heads_png, pack, shrink, statistics
from llmkit.widgets.pictures import svg, text

ALL_AT_ONCE = 128  # tokens: up to here every head travels with the sentence, beyond one layer at a time
THUMB = 32  # cells: side of a small picture when the weights themselves are not sent
MOST_STORED = 280_000  # bytes of weights in a notebook, 370 kB as base64
SORTS = ("model", "entropy", "distance", "first", "last")

SENTENCES = (
    "The cat sat on the mat because it was tired.",
    "The trophy does not fit in the suitcase because it is too big.",
    "The trophy does not fit in the suitcase because it is too small.",
    "The keys to the old cabinet in the hall are on the table.",
    "My aunt sold apples, pears, plums and cherries at the market.",
    "天上有明月,水中也有明月。",
    "Party tonight 🎉 bring cake 🎂",
    "مرحبا بالعالم",
)


class HeadAtlas(LiveWidget):
    """All attention heads of a `transformers` model over one text; MiniLM when none is given.

    `text` is what to look at; setting it computes. `layer` and `head` (counted from 0) are the picked head, `sort`
    is one of "model", "entropy", "distance", "first", "last"; `view` is "lines" or "heatmap". `device` is where it
    computes. What went wrong stands in `error`, as a sentence, and the last good picture stays.
    `sentences` are offered as examples, and stored for the page that has no kernel.

    >>> HeadAtlas().trace.attention.shape
    torch.Size([6, 12, 13, 13])

    Used in lesson 05.
    """

    name = "head_atlas"
    height, height_on_a_phone = 611, 909

    text = traitlets.Unicode().tag(sync=True, echo_update=False)
    layer = traitlets.Int(0, min=0).tag(sync=True)
    head = traitlets.Int(0, min=0).tag(sync=True)
    sort = traitlets.Enum(SORTS, "model").tag(sync=True)
    view = traitlets.Enum(("lines", "heatmap"), "lines").tag(sync=True)
    device = traitlets.Unicode().tag(sync=True)
    devices = traitlets.List(read_only=True).tag(sync=True)  # [id, name] of each device here
    sentences = traitlets.List(traitlets.Unicode(), SENTENCES, minlen=1).tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True, echo_update=False)  # the reader's questions are numbered ...
    done = traitlets.Int(0, read_only=True).tag(sync=True)  # ... and this one has been answered, or refused
    answer = traitlets.Dict(read_only=True).tag(sync=True)  # what `describe` says
    packed = traitlets.Bytes(read_only=True).tag(sync=True)  # weights as bytes, see `pack`
    thumbs = traitlets.Bytes(read_only=True).tag(sync=True)  # (L, H, THUMB, THUMB) when not all weights are sent
    error = traitlets.Unicode("", read_only=True).tag(sync=True)

    _is_ready = False  # the constructor is still setting traits
    _serial = 0  # of the text that is shown: its layers belong together

    def __init__(
        self,
        model: Any = None,
        tokenizer: Any = None,
        text: str | None = None,
        *,
        sentences: Sequence[str] = SENTENCES,
        device: str | torch.device | None = None,
        **traits: Any,
    ) -> None:
        if (model is None) != (tokenizer is None):
            raise ValueError("A head atlas needs a model and the tokenizer it was trained with: HeadAtlas(model, tokenizer, text).")
        self.trace: ModelTrace | None = None
        self._copies: dict[str, Any] = {}  # the model, by device
        self._tokenizer, problem = tokenizer, ""
        if model is None:
            model, self._tokenizer, problem = _minilm()
            traits = {"layer": 5, "head": 11} | traits
        self._called = "" if model is None else _name_of(model)
        if model is not None:
            self._copies[_place_of(model)] = model
            device = device or (_place_of(model) if tokenizer is not None else None)
        where = str(pick_device(device))
        super().__init__(sentences=list(sentences), text=sentences[0] if text is None else text, device=where, **traits)
        self.set_trait("devices", [[str(one), device_name(one)] for one in devices()])
        self.set_trait("error", problem)
        self._is_ready = True
        self._look()

    # ---- from a text to what is sent ------------------------------------------------------------------------------

    @traitlets.observe("text", "device")
    def _look(self, change: Any = None) -> None:
        """Trace the text and send it, or say why that cannot be."""
        if not self._is_ready or not self._copies:
            return
        with self.hold_sync():
            try:
                self.trace = trace(self._model_on(self.device), self._tokenizer, self.text)
            except ValueError as problem:
                self.set_trait("error", str(problem))
            except (RuntimeError, IndexError) as problem:
                reason = str(problem).partition("\n")[0]
                self.set_trait("error", f"{self._called} could not compute this text on {self.device}: {reason}")
            else:
                self.set_trait("error", "")
                self._serial += 1
                self._fit_picked()
                self._hand_over()
            self.set_trait("done", self.asked)

    @traitlets.observe("layer")
    def _look_at_layer(self, change: Any) -> None:
        if self.trace is not None and self.answer.get("layer", -1) >= 0:
            with self.hold_sync():
                self._hand_over()

    @traitlets.validate("layer", "head")
    def _is_in_the_model(self, proposal: Any) -> int:
        if self.trace is not None:
            count = self.trace.num_layers if proposal.trait.name == "layer" else self.trace.num_heads
            if proposal.value >= count:
                raise traitlets.TraitError(
                    f"The model's {proposal.trait.name}s are counted from 0 to {count - 1}; got {proposal.value}."
                )
        return proposal.value

    @traitlets.validate("device")
    def _is_here(self, proposal: Any) -> str:
        return device_here(proposal.value)

    def _fit_picked(self) -> None:
        """The first model has said how many layers and heads there are: come back inside."""
        layer, head = min(self.layer, self.trace.num_layers - 1), min(self.head, self.trace.num_heads - 1)
        self.layer, self.head = layer, head

    def _hand_over(self) -> None:
        every = len(self.trace.tokens) <= ALL_AT_ONCE
        weights = self.trace.attention if every else self.trace.attention[self.layer : self.layer + 1]
        self.set_trait("packed", pack(weights, self.trace.is_causal))
        self.set_trait("thumbs", b"" if every else pack(shrink(self.trace.attention, THUMB)))
        answer = describe(self.trace, self._tokenizer, self._called)
        self.set_trait("answer", {**answer, "layer": -1 if every else self.layer, "asked": self.asked, "serial": self._serial})

    def _model_on(self, device: str) -> Any:
        """The model on `device`; a copy of it where it was not before, so that switching back and forth is quick."""
        if device not in self._copies:
            self._copies[device] = copy.deepcopy(next(iter(self._copies.values()))).to(device)
        return self._copies[device]

    # ---- for the page without a kernel ----------------------------------------------------------------------------

    def state_for_page(self) -> dict[str, Any]:
        """Besides what is picked, as many of the sentences as fit; no device and no time, which differ every time."""
        stored, room = [], MOST_STORED
        for sentence in dict.fromkeys([self.text, *self.sentences]):
            seen = self._trace_of(sentence)
            if seen is None or len(seen.tokens) > ALL_AT_ONCE:
                continue
            weights = pack(seen.attention, seen.is_causal)
            if len(weights) <= room:
                room -= len(weights)
                answer = describe(seen, self._tokenizer, self._called)
                del answer["device"], answer["ms"]
                stored.append({"answer": {**answer, "layer": -1, "asked": 0}, "packed": weights})
        picked = {name: getattr(self, name) for name in ("layer", "head", "sort", "view", "error")}
        return {**as_json({**picked, "stored": stored}), "kernel": False}

    def _trace_of(self, sentence: str) -> ModelTrace | None:
        if self.trace is not None and self.trace.text == sentence:
            return self.trace
        try:
            return trace(self._model_on(self.device), self._tokenizer, sentence) if self._copies else None
        except (ValueError, RuntimeError, IndexError):
            return None

    def label(self) -> str:
        if self.trace is None:
            return f"Head atlas, without a picture: {self.error}"
        count = self.trace.num_layers * self.trace.num_heads
        return f"Head atlas: the {count} attention heads of {self._called} over “{_short(self.trace.text, 60)}”"

    def picture(self) -> str:
        """Every head as a small picture, layers as rows, heads as columns."""
        if self.trace is None:
            return svg(640, 40, self.label(), text(8, 24, self.label()))
        rows, columns = self.trace.num_layers, self.trace.num_heads
        side = min(THUMB, len(self.trace.tokens))
        left, top, cell = 62, 70, min(48.0, 576 / columns)
        names = [text(left - 8, top + cell * (row + 0.5) + 4, f"layer {row}", 12, "end") for row in range(rows)]
        names += [text(left + cell * (column + 0.5), top - 8, str(column), 12, "middle") for column in range(columns)]
        image = (
            f'<image x="{left}" y="{top}" width="{cell * columns:g}" height="{cell * rows:g}" preserveAspectRatio="none" '
            f'style="image-rendering:pixelated" href="data:image/png;base64,{b64encode(heads_png(self.trace.attention, side)).decode()}"/>'
        )
        note = "Row: the token that looks. Column: what it looks at. Navy 0, yellow the head's largest weight."
        parts = [text(8, 18, f"The {rows * columns} attention heads of {self._called} over", 13), image, *names, text(8, top + cell * rows + 24, note, 12)]
        parts.append(text(8, 38, f"“{_short(self.trace.text, 80)}”", 13))
        return svg(max(left + cell * columns + 8, 640), top + cell * rows + 36, self.label(), *parts)


# ---- what is said about a text ------------------------------------------------------------------------------------


def describe(seen: ModelTrace, tokenizer: Any, model_name: str) -> dict[str, Any]:
    """All that the widget says about a text, besides the weights themselves. Statistics are (L * H) numbers."""
    landmarks = _landmarks(seen, tokenizer)
    numbers = statistics(seen.attention, *(places for _, places in landmarks))
    return {
        "text": _short(seen.text, 2000),
        "tokens": list(seen.tokens),
        "layers": seen.num_layers,
        "heads": seen.num_heads,
        "causal": seen.is_causal,
        "landmarks": [label for label, _ in landmarks],
        "stats": {name: [round(x, 4) for x in values.flatten().tolist()] for name, values in numbers.items()},
        "truncated": seen.truncated_from,
        "thumb": min(THUMB, len(seen.tokens)),
        "model": model_name,
        "device": device_name(seen.device),
        "ms": round(seen.milliseconds, 1),
    }


def _landmarks(seen: ModelTrace, tokenizer: Any) -> list[tuple[str, list[int]]]:
    """Where attention likes to rest: [CLS] and [SEP], or else the first and the last token."""
    ids = seen.token_ids.tolist()
    found = []
    for special, place, otherwise in ((tokenizer.cls_token, 0, "the first token"), (tokenizer.sep_token, -1, "the last token")):
        places = [i for i, id_ in enumerate(ids) if special and id_ == tokenizer.convert_tokens_to_ids(special)]
        found.append((special, places) if places else (otherwise, [range(len(ids))[place]]))
    return found


def _minilm() -> tuple[Any, Any, str]:
    """MiniLM and its tokenizer, or the sentence that says why not."""
    try:
        loaded = models.load("minilm")
    except models.ModelUnavailable as problem:
        return None, None, str(problem)
    return loaded.model, loaded.tokenizer, ""


def _place_of(model: Any) -> str:
    return "mps" if model.device.type == "mps" else str(model.device)


def _name_of(model: Any) -> str:
    """What the model calls itself, without the folder it was read from."""
    path = str(getattr(model.config, "_name_or_path", "") or "")
    return "MiniLM" if "minilm" in path.lower() else path.rstrip("/").rpartition("/")[2] or type(model).__name__


def _short(content: str, longest: int) -> str:
    return content if len(content) <= longest else content[: longest - 1] + "…"
