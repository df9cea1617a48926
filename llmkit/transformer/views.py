"""Who may look at whom, and from which position: the masks of encoders, decoders and what lies between. Lesson 06.

Shape letters: B batch, T new tokens, S all tokens that can be looked at. True means "may look"; `keep` is True at
real tokens and False at padding.
"""

import torch

from llmkit.shapes import Tensor
from llmkit.transformer.block import Stack
from llmkit.transformer.cache import KVCache
from llmkit.transformer.config import Config
from llmkit.transformer.layers import View


def encoder_view(stack: Stack, tokens: Tensor, keep: Tensor | None) -> tuple[View, slice]:
    """Everybody looks at every real token; and the positions of the tokens."""
    check(stack.config, tokens, keep)
    count = tokens.shape[1]
    places = slice(0, count)
    return View(_at_real_tokens(keep), bias=stack.bias(count, count), **stack.tables(places)), places


def memory_view_of(keep: Tensor | None, cache: KVCache | None) -> View:
    """A decoder looks at every real token of the source, (B, S) in `keep` or remembered by the cache."""
    if cache is not None:
        cache.memory_keep = keep = cache.memory_keep if keep is None else keep
    return View(_at_real_tokens(keep), cache=cache)


def decoder_view(
    stack: Stack,
    tokens: Tensor,
    keep: Tensor | None,
    cache: KVCache | None = None,
    positions: Tensor | None = None,
) -> tuple[View, slice | Tensor]:
    """Each token looks at itself and at the real tokens before it, those in the cache included; and its position.

    Positions count the real tokens of a row, so that padding on the left moves nobody.
    """
    check(stack.config, tokens, keep, positions)
    (batch, count), before = tokens.shape, 0
    if cache is not None:
        cache.check_room(tokens)
        before = cache.length
        keep = cache.keep = _joined(cache.keep, keep, (batch, before, count), tokens.device)  # (B, S) or None
    elif keep is not None and bool((keep[:, 1:] <= keep[:, :-1]).all()):
        keep = None  # padding on the right: nobody looks there
    total = before + count  # S
    places: slice | Tensor = slice(before, total)
    if positions is not None:
        places = positions
    elif keep is not None:
        places = (keep.long().cumsum(1) - 1).clamp(min=0)[:, before:]  # (B, T)
    bias = stack.bias(count, total)
    is_causal = count > 1 and before == 0 and keep is None and bias is None  # the fast kernel needs no mask then
    mask = None if is_causal else _causal_mask(count, total, keep, tokens.device)
    return View(mask, is_causal, bias, **stack.tables(places), cache=cache), places


def _causal_mask(count: int, total: int, keep: Tensor | None, device: torch.device) -> Tensor | None:
    """(B or 1, 1, T, S) for the last `count` of `total` tokens; None where a single token may look at everything."""
    if count == 1 and keep is None:
        return None
    before = total - count
    mask = torch.ones(count, total, dtype=torch.bool, device=device).tril(before)[None, None]  # (1, 1, T, S)
    if keep is None:
        return mask
    own = torch.eye(count, total, dtype=torch.bool, device=device).roll(before, 1)  # (T, S)
    return mask & keep.bool()[:, None, None, :] | own  # padding looks at itself, so that no softmax is empty


def _at_real_tokens(keep: Tensor | None) -> Tensor | None:
    """(B, 1, 1, S); None where every token is real."""
    return None if keep is None or bool(keep.all()) else keep.bool()[:, None, None, :]


def _joined(old: Tensor | None, new: Tensor | None, sizes: tuple[int, int, int], device: torch.device) -> Tensor | None:
    """Which tokens are real, those in the cache and the new ones (B, before + count); None while all are."""
    if old is None and (new is None or bool(new.all())):
        return None
    batch, before, count = sizes
    old = torch.ones(batch, before, dtype=torch.bool, device=device) if old is None else old
    new = torch.ones(batch, count, dtype=torch.bool, device=device) if new is None else new.bool()
    return torch.cat([old, new], 1)


def check(config: Config, tokens: Tensor, keep: Tensor | None, positions: Tensor | None = None) -> None:
    """ValueError, in a sentence, for what cannot be read."""
    if tokens.dim() != 2 or tokens.is_floating_point():
        raise ValueError(f"Tokens are whole numbers of shape (B, T); got {tokens.dtype} of shape {tuple(tokens.shape)}.")
    if not tokens.shape[1]:
        raise ValueError("There are no tokens to read; begin with at least one, such as the start token.")
    if tokens.shape[1] > config.context:
        raise ValueError(
            f"The text has {tokens.shape[1]} tokens, but the model reads at most {config.context}. "
            f"Cut it, or slide a window over it."
        )
    if keep is not None and keep.shape != tokens.shape:
        raise ValueError(f"keep says for every token whether it is real; got {tuple(keep.shape)} for {tuple(tokens.shape)}.")
    if positions is not None and not bool(((positions >= 0) & (positions < config.context)).all()):
        raise ValueError(f"Positions count from 0 to {config.context - 1}, the end of the model's context.")
