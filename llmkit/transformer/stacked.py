"""Several linear layers that read the same input, computed as one: one large matrix product beats three small ones."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.shapes import Tensor


class Stacked(nn.Module):
    """The outputs of several `nn.Linear`, side by side in the last dimension.

    The layers stay separate, so that they can be named, looked at, trained and replaced. Without gradients their
    stacked weights are kept until one of them changes. A layer that is no plain `nn.Linear` (LoRA, quantized),
    or that carries a hook, is called by itself.

    >>> first, second = nn.Linear(4, 2), nn.Linear(4, 3)
    >>> Stacked()(torch.zeros(1, 4), (first, second)).shape
    torch.Size([1, 5])
    """

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forward(self, hidden: Tensor, layers: tuple[nn.Module, ...]) -> Tensor:
        if not all(is_plain(layer) for layer in layers):
            return torch.cat([layer(hidden) for layer in layers], -1)
        if torch.is_grad_enabled():
            return F.linear(hidden, *stack(layers))
        versions = [(layer.weight, layer.weight._version) for layer in layers]
        if self.versions is None or any(
            old is not new or then != now for (old, then), (new, now) in zip(self.versions, versions, strict=True)
        ):
            self.versions, self.weights = versions, stack(layers)
        return F.linear(hidden, *self.weights)

    def forget(self) -> None:
        """Stack anew at the next call."""
        self.versions: list | None = None
        self.weights: tuple[Tensor, Tensor | None] | None = None

    def train(self, mode: bool = True) -> "Stacked":
        self.forget()
        return super().train(mode)

    def _apply(self, *arguments, **options) -> "Stacked":  # .to(), .half(), .cuda()
        self.forget()
        return super()._apply(*arguments, **options)


def stack(layers: tuple[nn.Module, ...]) -> tuple[Tensor, Tensor | None]:
    """One weight and one bias for all layers."""
    weight = torch.cat([layer.weight for layer in layers])
    return weight, None if layers[0].bias is None else torch.cat([layer.bias for layer in layers])


def is_plain(layer: nn.Module) -> bool:
    """True for an `nn.Linear` that nobody has changed or is listening to."""
    return type(layer) is nn.Linear and not layer._forward_hooks and not layer._forward_pre_hooks
