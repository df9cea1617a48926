"""The type checker of the stage `unit`: beartype, which here lets an int stand for a float, as readers do.

The import hook of jaxtyping writes `@jaxtyping.jaxtyped(typechecker=...)` above all that is defined in llmkit. What
jaxtyping has under that name looks at every argument twice in each call and binds it once more for its messages; it was
a fifth of the stage. So `jaxtyped` below stands there: one look at the arguments, one at the result, and the letters
of the shapes hold for both.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps

import jaxtyping
from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))
as_jaxtyping_does = jaxtyping.jaxtyped


def jaxtyped(*, typechecker: Callable) -> Callable:
    """For a function, or for the making of a dataclass: the annotations are checked wherever it is called."""
    return partial(_typed, typechecker=typechecker)


def _typed(thing: object, typechecker: Callable) -> object:
    if inspect.isclass(thing):
        make = vars(thing).get("__init__")
        if dataclasses.is_dataclass(thing) and inspect.isfunction(make) and not hasattr(make, "__wrapped__"):
            thing.__init__ = _typed(make, typechecker)
        return thing
    if not inspect.isfunction(thing):
        return as_jaxtyping_does(thing, typechecker=typechecker)
    return _typed_function(thing, typechecker) if thing.__annotations__ else thing


def _typed_function(function: Callable, typechecker: Callable) -> Callable:
    config, with_checks = jaxtyping.config, None
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):  # works on after the call has ended
        typechecker = as_jaxtyping_does(typechecker=typechecker)

    @wraps(function)
    def call(*args, **kwargs):
        nonlocal with_checks
        if config.jaxtyping_disable:
            return function(*args, **kwargs)
        if with_checks is None:  # not before: every process imports all of llmkit and calls a part of it
            with_checks = typechecker(function)
        with as_jaxtyping_does("context"):
            return with_checks(*args, **kwargs)

    return call


def install() -> None:
    """Put `jaxtyped` where the import hook looks for it; before llmkit is imported."""
    jaxtyping.jaxtyped = jaxtyped


@contextmanager
def unchecked() -> Iterator[None]:
    """Annotations are not checked meanwhile, where they are checked at all."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
