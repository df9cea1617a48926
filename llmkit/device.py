"""Which device computes, what it is called, and the same random numbers every time."""

import os
import platform
import random
from functools import cache
from pathlib import Path

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


@cache
def hardware_name(device: torch.device | str) -> str:
    """The device as the system names it, for a figure that is kept: the processor with its cores, the threads in use."""
    device = torch.device(device)
    if device.type != "cpu":
        return device_name(device)
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    return f"{_processor()}, {_counted(cores, 'core')}, {_counted(threads, 'thread')}"


def memory_free(device: torch.device | str) -> int:
    """Bytes that new tensors may take on the device now; for the CPU what the system can give without swapping.

    Inside a container its own limit counts.
    """
    device = torch.device(device)
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch gives it out again
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    import psutil  # comes with accelerate

    free = psutil.virtual_memory().available
    for limit, used in CONTAINER:
        try:
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):
            continue  # no such file, or the word "max"
    return max(free, 0)


CONTAINER = (  # where Linux says how much memory a container may have, and has
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _processor() -> str:
    """The name of the processor; where the system does not tell it, its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


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
