"""What a causal language model of `transformers` thinks of the next token: asked again and again, it reads only what is new.

js/tinylm_engine.js answers the same questions with the small model in the page.
Shape letters: L layers, H heads, T tokens, V vocabulary, C width.
"""

import copy
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from llmkit.shapes import Float, Tensor
from llmkit.trace import token_texts

LONGEST = 20_000  # characters; of a longer text the end is read
NAMED = 64  # likeliest tokens that come with their names
NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm", "ln_out")  # what families call the last norm


@dataclass(frozen=True)
class Thought:
    """What the model thinks after a text. Tensors are float32 and on the CPU."""

    ids: tuple[int, ...]  # of the whole text
    start: int  # tokens that the window has left behind
    tokens: tuple[str, ...]  # what the model reads, as shown to a reader: T of them
    surprise: tuple[float | None, ...]  # T of -ln p(token | those before), in nats; None for the first
    logits: Float[Tensor, " V"]
    attention: Float[Tensor, "L H T"] | None  # of the last token; None when the model does not show it
    lens: tuple[tuple[int, float], ...]  # after each layer the likeliest token and its probability; may be empty
    steps: int  # tokens that were read for this answer
    milliseconds: float


@dataclass
class _Memory:
    """What one device's copy of the model has read."""

    model: Any
    read: list[int] = field(default_factory=list)
    surprise: list[float | None] = field(default_factory=list)
    cache: Any = None
    logits: Tensor | None = None  # (V) after the last token read


class Thinker:
    """A causal model and its tokenizer, ready to be asked for the next token of any text, on any device."""

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        if getattr(model.config, "is_encoder_decoder", False) or model.get_output_embeddings() is None:
            raise ValueError(
                f"The next token needs a causal language model, such as AutoModelForCausalLM loads; "
                f"{type(model).__name__} is none."
            )
        self.tokenizer, self.name = tokenizer, name
        self._memories = {str(model.device): _Memory(_showing(model))}
        begin = model.config.bos_token_id
        self.lead = () if begin is None else (begin[0] if isinstance(begin, list) else begin,)
        self.end = getattr(model.config, "eos_token_id", None)
        self.vocab_size = model.get_output_embeddings().weight.shape[0]
        self.context = getattr(model.config, "max_position_embeddings", None) or 2048

    def encode(self, text: str) -> list[int]:
        """The ids of a text, after the token every text begins with; ValueError when there are none."""
        text = text[-LONGEST:].encode("utf-8", "replace").decode("utf-8")  # half an emoji cannot be tokenized
        ids = [*self.lead, *self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]]
        if not ids:
            raise ValueError("This model has no token to begin with: write a word.")
        return self.checked(ids)

    def checked(self, ids: list[int]) -> list[int]:
        """The ids, when all of them are in the vocabulary; ValueError otherwise."""
        for number in ids:
            if not 0 <= number < self.vocab_size:
                raise ValueError(
                    f"Token {number} is not one of the {self.vocab_size} tokens that {self.name} knows (0 to {self.vocab_size - 1}). "
                    "Load model and tokenizer from the same place."
                )
        return ids

    def decode(self, ids: list[int] | tuple[int, ...]) -> str:
        """The text of the ids, without the token it begins with; an end token is shown."""
        return self.tokenizer.decode(list(ids)[len(self.lead) :], clean_up_tokenization_spaces=False)

    def names(self, ids: list[int]) -> list[str]:
        """Each token alone as readable text."""
        return [token_texts(self.tokenizer, [number])[0] for number in ids]

    def think(self, ids: list[int], device: str = "cpu") -> Thought:
        """Read the ids (of a longer text than fits, the begin token and the end) and say what comes next."""
        memory = self._memory_on(device)
        start = window_start(len(ids), self.context)
        seen = [*self.lead, *ids[start + len(self.lead) :]] if start else list(ids)
        began = time.perf_counter()
        known = self._known(memory, seen)
        outputs = self._read(memory, seen[known:])
        _wait_for(device)
        milliseconds = 1000 * (time.perf_counter() - began)
        return Thought(
            ids=tuple(ids),
            start=start,
            tokens=tuple(token_texts(self.tokenizer, seen)),
            surprise=tuple(memory.surprise),
            logits=memory.logits.float().cpu(),  # (V)
            attention=_last_row(outputs.attentions),
            lens=_lens(memory.model, outputs.hidden_states, memory.logits),
            steps=len(seen) - known,
            milliseconds=milliseconds,
        )

    def _known(self, memory: _Memory, seen: list[int]) -> int:
        """How many tokens need not be read again; the memory is emptied when the text is no continuation."""
        count = len(memory.read)
        if memory.cache is None or count >= len(seen) or memory.read != seen[:count]:
            memory.read, memory.surprise, memory.cache, memory.logits = [], [], None, None
        return len(memory.read)

    def _read(self, memory: _Memory, new: list[int]) -> Any:
        """Read the new tokens and remember them."""
        with torch.inference_mode():
            outputs = memory.model(
                input_ids=torch.tensor([new], device=memory.model.device),
                past_key_values=memory.cache,
                use_cache=True,
                output_attentions=True,
                output_hidden_states=True,
                return_dict=True,
            )
            logits = outputs.logits[0].float()  # (new tokens, V)
            before = logits[:-1] if memory.logits is None else torch.cat([memory.logits[None], logits[:-1]])
            said = new[len(new) - len(before) :]  # the first token of all was said by nobody
            losses = torch.nn.functional.cross_entropy(before, torch.tensor(said, device=before.device, dtype=torch.long), reduction="none")
        memory.surprise += [None] * (len(new) - len(said)) + losses.tolist()
        memory.read += new
        memory.cache, memory.logits = outputs.past_key_values, logits[-1].clone()
        return outputs

    def _memory_on(self, device: str) -> _Memory:
        """The model on `device`; a copy of it where it was not before, so that switching back and forth is quick."""
        if device not in self._memories:
            first = next(iter(self._memories.values())).model
            self._memories[device] = _Memory(copy.deepcopy(first).to(device))
        return self._memories[device]


