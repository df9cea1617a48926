"""The formulas of lesson 02: a small network, its loss, its gradient three ways, and a step downhill."""

import math

import pytest
import torch

from llmkit.learning import Network, backward, binary_loss, forward, numerical_gradient


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(width: int = 3, hidden: int = 4) -> Network:
    return Network(randn(hidden, width, seed=1), randn(hidden, seed=2), randn(hidden, seed=3), randn(1, seed=4)[0])


def examples(count: int = 7, width: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return randn(count, width, seed=5), (randn(count, seed=6) > 0).double()


def flat(net: Network) -> torch.Tensor:
    return torch.cat([part.flatten() for part in net])


def unflat(theta: torch.Tensor, like: Network) -> Network:
    parts = theta.split([part.numel() for part in like])
    return Network(*(part.view_as(old) for part, old in zip(parts, like, strict=True)))


def test_a_layer_is_a_row_of_neurons_one_sum_at_a_time():
    net, (x, _) = network(), examples()
    hidden, _ = forward(net, x)
    for n in range(len(x)):
        for j in range(len(net.b)):
            inside = sum(net.W[j, i].item() * x[n, i].item() for i in range(3)) + net.b[j].item()
            assert hidden[n, j].item() == pytest.approx(math.tanh(inside), abs=1e-12)


def test_the_output_neuron_adds_up_and_the_sigmoid_makes_a_chance_of_it():
    net, (x, _) = network(), examples()
    hidden, logits = forward(net, x)
    for n in range(len(x)):
        z = sum(net.v[j].item() * hidden[n, j].item() for j in range(4)) + net.c.item()
        assert logits[n].item() == pytest.approx(z, abs=1e-12)
        assert torch.sigmoid(logits[n]).item() == pytest.approx(1 / (1 + math.exp(-z)), abs=1e-12)


def test_the_loss_is_the_surprise_of_the_label_and_equals_torch():
    logits, y = randn(50, seed=7), (randn(50, seed=8) > 0).double()
    p = torch.sigmoid(logits)
    by_hand = sum(-math.log(chance if label else 1 - chance) for chance, label in zip(p.tolist(), y.tolist(), strict=True)) / 50
    assert binary_loss(logits, y).item() == pytest.approx(by_hand, abs=1e-12)
    assert torch.allclose(binary_loss(logits, y), torch.nn.functional.binary_cross_entropy_with_logits(logits, y), atol=1e-12)
    large = torch.tensor([1e4, -1e4], dtype=torch.float64)
    assert binary_loss(large, torch.tensor([1.0, 0.0], dtype=torch.float64)).item() == 0
    assert binary_loss(large, torch.tensor([0.0, 1.0], dtype=torch.float64)).item() == 1e4


def test_the_slope_at_the_output_is_the_chance_minus_the_label():
    logits, y = randn(9, seed=9).requires_grad_(), (randn(9, seed=10) > 0).double()
    (slope,) = torch.autograd.grad(binary_loss(logits, y), logits)
    torch.testing.assert_close(slope, (torch.sigmoid(logits.detach()) - y) / 9, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("width", "hidden"), [(1, 1), (3, 4), (2, 16)])
def test_the_backward_pass_equals_autograd(width, hidden):
    net, (x, y) = network(width, hidden), examples(width=width)
    leaves = [part.clone().requires_grad_() for part in net]
    expected = torch.autograd.grad(binary_loss(forward(Network(*leaves), x)[1], y), leaves)
    for got, want in zip(backward(net, x, y), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_finite_differences_agree_and_their_error_falls_with_the_square_of_epsilon():
    net, (x, y) = network(), examples()
    exact = flat(backward(net, x, y))

    def error(epsilon: float) -> float:
        return (numerical_gradient(lambda theta: binary_loss(forward(unflat(theta, net), x)[1], y), flat(net), epsilon) - exact).norm().item()

    assert error(1e-5) < 1e-9
    assert error(1e-2) / error(1e-3) == pytest.approx(100, rel=0.05)
    assert error(1e-11) > 100 * error(1e-5), "too small a nudge is lost in rounding"


def test_a_small_step_against_the_gradient_lowers_the_loss_by_its_squared_length():
    net, (x, y) = network(), examples()
    gradient, rate = flat(backward(net, x, y)), 1e-4
    after = unflat(flat(net) - rate * gradient, net)
    fall = binary_loss(forward(net, x)[1], y) - binary_loss(forward(after, x)[1], y)
    assert fall.item() == pytest.approx(rate * (gradient @ gradient).item(), rel=1e-2)
    uphill = unflat(flat(net) + rate * gradient, net)
    assert binary_loss(forward(uphill, x)[1], y) > binary_loss(forward(net, x)[1], y)


def test_the_loss_over_many_classes_is_the_surprise_of_the_right_one():
    logits, labels = randn(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    by_hand = sum(math.log(sum(math.exp(z) for z in row)) - row[label] for row, label in zip(logits.tolist(), labels.tolist(), strict=True)) / 6
    assert torch.nn.functional.cross_entropy(logits, labels).item() == pytest.approx(by_hand, abs=1e-12)
