"""What turns a gradient into a step: AdamW for most parameters, Muon for the hidden matrices. Built in lesson 11.

AdamW scales every number of the gradient by its own recent size. Muon looks at a whole matrix: it keeps the
directions of the gradient and makes all of them equally long, so that rare directions are learned as fast as
common ones. Shape letters: N matrices, R rows, K columns.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

from llmkit.shapes import Float, Tensor

QUINTICS = (  # each is the odd quintic that comes nearest to 1 over all that the ones before make of 0.01 to 1
    (8.0934, -23.6204, 17.4462),
    (3.6366, -2.7219, 0.5365),
    (2.6613, -1.9772, 0.4526),
)
HEADS = ("head", "classifier", "verdict", "span")  # layers that give answers: their rows are classes, not directions


def orthogonalize(matrices: Float[Tensor, "*N R K"]) -> Float[Tensor, "*N R K"]:
    """The nearest thing to a rotation that points the same way: singular values all become roughly 1.

    Newton-Schulz: an odd polynomial of a matrix acts on its singular values alone, so no decomposition is needed,
    only products. First they are divided by the fourth root of the sum of their fourth powers, so that none is above 1.
    Three rounds, each with the best polynomial for what the one before has left, then bring all above 0.01 to between
    0.73 and 1.27; with one polynomial for all, that takes four.
    Many matrices of one shape go through together, which is faster than one by one.

    >>> orthogonalize(torch.diag(torch.tensor([3.0, 0.5]))).diagonal().round(decimals=1)
    tensor([1.1000, 1.2000])

    Built in lesson 11. Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the best
    polynomials: Amsel et al. 2025, "The Polar Express", arXiv:2505.16932.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices  # (*, R, K) with R <= K
    square = x @ x.mT  # (*, R, R) its eigenvalues are the squared singular values of x
    size = square.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-14)  # at least as large as the largest of them
    x, square = x / size.sqrt(), square / size
    for number, (a, b, c) in enumerate(QUINTICS):
        if number:
            square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x  # (*, R, K)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalized: for the matrices inside the blocks, never for embeddings, heads or vectors.

    `lr` is the length of a step in spectral norm, about 0.02; a tall matrix takes a longer one, by sqrt(rows/columns),
    so that its output moves as much as that of a square one. `weight_decay` is decoupled, as in AdamW.
    `torch.optim.Muon` (torch 2.9 and later) does the same, one matrix at a time and in bfloat16.

    >>> layer = nn.Linear(4, 4, bias=False)
    >>> optimizer = Muon([layer.weight], lr=0.02)
    >>> layer(torch.ones(1, 4)).sum().backward(); optimizer.step()

    Built in lesson 11. Jordan et al. 2024.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for matrix in (p for group in self.param_groups for p in group["params"]):
            if matrix.ndim != 2:
                raise ValueError(
                    f"Muon takes matrices; got a parameter of shape {tuple(matrix.shape)}. "
                    f"Give vectors and embeddings to AdamW, as `make_optimizers` does."
                )

    @torch.no_grad()
    def step(self, closure=None) -> None:
        """One step for every matrix that has a gradient; those of one shape are orthogonalized together."""
        for group in self.param_groups:
            same_shape = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    same_shape[matrix.shape, matrix.device].append(matrix)
            for (shape, _), matrices in same_shape.items():
                directions = [self._direction(matrix, group["momentum"]) for matrix in matrices]
                updates = orthogonalize(torch.stack(directions))  # (N, R, K)
                length = group["lr"] * math.sqrt(max(1.0, shape[0] / shape[1]))
                torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(matrices, updates.unbind(), alpha=-length)

    def _direction(self, matrix: nn.Parameter, momentum: float) -> Tensor:
        """The running mean of the gradients, looked at one step ahead (Nesterov)."""
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(mean, momentum)


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """The weights of the linear layers inside the model: all but embeddings and the head that gives the logits.

    A head is known by its name (see HEADS), or because it shares its weight with an embedding.

    >>> [p.shape for p in hidden_matrices(nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 8)))]
    [torch.Size([8, 4])]
    """
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    found = {
        id(m.weight): m.weight
        for name, m in model.named_modules()
        if isinstance(m, nn.Linear) and not name.endswith(HEADS) and id(m.weight) not in tables
    }
    return [p for key, p in found.items() if p.requires_grad]


def make_optimizers(
    model: nn.Module, lr: float = 3e-3, matrix_lr: float | None = 0.02, betas: tuple[float, float] = (0.9, 0.95),
    momentum: float = 0.95, weight_decay: float = 0.0,
) -> list[torch.optim.Optimizer]:  # fmt: skip
    """AdamW for the whole model, or, when `matrix_lr` is a number, Muon for its hidden matrices and AdamW for the rest.

    Weight decay pulls on matrices and embeddings only: a norm's gain and a bias must be free to be what they are.

    >>> [type(o).__name__ for o in make_optimizers(nn.Linear(4, 8))]
    ['Muon', 'AdamW']
    """
    matrices = [] if matrix_lr is None else hidden_matrices(model)
    taken = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in taken]
    groups = [
        {"params": [p for p in rest if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in rest)
    optimizers: list[torch.optim.Optimizer] = []
    if matrices:
        optimizers.append(Muon(matrices, lr=matrix_lr, momentum=momentum, weight_decay=weight_decay))
    if groups:
        optimizers.append(torch.optim.AdamW(groups, lr=lr, betas=betas, fused=fused))
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["peak"] = group["lr"]  # what a schedule multiplies
    return optimizers
