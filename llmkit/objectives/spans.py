"""Where the answer is: the loss of pointing at a run of tokens, and the best run. Built in lesson 18.

Shape letters: B batch, T tokens.
"""

import torch
from torch import nn

from llmkit.objectives.losses import Sum, label_loss
from llmkit.shapes import Bool, Float, Int, Tensor


def span_loss(
    start_logits: Float[Tensor, "B T"], end_logits: Float[Tensor, "B T"], start: Int[Tensor, " B"], end: Int[Tensor, " B"]
) -> Sum:
    """The answer is a run of tokens: two questions, where it starts and where it ends (both inclusive).

    A question without an answer points at token 0, where nothing can be said (SQuAD 2.0).

    Built in lesson 18. Devlin et al. 2018, section 4.2.
    """
    total = (label_loss(start_logits, start).total + label_loss(end_logits, end).total) / 2
    return Sum(total, len(start))


def answer_loss(model: nn.Module, batch: dict[str, Tensor]) -> Sum:
    """`span_loss` of a `SpanModel` on {"tokens", "keep", "segments", "start", "end"}; padding is never pointed at."""
    starts, ends = model(batch["tokens"], batch["keep"], batch["segments"])  # (B, T) twice
    hidden = ~batch["keep"]
    return span_loss(starts.masked_fill(hidden, -torch.inf), ends.masked_fill(hidden, -torch.inf), batch["start"], batch["end"])


def best_span(
    start_logits: Float[Tensor, "B T"],
    end_logits: Float[Tensor, "B T"],
    allowed: Bool[Tensor, "B T"],
    longest: int = 30,
) -> tuple[Int[Tensor, " B"], Int[Tensor, " B"], Float[Tensor, " B"]]:
    """The likeliest span inside `allowed` that does not end before it starts: start, end, and its lead over "no answer".

    The lead is in logits: the score of the span minus that of token 0; abstain where it is below a threshold.

    >>> start, end = torch.tensor([[0.0, 3.0, 1.0]]), torch.tensor([[0.0, 1.0, 3.0]])
    >>> best_span(start, end, torch.tensor([[False, True, True]]))
    (tensor([1]), tensor([2]), tensor([6.]))
    """
    tokens = start_logits.shape[1]
    scores = start_logits[:, :, None] + end_logits[:, None, :]  # (B, T, T) start by end
    shape = torch.ones(tokens, tokens, dtype=torch.bool, device=scores.device).triu().tril(longest - 1)
    scores = scores.masked_fill(~(shape & allowed[:, :, None] & allowed[:, None, :]), -torch.inf)
    best, place = scores.flatten(1).max(1)  # (B,)
    return place // tokens, place % tokens, best - start_logits[:, 0] - end_logits[:, 0]
