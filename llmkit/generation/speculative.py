"""Speculative decoding: a small model guesses some tokens, the large one checks them in one pass. Built in lesson 16.

The text is distributed exactly as if the large model had written it alone; only the time differs.
Leviathan et al. 2022, arXiv:2211.17192, algorithm 1.
"""

from dataclasses import dataclass
from typing import Any

import torch

from llmkit.generation.decode import GREEDY, said_so_far
from llmkit.generation.pieces import decode
from llmkit.generation.prompts import Prompt, Stop, as_transformer, prepare
from llmkit.generation.reader import Reader, reading
from llmkit.sampling import Sampling, draw, probabilities
from llmkit.shapes import Float, Tensor
from llmkit.transformer import Transformer


@dataclass(frozen=True)
class Speculation:
    """What was said, and how well the guesses went."""

    tokens: list[int]
    text: str | None  # with a tokenizer
    rounds: int  # passes of the large model
    guessed: int
    accepted: int

    @property
    def acceptance(self) -> float:
        """The share of guesses that the large model agreed with, from 0 to 1; 0 when nothing was guessed."""
        return self.accepted / max(1, self.guessed)

    @property
    def tokens_per_round(self) -> float:
        """Tokens for each pass of the large model; without a draft it would be 1."""
        return len(self.tokens) / self.rounds


def speculate(
    model: Any,
    draft: Any,
    prompt: Prompt,
    max_new_tokens: int = 50,
    sampling: Sampling = GREEDY,
    lookahead: int = 4,
    stop: Stop | None = None,
    tokenizer: Any = None,
) -> Speculation:
    """Continue one prompt with `model`, helped by `draft`, which guesses `lookahead` tokens in each round.

    Greedy, the tokens are those of `generate(model, ...)`; drawn, they have the same distribution (not the same
    random numbers). Both models are decoders with one vocabulary. Prompt and `stop` (ids only) are those of `generate`.
    ValueError for what cannot be continued.

    >>> from llmkit.transformer import Config
    >>> model = Transformer(Config(vocab_size=50, width=16, num_layers=1, num_heads=2))
    >>> speculate(model, model, [1, 2, 3], max_new_tokens=10, lookahead=4).tokens_per_round
    5.0
    """
    task, draft = prepare(model, prompt, max_new_tokens, stop, tokenizer), as_transformer(draft)
    _check(task.model, draft, lookahead)
    if not task.is_single or task.stop_texts:
        raise ValueError("speculate takes one prompt, and stops at token ids only.")
    generator = sampling.generator(task.device)
    tokens, rounds, guessed, accepted = [], 0, 0, 0
    with torch.inference_mode(), reading(task.model), reading(draft):
        pair = Pair(task.model, draft, task.rows[0], max_new_tokens, sampling, generator)
        while len(tokens) < max_new_tokens:
            count = min(lookahead, max_new_tokens - len(tokens) - 1)  # the large model adds a token of its own
            new = pair.round(count)
            rounds, guessed, accepted = rounds + 1, guessed + count, accepted + len(new) - 1
            end = next((at for at, token in enumerate(new) if token in task.stop_tokens), None)
            tokens += new if end is None else new[: end + 1]
            if end is not None:
                break
    text = None if tokenizer is None else decode(tokenizer, tokens)
    return Speculation(tokens, text, rounds, guessed, accepted)


class Pair:
    """The two models, each with its cache and with the tokens that it has not read yet."""

    def __init__(
        self,
        model: Transformer,
        draft: Transformer,
        row: list[int],
        max_new_tokens: int,
        sampling: Sampling,
        generator: torch.Generator | None,
    ):
        self.sampling, self.generator = sampling, generator
        self.model, self.draft = (Reader(each, [row], room=max_new_tokens) for each in (model, draft))
        self.model_logits, self.draft_logits = self.model.start(), self.draft.start()  # (1, V), after the prompt
        self.unread, self.draft_unread = [], []

    def round(self, count: int) -> list[int]:
        """Guess `count` tokens, check them, and return those accepted and one more."""
        guesses, draft_chances = self._guess(count)
        if unread := [*self.unread, *guesses]:
            self.model_logits = torch.cat([self.model_logits, self.model.read([unread])[0]])
        logits = self.model_logits[-count - 1 :]  # (count + 1, V): before each guess, and after the last
        known = self.model.rows[0][: len(self.model.rows[0]) - count]
        chances = self._chances(logits, [known + guesses[:i] for i in range(count + 1)])
        accepted, token = verify(guesses, chances, draft_chances, self.generator)
        self._remember(guesses, accepted, token)
        return [*guesses[:accepted], token]

    def _guess(self, count: int) -> tuple[list[int], Tensor]:
        """What the draft says next, and the probabilities (count, V) from which it drew."""
        guesses, chances, unread = [], [], self.draft_unread
        for _ in range(count):
            if unread:
                self.draft_logits = self.draft.read([unread])[:, -1]
            chances.append(self._chances(self.draft_logits, self.draft.rows)[0])
            guesses.append(draw(chances[-1], self.generator).item())
            unread = guesses[-1:]
        return guesses, torch.stack(chances) if chances else self.draft_logits[:0]

    def _remember(self, guesses: list[int], accepted: int, token: int) -> None:
        """Take back what was read in vain, and note what is still to be read."""
        refused = len(guesses) - accepted
        self.model.undo(refused)
        self.unread = [token]
        if not guesses:
            self.draft_unread = [*self.draft_unread, token]
        elif refused:
            self.draft.undo(refused - 1)  # the draft has not read its own last guess
            self.draft_unread = [token]
        else:
            self.draft_unread = [guesses[-1], token]

    def _chances(self, logits: Tensor, rows: list[list[int]]) -> Float[Tensor, "n V"]:
        return probabilities(self.sampling.adjust(logits, said_so_far(rows, self.sampling, logits.device)))


def verify(
    guesses: list[int],
    chances: Float[Tensor, "m V"],
    draft_chances: Float[Tensor, "n V"],
    generator: torch.Generator | None = None,
) -> tuple[int, int]:
    """How many of the n guesses stand, and the token after them, by the large model's m = n + 1 distributions.

    A guess stands with probability min(1, p / q), p the large model's and q the draft's. The first that falls is
    replaced by a draw from what p has more than q; then each token comes with probability p, whatever q is.

    >>> certain = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    >>> verify([1], certain, draft_chances=torch.tensor([[0.5, 0.5]]))
    (1, 0)
    """
    for at, guess in enumerate(guesses):
        lot = torch.rand((), generator=generator, device=chances.device).item()
        if lot * draft_chances[at, guess].item() >= chances[at, guess].item():
            more = (chances[at] - draft_chances[at]).clamp(min=0)  # (V,)
            return at, int(draw(more if more.any() else chances[at], generator))
    return len(guesses), int(draw(chances[-1], generator))


def _check(model: Transformer, draft: Transformer, lookahead: int) -> None:
    if not model.config.kind == draft.config.kind == "decoder":
        raise ValueError("Speculative decoding is for decoders; an encoder-decoder is decoded with generate.")
    if model.config.vocab_size != draft.config.vocab_size:
        raise ValueError(
            f"The draft must speak the model's tokens, but knows {draft.config.vocab_size} of them, the model "
            f"{model.config.vocab_size}. Take a draft with the same tokenizer."
        )
    shorter = min(model.config.context, draft.config.context)
    if not isinstance(lookahead, int) or not 1 <= lookahead < shorter:
        raise ValueError(f"lookahead must be a whole number from 1 to {shorter - 1}, below both contexts; got {lookahead}.")
