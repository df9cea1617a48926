"""The ways to compute attention that this torch may have, each as a function, and why one cannot be had here. Lesson 06."""

import shutil
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

import torch
from torch.nn.functional import scaled_dot_product_attention

from llmkit.attention import attend
from llmkit.attention_bench.costs import DTYPES, NAMES, TILE
from llmkit.online_attention import online_attention
from llmkit.shapes import Float, Tensor

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
BACKENDS = tuple(NAMES)
SDPA = {"math": "MATH", "flash": "FLASH_ATTENTION", "efficient": "EFFICIENT_ATTENTION", "cudnn": "CUDNN_ATTENTION"}
ONLY_ON_CUDA = ("efficient", "cudnn")


def attention(backend: str) -> Attention:
    """The backend as a function of queries, keys and values (B, H, T, D).

    >>> q = torch.randn(1, 2, 8, 4)
    >>> torch.allclose(attention("flash")(q, q, q), attention("plain")(q, q, q), atol=1e-6)
    True
    """
    if backend == "plain":
        return lambda query, key, value: attend(query, key, value).output
    if backend == "online":
        return lambda query, key, value: online_attention(query, key, value, tile=TILE)
    if backend == "flex":
        return _compiled_flex()
    if backend not in SDPA:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}.")
    return _sdpa(backend)


def _sdpa(backend: str) -> Attention:
    """PyTorch's own attention, made to take this way and no other."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    kernel = getattr(SDPBackend, SDPA[backend])

    def attend_with(query: Float[Tensor, "B H T D"], key: Float[Tensor, "B H S D"], value: Float[Tensor, "B H S D"]) -> Tensor:
        with sdpa_kernel(kernel):
            return scaled_dot_product_attention(query, key, value)

    return attend_with


@cache
def _compiled_flex() -> Attention:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True)  # one compilation for all lengths


def reason_against(backend: str, device: torch.device | str, dtype: str) -> str:
    """Why the backend cannot run here, as a sentence; empty where it can. FlexAttention is believed, the others are tried.

    >>> reason_against("cudnn", "cpu", "float32")
    'cuDNN is a library for NVIDIA GPUs.'
    """
    device = torch.device(device)
    if problem := _reason_against_dtype(device, dtype):
        return problem
    if backend == "flex":
        return _reason_against_flex(device)
    if backend in ONLY_ON_CUDA and device.type != "cuda":
        return "cuDNN is a library for NVIDIA GPUs." if backend == "cudnn" else "It is written for NVIDIA and AMD GPUs only."
    if backend in SDPA and not _has_sdpa(backend):
        return f"torch {torch.__version__.partition('+')[0]} does not have it."
    return _tried(backend, device, dtype)


def available(device: torch.device | str, dtype: str) -> dict[str, str]:
    """For each backend the reason why it cannot run on the device with this dtype; an empty one where it can."""
    return {backend: reason_against(backend, device, dtype) for backend in BACKENDS}


def _reason_against_dtype(device: torch.device, dtype: str) -> str:
    try:
        one = torch.ones(2, 2, dtype=DTYPES[dtype], device=device)
        (one @ one).sum().item()
    except (RuntimeError, TypeError, AssertionError) as problem:
        return f"This device cannot compute in {dtype}: {first_line(problem)}"
    if dtype == "bfloat16" and device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        return "This GPU has no arithmetic in bfloat16 of its own; float16 it has."
    return ""


def _has_sdpa(backend: str) -> bool:
    try:
        from torch.nn.attention import SDPBackend
    except ImportError:
        return False
    return hasattr(SDPBackend, SDPA[backend])


def _reason_against_flex(device: torch.device) -> str:
    if not _has_flex():
        return f"torch {torch.__version__.partition('+')[0]} does not have it."
    if device.type == "cuda":
        return "" if find_spec("triton") else "It must be compiled, and the compiler Triton is not installed."
    if device.type == "cpu":
        return "" if any(map(shutil.which, ("g++", "c++", "clang++", "cl"))) else "It must be compiled, and there is no C++ compiler here."
    return "It is compiled for CPUs and NVIDIA GPUs only."


def _has_flex() -> bool:
    try:
        return find_spec("torch.nn.attention.flex_attention") is not None
    except ModuleNotFoundError:
        return False


def _tried(backend: str, device: torch.device, dtype: str) -> str:
    """Run it on a few numbers. Torch tells the reason of a refusal in warnings."""
    few = torch.ones(1, 1, 16, 64, dtype=DTYPES[dtype], device=device)
    with warnings.catch_warnings(record=True) as told, torch.no_grad():
        warnings.simplefilter("always")
        try:
            attention(backend)(few, few, few)
        except (RuntimeError, TypeError, NotImplementedError, AssertionError) as problem:
            reasons = [str(warning.message).partition(" (Triggered")[0] for warning in told]
            why = [reason for reason in reasons if "not used because" not in reason and "not enabled" not in reason and "disabled" not in reason]
            return f"Torch refuses: {(why or [first_line(problem)])[0]}"
    return ""


def first_line(problem: BaseException) -> str:
    """What an exception says, in its first line.

    >>> first_line(RuntimeError("CUDA is gone\\nCompile with ..."))
    'CUDA is gone'
    """
    return str(problem).strip().partition("\n")[0] or type(problem).__name__
