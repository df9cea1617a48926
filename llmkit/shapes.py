"""Shapes as types: `Float[Tensor, "B T C"]` says that B, T and C are the axes of a float tensor.

The letters are those of book/notation.md. Without jaxtyping the annotations say nothing and the maths still works.
"""

from torch import Tensor

try:
    from jaxtyping import Bool, Float, Int
except ImportError:

    class _Unchecked:
        """Stands where jaxtyping would check: `Float[Tensor, "T D"]` is then just `Tensor`."""

        def __class_getitem__(cls, _: object) -> type:
            return Tensor

    Bool = Float = Int = _Unchecked

__all__ = ["Bool", "Float", "Int", "Tensor"]
