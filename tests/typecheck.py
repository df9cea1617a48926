"""The type checker of the stage `unit`: beartype, which here lets an int stand for a float, as readers do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))


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
