"""Who computes, and in which arithmetic: one process or several, on CPU or GPU. Built in lesson 12.

Data-parallel training in three lines: every process holds the whole model, takes its share of the batch, and the
gradients are added up before each step. `accelerate` finds the processes and connects them.
"""

import os
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from llmkit.device import pick_device
from llmkit.shapes import Tensor


class Team:
    """The processes of this run: `rank` of `size`, each computing on its own `device`."""

    def __init__(self, precision: str = "auto"):
        self.rank, self.size, self.device = 0, 1, pick_device()
        if int(os.environ.get("WORLD_SIZE", 1)) > 1:  # started by `accelerate launch` or torchrun
            from accelerate import PartialState

            state = PartialState(cpu=self.device.type == "cpu")
            self.rank, self.size, self.device = state.process_index, state.num_processes, state.device
        self._dtype = arithmetic(precision, self.device)

    def share(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """This process's rows of the batch, on its device: every `size`-th, starting with number `rank`."""
        return {name: tensor[self.rank :: self.size].to(self.device) for name, tensor in batch.items()}

    def autocast(self) -> AbstractContextManager:
        """Inside, matrix products are taken in the fast, short numbers; sums and weights stay in float32."""
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self._dtype)

    def add_up(self, model: nn.Module, tally: Tensor) -> Tensor:
        """Replace every process's gradients, and its `tally`, by their sum over all processes."""
        if self.size == 1:
            return tally
        weights = [p for p in model.parameters() if p.requires_grad]
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in weights]
        everything = torch.cat([tally.float(), *(part.flatten().float() for part in parts)])
        torch.distributed.all_reduce(everything)
        tally, *sums = everything.split([len(tally), *(part.numel() for part in parts)])
        for p, total in zip(weights, sums, strict=True):
            p.grad = total.view_as(p).to(p.dtype)
        return tally

    def begin_alike(self, model: nn.Module) -> None:
        """Give every process the weights of the first."""
        if self.size > 1:
            for tensor in (*model.parameters(), *model.buffers()):
                torch.distributed.broadcast(tensor.data, src=0)

    def anyone(self, wish: bool) -> bool:
        """True in every process as soon as it is true in one."""
        if self.size == 1:
            return wish
        wishes = torch.tensor([float(wish)], device=self.device)
        torch.distributed.all_reduce(wishes)
        return bool(wishes.item())

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            torch.distributed.barrier()


def arithmetic(precision: str, device: torch.device) -> torch.dtype:
    """The numbers that matrix products are taken in.

    "auto" is bfloat16 on a GPU that multiplies in it natively (compute capability 8 and up) and float32 elsewhere.
    bfloat16 has the range of float32 with fewer digits, so that no gradient overflows and no scaling is needed.

    >>> arithmetic("auto", torch.device("cpu"))
    torch.float32
    """
    if precision != "auto":
        return getattr(torch, precision)
    fast = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    return torch.bfloat16 if fast else torch.float32
