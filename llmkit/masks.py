"""Who may look at whom, how far that carries through layers, and a test that finds a leak. Built in lesson 06.

Shape letters: T query tokens, S key tokens, C model width. Masks: True means "may look". `causal_mask` and
`padding_mask` are in `llmkit.attention`; masks are joined with `&` (both must allow it) and `|` (one is enough).
"""

from collections.abc import Callable

import torch

from llmkit.attention import causal_mask
from llmkit.shapes import Bool, Float, Tensor


def prefix_mask(tokens: int, prefix: int) -> Bool[Tensor, "T T"]:
    """The first `prefix` tokens see each other in both directions; everything after them is causal.

    >>> prefix_mask(4, 2).int()
    tensor([[1, 1, 0, 0],
            [1, 1, 0, 0],
            [1, 1, 1, 0],
            [1, 1, 1, 1]], dtype=torch.int32)

    Equation 6.2. Raffel et al. 2019, arXiv:1910.10683, section 3.2.1; Dong et al. 2019, arXiv:1905.03197.
    """
    if not 0 <= prefix <= tokens:
        raise ValueError(f"a prefix is from 0 to all {tokens} tokens long; got {prefix}.")
    return causal_mask(tokens) | (torch.arange(tokens) < prefix)


def window_mask(tokens: int, window: int) -> Bool[Tensor, "T T"]:
    """Each token sees the last `window` tokens, itself among them.

    >>> window_mask(4, 2).int()
    tensor([[1, 0, 0, 0],
            [1, 1, 0, 0],
            [0, 1, 1, 0],
            [0, 0, 1, 1]], dtype=torch.int32)

    Equation 6.2. Beltagy et al. 2020, arXiv:2004.05150; causal as in Jiang et al. 2023, arXiv:2310.06825.
    """
    if window < 1:
        raise ValueError(f"a window holds at least the token itself, so it is 1 or more; got {window}.")
    return causal_mask(tokens).triu(1 - window)


def reach(mask: Bool[Tensor, "*batch T T"], layers: int) -> Bool[Tensor, "*batch T T"]:
    """Which token can hear of which through so many layers: `reach[i, j]` is True when j can change i's output.

    Each layer adds to what a token already carries (the residual stream), so every token always hears of itself.

    >>> reach(window_mask(4, 2), layers=2).int()
    tensor([[1, 0, 0, 0],
            [1, 1, 0, 0],
            [1, 1, 1, 0],
            [0, 1, 1, 1]], dtype=torch.int32)

    Equation 6.3.
    """
    if mask.shape[-2] != mask.shape[-1]:
        raise ValueError(f"layers are stacked where queries and keys are the same tokens; got {tuple(mask.shape)}.")
    one = (mask | torch.eye(mask.shape[-1], dtype=torch.bool, device=mask.device)).float()
    heard = torch.eye(mask.shape[-1], device=mask.device).expand_as(one)
    for _ in range(layers):
        heard = (one @ heard > 0).float()  # at most T, so exact
    return heard > 0


@torch.no_grad()
def moved(function: Callable[[Tensor], Tensor], hidden: Float[Tensor, "T C"], tolerance: float = 0.0) -> Bool[Tensor, "T T"]:
    """The leak test: disturb one token after the other. `moved[i, j]` says whether output i noticed a new token j.

    `function` takes (T, C) to (T, anything), and is deterministic. A causal one must give no True above the diagonal.

    >>> moved(lambda x: x.cumsum(0), torch.ones(3, 2)).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    before = function(hidden)
    noticed = []
    for token in range(len(hidden)):
        disturbed = hidden.clone()
        disturbed[token] = disturbed[token].flip(-1) + 1.0
        change = (function(disturbed) - before).abs().flatten(1).amax(-1)  # (T,)
        noticed.append(~(change <= tolerance))  # NaN has changed too
    return torch.stack(noticed, dim=-1)
