"""A small network and its gradient, written out: what every training loop rests on. Built in lesson 02.

Shape letters: N examples, D numbers in each, H hidden neurons, P parameters.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from llmkit.shapes import Float, Tensor


class Network(NamedTuple):
    """The weights of one hidden layer and one output neuron; or, from `backward`, the derivative of the loss by each."""

    W: Float[Tensor, "H D"]
    b: Float[Tensor, " H"]
    v: Float[Tensor, " H"]
    c: Float[Tensor, ""]


def forward(network: Network, x: Float[Tensor, "N D"]) -> tuple[Float[Tensor, "N H"], Float[Tensor, " N"]]:
    """What the hidden neurons say, and the logit of the output: above 0 for yes.

    >>> one = Network(torch.tensor([[1.0, -1.0]]), torch.zeros(1), torch.tensor([2.0]), torch.tensor(0.5))
    >>> forward(one, torch.tensor([[3.0, 3.0]]))
    (tensor([[0.]]), tensor([0.5000]))

    Built in lesson 02, equations 2.1 and 2.2.
    """
    hidden = torch.tanh(x @ network.W.T + network.b)  # (N, H)
    return hidden, hidden @ network.v + network.c


def binary_loss(logits: Float[Tensor, " N"], y: Float[Tensor, " N"]) -> Float[Tensor, ""]:
    """The mean surprise in nats of labels that are 0 or 1, written so that no logit overflows.

    >>> binary_loss(torch.zeros(4), torch.tensor([0.0, 1, 1, 0]))  # a coin: ln 2
    tensor(0.6931)

    Built in lesson 02, equation 2.3.
    """
    return (logits.clamp(min=0) - logits * y + torch.log1p(torch.exp(-logits.abs()))).mean()


def backward(network: Network, x: Float[Tensor, "N D"], y: Float[Tensor, " N"]) -> Network:
    """The gradient of `binary_loss`, by the chain rule from the output back to the first weights.

    Built in lesson 02, equations 2.4 and 2.6. Rumelhart, Hinton and Williams 1986.
    """
    hidden, logits = forward(network, x)
    error = (torch.sigmoid(logits) - y) / len(y)  # (N,): p - y, and each counts one part in N
    back = error[:, None] * network.v * (1 - hidden**2)  # (N, H): what arrives inside each neuron
    return Network(back.T @ x, back.sum(0), hidden.T @ error, error.sum())


def numerical_gradient(
    loss: Callable[[Tensor], Tensor], theta: Float[Tensor, " P"], epsilon: float = 1e-5
) -> Float[Tensor, " P"]:
    """The gradient by nudging each parameter a little up and a little down: slow, and hard to get wrong.

    The error falls like epsilon squared until rounding takes over: in float64 best near 1e-5, in float32 near 1e-2.

    >>> numerical_gradient(lambda theta: (theta**2).sum(), torch.tensor([1.0, -2.0], dtype=torch.float64)).round(decimals=6)
    tensor([ 2., -4.], dtype=torch.float64)

    Built in lesson 02, equation 2.7.
    """
    nudges = epsilon * torch.eye(len(theta), dtype=theta.dtype, device=theta.device)  # (P, P)
    with torch.no_grad():
        return torch.stack([(loss(theta + nudge) - loss(theta - nudge)) / (2 * epsilon) for nudge in nudges])
