"""How many bytes of tensors are alive at once while something is computed. Used in lesson 06."""

from collections.abc import Callable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """Counts, after every operation of torch, the storages that were made since and are still held.

    Exact and the same on every machine. What an operation takes and gives back inside itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._given: set[int] = set()
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        self._given |= {key for key, _ in _storages((args, kwargs)) if key not in self._made}  # inputs are not ours
        result = func(*args, **(kwargs or {}))
        self._made = {key: one for key, one in self._made.items() if not one[0].expired()}
        for key, storage in _storages(result):
            if key not in self._given and key not in self._made:
                self._made[key] = (StorageWeakRef(storage), storage.nbytes())
        self.peak = max(self.peak, sum(size for _, size in self._made.values()))
        return result


def peak_bytes(function: Callable[..., Any], *inputs: torch.Tensor) -> int:
    """The most bytes that `function(*inputs)` held at once beyond its inputs: intermediates and result.

    On a GPU the allocator is asked, which sees the inside of every operation.

    >>> peak_bytes(lambda x: (x + 1).sum(), torch.zeros(1000))
    4004
    """
    where = inputs[0].device if inputs else torch.device("cpu")
    if where.type == "cuda":
        torch.cuda.synchronize(where)
        torch.cuda.reset_peak_memory_stats(where)
        before = torch.cuda.memory_allocated(where)
        function(*inputs)
        torch.cuda.synchronize(where)
        return torch.cuda.max_memory_allocated(where) - before
    with torch.no_grad(), LiveBytes() as counted:
        function(*inputs)
    return counted.peak


def _storages(tree: Any) -> list[tuple[int, torch.UntypedStorage]]:
    tensors = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    return [(storage._cdata, storage) for storage in (tensor.untyped_storage() for tensor in tensors)]
