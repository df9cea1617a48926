"""From logits to the next token: temperature, top-k, top-p, min-p, repetition penalty. Built in lesson 16.

Every function takes logits (*, V), V the size of the vocabulary, and leaves its argument as it was. A token that may
not be chosen has the logit minus infinity, so filters can be applied one after another. `Sampling` applies them in the
order of `transformers`: repetition penalty, temperature, top-k, top-p, min-p.
"""

import math
from dataclasses import dataclass

import torch

from llmkit.shapes import Float, Int, Tensor

# ---- choosing ------------------------------------------------------------------------------------------------------


def greedy(logits: Float[Tensor, "*batch V"]) -> Int[Tensor, "*batch"]:
    """The most likely token. Between equals the lowest id wins, whatever the size of the batch.

    >>> greedy(torch.tensor([1.0, 3.0, 3.0])).item()
    1
    """
    return logits.argmax(-1)  # torch promises the first of equals


def probabilities(logits: Float[Tensor, "*batch V"]) -> Float[Tensor, "*batch V"]:
    """The softmax of the logits, at least in float32: each row sums to 1, a forbidden token gets exactly 0.

    >>> probabilities(torch.tensor([0.0, 0.0, -math.inf]))
    tensor([0.5000, 0.5000, 0.0000])
    """
    return torch.softmax(_at_least_float32(logits), -1)


def sample(
    logits: Float[Tensor, "*batch V"], generator: torch.Generator | None = None
) -> Int[Tensor, "*batch"]:
    """Draw one token for each row, with the probabilities of its softmax.

    Raises ValueError for a row in which nothing can be drawn: every token forbidden, or a logit that is not a number.

    >>> sample(torch.tensor([-math.inf, 2.0, -math.inf])).item()
    1
    """
    return draw(probabilities(logits), generator)


def draw(chances: Float[Tensor, "*batch V"], generator: torch.Generator | None = None) -> Int[Tensor, "*batch"]:
    """Draw one token for each row of probabilities; they need not sum to 1.

    >>> draw(torch.tensor([[0.0, 2.0], [1.0, 0.0]])).tolist()
    [1, 0]
    """
    total = chances.sum(-1)
    if not (torch.isfinite(total) & (total > 0)).all():
        raise ValueError(
            "no token can be drawn: in some row every token is forbidden (all logits are minus infinity) or a logit "
            "is not a number. Loosen the filters, or look at what the model returns."
        )
    rows = chances.flatten(0, -2) if chances.dim() > 1 else chances  # multinomial takes one axis of rows at most
    return torch.multinomial(rows, 1, generator=generator).reshape(chances.shape[:-1])


# ---- changing the distribution ----------------------------------------------------------------------------------------


def repetition_penalty(
    logits: Float[Tensor, "*batch V"], tokens: Int[Tensor, "*batch T"], penalty: float
) -> Float[Tensor, "*batch V"]:
    """Make every token that already stands in `tokens` less likely; 1 changes nothing, the range is above 0.

    A positive logit is divided by `penalty`, a negative one multiplied. How often a token came does not matter.
    An id of -1 stands for padding.

    >>> repetition_penalty(torch.tensor([2.0, -2.0, 2.0]), torch.tensor([0, 1]), penalty=2.0)
    tensor([ 1., -4.,  2.])

    Keskar et al. 2019, arXiv:1909.05858, section 4.1.
    """
    _check(0 < penalty < math.inf, "repetition_penalty", penalty, "a number above 0; 1 leaves the logits as they are")
    vocab_size = logits.shape[-1]
    tokens = tokens.masked_fill(tokens < 0, vocab_size)  # padding is noted in one extra column
    seen = torch.zeros(*logits.shape[:-1], vocab_size + 1, dtype=torch.bool, device=logits.device)
    seen = seen.scatter(-1, tokens, True)[..., :vocab_size]  # (*, V)
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def temperature(logits: Float[Tensor, "*batch V"], value: float) -> Float[Tensor, "*batch V"]:
    """Divide the logits by a temperature: below 1 sharper, above 1 flatter; 0 leaves only the greedy choice.

    The largest logit is subtracted first. Softmax does not notice, and no temperature, however small, overflows.

    >>> temperature(torch.tensor([1.0, 2.0, 0.0]), 0.5)
    tensor([-2.,  0., -4.])
    >>> temperature(torch.tensor([1.0, 2.0, 0.0]), 0)
    tensor([-inf, 0., -inf])

    Ackley, Hinton and Sejnowski 1985, "A learning algorithm for Boltzmann machines".
    """
    _check(0 <= value < math.inf, "temperature", value, "0 (greedy) or a finite number above 0")
    if value == 0:
        only = torch.full_like(logits, -math.inf)
        return only.scatter(-1, greedy(logits).unsqueeze(-1), 0.0)
    top = logits.amax(-1, keepdim=True)
    below = logits - top.masked_fill(top == -math.inf, 0.0)  # so that -inf minus -inf is never taken
    return below / max(value, torch.finfo(logits.dtype).tiny)


