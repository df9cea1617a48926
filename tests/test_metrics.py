import math

import pytest
import torch

from llmkit.metrics import entropy


@pytest.mark.parametrize("keys", [1, 2, 16, 1000])
def test_entropy_of_equal_weights_is_the_logarithm_of_their_number(keys):
    assert entropy(torch.full((keys,), 1 / keys, dtype=torch.float64)).item() == pytest.approx(math.log(keys), abs=1e-12)


def test_entropy_of_certainty_is_zero():
    assert entropy(torch.tensor([0.0, 1.0, 0.0])).item() == 0


def test_entropy_equals_torch_distributions():
    weights = torch.softmax(torch.randn(5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64), -1)
    assert torch.allclose(entropy(weights), torch.distributions.Categorical(probs=weights).entropy(), atol=1e-12)
    assert torch.allclose(entropy(weights.T, dim=0), entropy(weights), atol=1e-12)