def window_start(count: int, context: int) -> int:
    """Where the window begins: it slides by a quarter of the context, so that what was read serves for many tokens.

    >>> window_start(256, 256), window_start(257, 256), window_start(320, 256), window_start(321, 256)
    (0, 64, 64, 128)
    """
    quarter = max(1, context // 4)
    return 0 if count <= context else -(-(count - context) // quarter) * quarter


def _showing(model: Any) -> Any:
    """The model in eval mode, with an attention that returns its weights."""
    model = model.eval()
    if hasattr(model, "set_attn_implementation") and model.config._attn_implementation != "eager":
        model.set_attn_implementation("eager")
    return model


def _last_row(attentions: Any) -> Tensor | None:
    """(L, H, T): how much the last token looks at each; None when the model keeps its weights to itself."""
    if not attentions or any(layer is None for layer in attentions):
        return None
    return torch.stack([layer[0, :, -1] for layer in attentions]).float().cpu()


def _lens(model: Any, hidden_states: tuple[Tensor, ...], logits: Tensor) -> tuple[tuple[int, float], ...]:
    """The logit lens: each layer's state of the last token through the last norm and the unembedding.

    nostalgebraist 2020, "interpreting GPT: the logit lens". Empty when the model's last norm cannot be found.
    """
    norm = next((part for name in NORMS if (part := getattr(model.base_model, name, None)) is not None), None)
    if norm is None:
        return ()
    with torch.inference_mode():
        states = [model.get_output_embeddings()(norm(state[0, -1])) for state in hidden_states[1:-1]]
    shares = torch.stack([*states, logits.to(states[0]) if states else logits]).float().softmax(-1)  # (L, V)
    best = shares.max(-1)
    return tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def _wait_for(device: str) -> None:
    """Until the accelerator has finished, so that the clock tells the truth."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device.startswith("mps"):
        torch.mps.synchronize()