def top_k(logits: Float[Tensor, "*batch V"], k: int) -> Float[Tensor, "*batch V"]:
    """Forbid all but the `k` most likely tokens; tokens equal to the k-th stay. The range is 1 to V.

    >>> top_k(torch.tensor([1.0, 3.0, 2.0]), 2)
    tensor([-inf, 3., 2.])

    Fan et al. 2018, arXiv:1805.04833, section 5.4.
    """
    vocab_size = logits.shape[-1]
    whole = isinstance(k, int) and 1 <= k <= vocab_size
    _check(whole, "top_k", k, f"a whole number from 1 to {vocab_size}, the size of the vocabulary")
    least = logits.topk(k, dim=-1).values[..., -1:]  # (*, 1)
    return logits.masked_fill(logits < least, -math.inf)


def top_p(logits: Float[Tensor, "*batch V"], p: float) -> Float[Tensor, "*batch V"]:
    """Keep the smallest set of most likely tokens whose probabilities reach `p`; the range is above 0 to 1.

    The token with which the sum reaches `p` is kept, so at least one always is. Among equals low ids come first.

    >>> top_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.6).exp()
    tensor([0.5000, 0.3000, 0.0000])

    Holtzman et al. 2019, arXiv:1904.09751, section 3.1.
    """
    _check(0 < p <= 1, "top_p", p, "a number above 0 and at most 1 (1 keeps every token)")
    if p == 1:
        return logits
    ordered, ids = logits.sort(dim=-1, descending=True, stable=True)
    chances = probabilities(ordered)
    before = chances.cumsum(-1) - chances  # (*, V) the probability of all that is more likely
    keep = (before < p).scatter(-1, ids, before < p)  # back in the order of the ids
    return logits.masked_fill(~keep, -math.inf)


def min_p(logits: Float[Tensor, "*batch V"], p: float) -> Float[Tensor, "*batch V"]:
    """Forbid tokens less than `p` times as likely as the most likely one; the range is 0 (keep all) to 1.

    >>> min_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.5).exp()
    tensor([0.5000, 0.3000, 0.0000])

    Nguyen et al. 2024, arXiv:2407.01082.
    """
    _check(0 <= p <= 1, "min_p", p, "a number from 0 (keep every token) to 1 (keep the most likely)")
    if p == 0:
        return logits
    chances = probabilities(logits)
    return logits.masked_fill(chances < p * chances.amax(-1, keepdim=True), -math.inf)


# ---- all of it together -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. The default draws from the model's own distribution; None switches a filter off.

    Raises ValueError, with the allowed range, for a setting outside it.

    >>> Sampling(temperature=0.8, top_p=0.9).is_greedy
    False
    """

    temperature: float = 1.0  # 0 is greedy
    top_k: int | None = None  # 1 to V
    top_p: float | None = None  # above 0, at most 1
    min_p: float | None = None  # 0 to 1
    repetition_penalty: float = 1.0  # above 0; 1 is none
    seed: int | None = None  # None draws from torch's global random numbers

    def __post_init__(self) -> None:
        """Try the settings on one token, where only the vocabulary is not known yet."""
        one = torch.zeros(1)
        temperature(one, self.temperature)
        repetition_penalty(one, torch.zeros(1, dtype=torch.long), self.repetition_penalty)
        if self.top_k is not None:
            whole = isinstance(self.top_k, int) and self.top_k >= 1
            _check(whole, "top_k", self.top_k, "a whole number from 1 to the size of the vocabulary")
        if self.top_p is not None:
            top_p(one, self.top_p)
        if self.min_p is not None:
            min_p(one, self.min_p)

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator | None:
        """Random numbers that start at `seed`; None, which means torch's own, without one."""
        return None if self.seed is None else torch.Generator(device).manual_seed(self.seed)

    def adjust(
        self, logits: Float[Tensor, "*batch V"], tokens: Int[Tensor, "*batch T"] | None = None
    ) -> Float[Tensor, "*batch V"]:
        """The logits after all settings. `tokens` is what was said so far, for the repetition penalty.

        >>> Sampling(temperature=0.5, top_k=2).adjust(torch.tensor([1.0, 2.0, 0.0]))
        tensor([-2.,  0., -inf])
        """
        logits = _at_least_float32(logits)
        if self.repetition_penalty != 1 and tokens is not None:
            logits = repetition_penalty(logits, tokens, self.repetition_penalty)
        if self.temperature != 1:
            logits = temperature(logits, self.temperature)
        if self.top_k is not None:
            logits = top_k(logits, self.top_k)
        if self.top_p is not None:
            logits = top_p(logits, self.top_p)
        if self.min_p is not None:
            logits = min_p(logits, self.min_p)
        return logits

    def choose(
        self,
        logits: Float[Tensor, "*batch V"],
        tokens: Int[Tensor, "*batch T"] | None = None,
        generator: torch.Generator | None = None,
    ) -> Int[Tensor, "*batch"]:
        """The next token of each row."""
        adjusted = self.adjust(logits, tokens)
        return greedy(adjusted) if self.is_greedy else sample(adjusted, generator)


def _at_least_float32(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _check(is_allowed: bool, name: str, got: float, allowed: str) -> None:
    if not is_allowed:
        raise ValueError(f"{name} must be {allowed}; got {got}.")
