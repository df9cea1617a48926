"""Muon, against the singular value decomposition that it does without, and against torch's own."""

import pytest
import torch
from torch import nn

from llmkit.optimizers import QUINTICS, Muon, hidden_matrices, make_optimizers, orthogonalize
from llmkit.transformer import Config, PretrainingModel, SpanModel, Transformer


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6), (3, 8, 5)])
def test_orthogonalizing_keeps_the_directions_and_makes_them_about_equally_long(shape):
    matrix = torch.randn(shape, dtype=torch.float64)
    out = orthogonalize(matrix)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    inside = u.mT @ out @ vh.mT  # diagonal where the directions are kept; what is on it are the new lengths
    lengths = inside.diagonal(dim1=-2, dim2=-1)
    assert torch.allclose(inside, torch.diag_embed(lengths), atol=1e-9)
    assert lengths.min() > 0.3 and lengths.max() < 1.3


def test_orthogonalizing_a_pile_of_matrices_is_orthogonalizing_each():
    pile = torch.randn(4, 6, 9, dtype=torch.float64)
    assert torch.allclose(orthogonalize(pile), torch.stack([orthogonalize(m) for m in pile]), atol=1e-12)


def test_singular_values_down_to_one_in_a_hundred_end_between_073_and_127():
    values = torch.logspace(-2, 0, 500, dtype=torch.float64)
    rotations = [torch.linalg.qr(torch.randn(500, 500, dtype=torch.float64))[0] for _ in range(2)]
    out = orthogonalize(rotations[0] * values @ rotations[1])
    largest = values.pow(4).sum().pow(0.25)  # what the matrix is divided by: here 3.2 times its largest singular value
    inside = values / largest >= 0.01
    lengths = (rotations[0].mT @ out @ rotations[1].mT).diagonal()
    assert 0.72 < lengths[inside].min() < 0.74 and lengths.max() < 1.28


def test_each_polynomial_is_the_best_for_what_the_one_before_has_left():
    """The best polynomial of this form errs equally far, up and down by turns, four times (Chebyshev)."""
    low, high = 0.01, 1.0
    for a, b, c in QUINTICS:
        x = torch.linspace(low, high, 100_001, dtype=torch.float64)
        error = a * x + b * x**3 + c * x**5 - 1
        turns = ((error[1:-1] - error[:-2]) * (error[2:] - error[1:-1]) < 0).nonzero()[:, 0] + 1
        extremes = error[torch.cat([torch.tensor([0]), turns, torch.tensor([len(x) - 1])])]
        assert extremes.sign().tolist() == [-1, 1, -1, 1]
        assert torch.allclose(extremes.abs(), extremes.abs().max(), atol=2e-3)
        low, high = 1 - float(extremes.abs().max()), 1 + float(extremes.abs().max())


def test_a_gradient_of_zero_moves_nothing():
    assert torch.equal(orthogonalize(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def descend(optimizer_of, steps=6, dtype=torch.float32):
    """The weights after some steps on a fixed chain of random gradients."""
    torch.manual_seed(3)
    weights = [nn.Parameter(torch.randn(12, 8, dtype=dtype)), nn.Parameter(torch.randn(8, 12, dtype=dtype))]
    optimizer = optimizer_of(weights)
    for _ in range(steps):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, dtype=dtype)
        optimizer.step()
    return torch.cat([w.detach().flatten() for w in weights]), optimizer


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon of its own (2.9 and later do)")
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_muon_moves_as_the_muon_of_torch_does(decay, monkeypatch):
    """With its way of orthogonalizing, five rounds of one polynomial, it is the same."""

    def as_torch_does(matrices):
        x = matrices / matrices.norm(dim=(-2, -1), keepdim=True)
        for _ in range(5):
            product = x @ x.mT
            x = 3.4445 * x + (-4.7750 * product + 2.0315 * product @ product) @ x
        return x

    monkeypatch.setattr("llmkit.optimizers.orthogonalize", as_torch_does)
    mine, _ = descend(lambda w: Muon(w, lr=0.02, momentum=0.9, weight_decay=decay))
    theirs, _ = descend(lambda w: torch.optim.Muon(w, lr=0.02, momentum=0.9, weight_decay=decay))
    start, _ = descend(lambda w: Muon(w), steps=0)
    moved = (theirs - start).norm()
    assert moved > 0.3
    assert (mine - theirs).norm() < 0.02 * moved  # theirs orthogonalizes in bfloat16, which has 3 digits


def test_the_first_step_of_muon_is_lr_times_the_orthogonalized_gradient_longer_for_tall_matrices():
    for shape, stretch in (((4, 4), 1.0), ((16, 4), 2.0), ((4, 16), 1.0)):
        weight = nn.Parameter(torch.zeros(shape, dtype=torch.float64))
        weight.grad = torch.randn(shape, dtype=torch.float64)
        Muon([weight], lr=0.1).step()
        assert torch.allclose(weight.detach(), -0.1 * stretch * orthogonalize(weight.grad), atol=1e-9)


def test_a_matrix_without_a_gradient_stays():
    weight = nn.Parameter(torch.ones(3, 3))
    Muon([weight]).step()
    assert torch.equal(weight.detach(), torch.ones(3, 3))


def test_muon_refuses_a_vector():
    with pytest.raises(ValueError, match=r"Muon takes matrices; got a parameter of shape \(5,\)"):
        Muon([nn.Parameter(torch.ones(5))])


@pytest.mark.parametrize("tied", [True, False])
def test_embeddings_heads_and_norms_go_to_adamw_and_everything_goes_somewhere(tied):
    model = Transformer(Config(vocab_size=30, width=16, num_layers=2, num_heads=2, tied=tied, bias=True))
    names = {id(p): name for name, p in model.named_parameters()}
    matrices = {names[id(p)] for p in hidden_matrices(model)}
    assert matrices == {n for n in names.values() if "blocks" in n and "norm" not in n and n.endswith("weight")}
    muon, adamw = make_optimizers(model, weight_decay=0.1)
    given = [id(p) for o in (muon, adamw) for group in o.param_groups for p in group["params"]]
    assert sorted(given) == sorted(names)
    decayed = {names[id(p)] for group in adamw.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == ({"embedding.weight"} if tied else {"embedding.weight", "head.weight"})


def test_layers_that_give_answers_go_to_adamw():
    config = Config(vocab_size=30, width=16, num_layers=1, num_heads=2, kind="encoder")
    for head in (PretrainingModel, SpanModel):
        model = head(config)
        rest = {id(p) for p in model.parameters()} - {id(p) for p in hidden_matrices(model)}
        left = {name for name, p in model.named_parameters() if id(p) in rest and p.ndim == 2}
        assert left == {"encoder.embedding.weight", "verdict.weight" if head is PretrainingModel else "span.weight"}


def test_without_a_rate_for_matrices_adamw_takes_all():
    (only,) = make_optimizers(nn.Linear(3, 4), matrix_lr=None)
    assert isinstance(only, torch.optim.AdamW)
    assert sum(len(group["params"]) for group in only.param_groups) == 2
