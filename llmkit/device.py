"""Which device computes, what it is called, and the same random numbers every time."""

import os
import random
from functools import cache

import torch


def devices() -> list[torch.device]:
    """Every device that this torch can compute on, fastest kind first; the CPU is always the last."""
    found = [torch.device("cuda", i) for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append(torch.device("mps"))
    return [*found, torch.device("cpu")]


def pick_device(prefer: str | torch.device | None = None) -> torch.device:
    """The device to compute on: `prefer`, else the environment's `LLMKIT_DEVICE`, else the fastest there is.

    Raises ValueError when the wanted device is not here.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    wanted = prefer or os.environ.get("LLMKIT_DEVICE")
    if wanted is None:
        return devices()[0]
    for device in devices():
        if str(wanted) in (str(device), device.type):
            return device
    here = ", ".join(str(device) for device in devices())
    raise ValueError(
        f"There is no device {str(wanted)!r} here; this machine offers: {here}. "
        f"Choose one of these, or unset LLMKIT_DEVICE to let the book choose."
    )


@cache
def device_name(device: torch.device | str) -> str:
    """What a reader calls the device: the name of the GPU, or the CPU with its number of threads."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    return f"CPU, {torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"


def seed_everything(seed: int = 0) -> None:
    """Start Python's and torch's random numbers from `seed`, on every device."""
    random.seed(seed)
    torch.manual_seed(seed)


def start(seed: int = 0) -> None:
    """The last line of every lesson's setup: choose a device, seed the random numbers, say where we are.

    Text that is printed from tensors is rounded to four decimals, the same on every machine.
    """
    from llmkit import __version__

    seed_everything(seed)
    torch.set_printoptions(precision=4, sci_mode=False)
    device = pick_device()
    print(f"llmkit {__version__}, torch {torch.__version__}, computing on: {device_name(device)}")
