"""How annotations are checked in the stage `unit`: by beartype, which here lets an int stand for a float, as readers do.

jaxtyping's import hook writes `@jaxtyping.jaxtyped(typechecker=...)` above all that llmkit defines. What jaxtyping itself
has under that name binds the arguments of every call to their names, and looks at them twice; that was a seventh of the
stage. So `jaxtyped` below stands there: one look at the arguments, one at the result, and a letter means one size in both.
"""

import dataclasses
import inspect
from collections.abc import Callable
from functools import partial, wraps
from importlib.machinery import SourceFileLoader

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import _import_hook as hook

checked = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))
as_jaxtyping_does = jaxtyping.jaxtyped


def install() -> None:
    """Before llmkit is imported: `jaxtyped` where the import hook looks for it, and compiled code that lies in its place."""
    jaxtyping.jaxtyped = jaxtyped
    hook._JaxtypingLoader.exec_module = SourceFileLoader.exec_module
    hook._JaxtypingLoader.get_code = get_code


def jaxtyped(*, typechecker: Callable) -> Callable:
    """For a function, or for the making of a dataclass: the annotations are checked wherever it is called."""
    return partial(_typed, typechecker=typechecker)


def _typed(thing: Callable, typechecker: Callable) -> Callable:
    if inspect.isclass(thing):
        make = vars(thing).get("__init__")
        if dataclasses.is_dataclass(thing) and not hasattr(make, "__wrapped__"):
            thing.__init__ = _typed(make, typechecker)
        return thing
    if inspect.isgeneratorfunction(thing) or inspect.iscoroutinefunction(thing):  # works on after the call has ended
        return as_jaxtyping_does(thing, typechecker=typechecker)
    return _typed_function(thing, typechecker) if thing.__annotations__ else thing


def _typed_function(function: Callable, typechecker: Callable) -> Callable:
    config, with_checks = jaxtyping.config, None

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


def get_code(loader: SourceFileLoader, name: str) -> object:
    """Compiled code under a name of its own for a checked module, and for nothing else.

    jaxtyping minds that name as long as the module runs, so all that the module imports (torch, transformers, sympy) would
    be compiled again; and it forgets it where `runpy` asks for code, so `python -m` would find checks in what it runs.
    """
    with hook.patch("importlib._bootstrap_external.cache_from_source", partial(hook._optimized_cache_from_source, loader._typechecker.get_hash())):
        return SourceFileLoader.get_code(loader, name)
