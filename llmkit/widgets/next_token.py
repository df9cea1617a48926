"""The next-token widget: type a text and watch a language model think about what comes next."""

from html import escape
from typing import Any

import torch
import traitlets

from llmkit import models, sampling
from llmkit.device import device_name, devices, pick_device
from llmkit.shapes import Float, Tensor
from llmkit.widgets import tinylm
from llmkit.widgets.base import LiveWidget, as_json, device_here
from llmkit.widgets.pictures import svg, text
from llmkit.widgets.thinker import LONGEST, NAMED, Thinker, Thought

TEXT = (
    "Nora the fox woke early. Her blue kite was not in its usual place. Otto the bear had borrowed it without asking, and "
    "now it was torn and lay in the cellar. Nora looked near the tower, found nothing, and felt downcast. "
    '"I am sorry," said Otto. "Your kite is in the'
)
ROWS = 12  # likeliest tokens with a bar of their own
MANY = 4096  # tokens: a larger vocabulary is stored in half precision


class NextToken(LiveWidget):
    """What a causal language model of `transformers` says comes next; the book's small model when none is given.

    Setting `text` computes; `step()` appends a token. `temperature` from 0 (always the likeliest) to 2, `top_k` from
    0 (off) to the size of the vocabulary, `top_p` above 0 up to 1 (off) and `min_p` from 0 (off) to 1 shape what is
    drawn from, in that order. `layer` and `head` pick whose attention is shown, -1 is the mean; when none is given, the
    head that looks at where the likeliest next token stood before. `device` is where it computes. What went wrong stands
    in `error`, as a sentence, and the last good answer stays.

    >>> w = NextToken(text='Ada the deer could not sit still. Her black guitar was not in its usual place. "Where is my')
    >>> w.text = w.text.replace("guitar", "kite")
    >>> w.answer["top"][0][1]
    '·kite'

    Used on the home page and from lesson 01 on.
    """

    name = "next_token"
    height, height_on_a_phone = 767, 1274

    text = traitlets.Unicode().tag(sync=True, echo_update=False)
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    min_p = traitlets.Float(0.0).tag(sync=True)
    layer = traitlets.Int(-1, min=-1).tag(sync=True)
    head = traitlets.Int(-1, min=-1).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**31 - 1).tag(sync=True)
    device = traitlets.Unicode().tag(sync=True)
    devices = traitlets.List(read_only=True).tag(sync=True)  # [id, name] of each device here
    question = traitlets.Dict().tag(sync=True, echo_update=False)  # {"n": number, "text": ...} or {"n": number, "ids": [...]}
    answer = traitlets.Dict(read_only=True).tag(sync=True)  # what `describe` says
    done = traitlets.Int(0, read_only=True).tag(sync=True)  # the number of the last question that was answered, or refused
    error = traitlets.Unicode("", read_only=True).tag(sync=True)

    _is_ready = False  # the constructor is still setting traits
    _number = 0  # of the question that is being answered

    def __init__(
        self,
        model: Any = None,
        tokenizer: Any = None,
        text: str = TEXT,
        *,
        device: str | torch.device | None = None,
        **traits: Any,
    ) -> None:
        if (model is None) != (tokenizer is None):
            raise ValueError("Next token needs a model and the tokenizer it was trained with: NextToken(model, tokenizer, text).")
        self.thought: Thought | None = None
        self._thinker, problem = None, ""
        if model is None:
            model, tokenizer, problem = _bundled()
        else:
            device = device or str(model.device)
        if model is not None:
            self._thinker = Thinker(model, tokenizer, _name_of(model))
        super().__init__(text=text, device=str(pick_device(device)), **traits)
        self.set_trait("devices", [[str(one), device_name(one)] for one in devices()])
        self.set_trait("error", problem)
        self._is_ready = True
        self._read_text()
        if tokenizer is not None and not {"layer", "head"} & set(traits):
            self._pick_what_remembers()

    def _pick_what_remembers(self) -> None:
        """Show the head that looks most at where the likeliest next token stood before, when it did."""
        if self.thought is None or self.thought.attention is None:
            return
        window = torch.tensor(self.thought.ids[-len(self.thought.tokens) :])
        before = (window == self.logits.argmax()).nonzero().flatten()
        if len(before):
            looks = self.thought.attention[..., before].sum(-1)  # (L, H)
            self.layer, self.head = divmod(int(looks.argmax()), looks.shape[1])

    @property
    def logits(self) -> Float[Tensor, " V"]:
        """What the model said last, before temperature and cuts."""
        if self.thought is None:
            raise ValueError(f"There is nothing to show yet: {self.error}")
        return self.thought.logits

    @property
    def probabilities(self) -> Float[Tensor, " V"]:
        """What is drawn from: after temperature, top-k, top-p and min-p."""
        chosen = sampling.temperature(self.logits, self.temperature)
        chosen = sampling.top_k(chosen, self.top_k) if self.top_k else chosen
        return sampling.probabilities(sampling.min_p(sampling.top_p(chosen, self.top_p), self.min_p))

    def step(self, token_id: int | None = None) -> int:
        """Append a token, drawn from `probabilities` when none is given; returns its id."""
        if token_id is None:
            token_id = int(sampling.draw(self.probabilities))
        self._think(self._thinker.checked([*self.thought.ids, token_id]))
        return token_id

    # ---- from a question to what is sent ---------------------------------------------------------------------------

    @traitlets.observe("text", "device")
    def _read_text(self, change: Any = None) -> None:
        if self._is_ready:
            self._answer(lambda: self._thinker.encode(self.text))

    @traitlets.observe("question")
    def _asked(self, change: Any) -> None:
        """A question from the page: its text, or ids that go on from the last answer."""
        self._number = change.new.get("n", self._number)
        with self.hold_sync():
            if "ids" in change.new:
                self._answer(lambda: self._thinker.checked([int(number) for number in change.new["ids"]]))
            elif change.new.get("text", self.text) != self.text:
                self.text = change.new["text"]  # which is then read
            else:
                self._read_text()
            self.set_trait("done", self._number)

    def _answer(self, ids_of: Any) -> None:
        """Think about the ids, or say in `error` why that cannot be."""
        if self._thinker is None:
            return
        try:
            self._think(ids_of())
        except ValueError as problem:
            self.set_trait("error", str(problem))
        except (RuntimeError, IndexError) as problem:
            reason = str(problem).partition("\n")[0]
            self.set_trait("error", f"{self._thinker.name} could not compute this text on {self.device}: {reason}")

    def _think(self, ids: list[int]) -> None:
        self.thought = self._thinker.think(ids, self.device)
        with self.hold_sync():
            self.set_trait("error", "")
            self.set_trait("answer", {**self.describe(), "n": self._number})

    def describe(self) -> dict[str, Any]:
        """The last thought as the page gets it. Logits are (V) float32, attention (L * H * T) float32, both as bytes."""
        seen, thinker = self.thought, self._thinker
        top = seen.logits.topk(min(NAMED, len(seen.logits))).indices.tolist()
        shape = (0, 0) if seen.attention is None else seen.attention.shape[:2]
        return {
            "ids": list(seen.ids),
            "start": seen.start,
            "context": thinker.context,
            "lead": len(thinker.lead),
            "end": thinker.end,
            "text": thinker.decode(seen.ids),
            "cut": len(self.text) > LONGEST,
            "tokens": list(seen.tokens),
            "surprise": [loss if loss is None else round(loss, 4) for loss in seen.surprise],
            "top": [[number, name] for number, name in zip(top, thinker.names(top), strict=True)],
            "lens": [{"id": number, "name": thinker.names([number])[0], "share": round(share, 5)} for number, share in seen.lens],
            "layers": shape[0],
            "heads": shape[1],
            "logits": seen.logits.numpy().tobytes(),
            "attention": b"" if seen.attention is None else seen.attention.contiguous().numpy().tobytes(),
            "model": thinker.name,
            "device": device_name(self.device),
            "steps": seen.steps,
            "ms": round(seen.milliseconds, 1),
        }

    # ---- what is refused --------------------------------------------------------------------------------------------

    @traitlets.validate("temperature", "top_p", "min_p")
    def _share(self, proposal: Any) -> float:
        name, value = proposal.trait.name, proposal.value
        ranges = {
            "temperature": (0 <= value <= 2, "from 0 (always the likeliest token) to 2"),
            "top_p": (0 < value <= 1, "above 0 and at most 1 (off)"),
            "min_p": (0 <= value <= 1, "from 0 (off) to 1"),
        }
        return _within(name, value, *ranges[name])

    @traitlets.validate("top_k")
    def _count(self, proposal: Any) -> int:
        most = self._thinker.vocab_size if self._thinker else 2**31 - 1
        return _within("top_k", proposal.value, 0 <= proposal.value <= most, f"a whole number from 0 (off) to {most}, the size of the vocabulary")

    @traitlets.validate("layer", "head")
    def _in_the_model(self, proposal: Any) -> int:
        name = proposal.trait.name
        if self.thought is None or self.thought.attention is None:
            return proposal.value
        count = self.thought.attention.shape[0 if name == "layer" else 1]
        return _within(name, proposal.value, proposal.value < count, f"from -1 (the mean) to {count - 1}")

    @traitlets.validate("device")
    def _is_here(self, proposal: Any) -> str:
        return device_here(proposal.value)

    # ---- for the page without a kernel ------------------------------------------------------------------------------

    def state_for_page(self) -> dict[str, Any]:
        """What is picked and the last answer; no device and no time, which differ every time."""
        names = ("text", "temperature", "top_k", "top_p", "min_p", "layer", "head", "seed", "error")
        state = {name: getattr(self, name) for name in names} | {"answer": {}}
        state["tiny"] = tinylm.NAME if tinylm.is_here() else ""  # the model that the page itself can run
        if self.thought is not None:
            state["answer"] = {**self.describe(), "n": 0}
            del state["answer"]["device"], state["answer"]["ms"]
            if len(self.thought.logits) > MANY:
                below = self.thought.logits - self.thought.logits.max()  # near 0, where half precision is fine
                state["answer"]["logits"], state["answer"]["half"] = below.half().numpy().tobytes(), True
        return {**as_json(state), "kernel": False}

    def label(self) -> str:
        if self.thought is None:
            return f"Next token, without a picture: {self.error}"
        (first, share), *_ = self._likeliest(1)
        return f"Next token: what {self._thinker.name} expects after “{_tail(self.thought_text, 60)}”, first {first} with {share:.0%}"

    @property
    def thought_text(self) -> str:
        """The text that the last answer is about."""
        return self._thinker.decode(self.thought.ids)

    def _likeliest(self, count: int) -> list[tuple[str, float]]:
        best = self.probabilities.topk(min(count, len(self.logits)))
        return list(zip(self._thinker.names(best.indices.tolist()), best.values.tolist(), strict=True))

    def picture(self) -> str:
        """The text, and its likeliest next tokens as bars."""
        if self.thought is None:
            return svg(640, 40, self.label(), text(8, 24, self.label()))
        rows = self._likeliest(ROWS)
        rows.append(("all others", max(0.0, 1 - sum(share for _, share in rows))))
        parts = [text(8, 22, f"“{_tail(self.thought_text, 78)}”", 15), text(8, 48, f"What {self._thinker.name} expects next", 12)]
        for row, (name, share) in enumerate(rows):
            y = 62 + 24 * row
            parts += [
                text(128, y + 14, _tail(name, 14), 13, "end"),
                f'<rect x="140" y="{y + 3}" width="{max(1.0, 420 * share):.1f}" height="14" rx="2" fill="#d2447a"/>',
                text(148 + 420 * share, y + 14, f"{share:.1%}", 12),
            ]
        return svg(640, 72 + 24 * len(rows), escape(self.label(), quote=False), *parts)


def _bundled() -> tuple[Any, Any, str]:
    """The book's small model and its tokenizer, or the sentence that says why not."""
    if not tinylm.is_here():
        return None, None, f"The model {tinylm.NAME} is not here: make it with `make models`, or give a model and its tokenizer."
    try:
        loaded = models.load(tinylm.NAME)
    except models.ModelUnavailable as problem:
        return None, None, str(problem)
    return loaded.model, loaded.tokenizer, ""


def _within(name: str, value: Any, holds: bool, says: str) -> Any:
    if not holds:
        raise traitlets.TraitError(f"{name} must be {says}; got {value}.")
    return value


def _name_of(model: Any) -> str:
    """What the model calls itself, without the folder it was read from."""
    path = str(getattr(model.config, "_name_or_path", "") or "")
    return path.rstrip("/").rpartition("/")[2] or type(model).__name__


def _tail(content: str, longest: int) -> str:
    return content if len(content) <= longest else "…" + content[1 - longest :]
