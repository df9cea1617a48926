"""Several linear layers that read the same input, computed as one: one large matrix product beats three small ones."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.shapes import Tensor

Versions = list[tuple[Tensor, int]]


class Stacked(nn.Module):
    """The outputs of several `nn.Linear`, side by side in the last dimension.

    The layers stay separate, so that they can be named, looked at, trained and replaced. Without gradients their
    stacked weights are kept until one of them changes; after a change behind torch's back, through `weight.data`,
    call `forget` or the model's `eval`. A layer that is no plain `nn.Linear` (LoRA, quantized),
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
        now = versions(layers)
        if self.weights is None or not same(self.versions, now):
            self.versions, self.weights = now, stack(layers)
        return F.linear(hidden, *self.weights)

    def forget(self) -> None:
        """Stack anew at the next call."""
        self.versions: Versions = []
        self.weights: tuple[Tensor, Tensor | None] | None = None

    def train(self, mode: bool = True) -> "Stacked":
        self.forget()
        return super().train(mode)

    def _apply(self, *arguments, **options) -> "Stacked":  # .to(), .half(), .cuda()
        self.forget()
        return super()._apply(*arguments, **options)


def versions(modules: Iterable[nn.Module]) -> Versions:
    """Every weight and how often it was changed in place, to know when a copy of it is out of date."""
    weights = [weight for module in modules for weight in module.parameters()]
    return [(weight, 0 if weight.is_inference() else weight._version) for weight in weights]


def same(old: Versions, new: Versions) -> bool:
    """True when both name the same tensors, unchanged."""
    return len(old) == len(new) and all(a is b and then == now for (a, then), (b, now) in zip(old, new, strict=True))


def stack(layers: tuple[nn.Module, ...]) -> tuple[Tensor, Tensor | None]:
    """One weight and one bias for all layers."""
    weight = torch.cat([layer.weight for layer in layers])
    return weight, None if layers[0].bias is None else torch.cat([layer.bias for layer in layers])


def is_plain(module: nn.Module, kinds: tuple[type, ...] = (nn.Linear,)) -> bool:
    """True for a module of one of these kinds that nobody has changed and nobody is listening to."""
    return type(module) in kinds and not module._forward_hooks and not module._forward_pre_hooks
