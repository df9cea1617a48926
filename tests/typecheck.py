"""Annotations can be left unchecked for a while; how they are checked is in `checker.py`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unchecked() -> Iterator[None]:
    """Annotations are not checked meanwhile, where they are checked at all."""
    if "jaxtyping" not in sys.modules:
        yield
        return
    config = sys.modules["jaxtyping"].config
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)
