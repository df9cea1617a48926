"""What is checked in the stage `unit` is refused where it is wrong, and no reader meets the checks."""

import runpy
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from checker import checked, jaxtyped
from jaxtyping import Float, Int, TypeCheckError, install_import_hook
from torch import Tensor
from typecheck import unchecked

typed = jaxtyped(typechecker=checked)


def refused(call, *arguments):
    with pytest.raises(TypeCheckError):
        call(*arguments)


@typed
def product(a: Float[Tensor, "T D"], b: Float[Tensor, "D E"], scale: float = 1) -> Float[Tensor, "T E"]:
    return scale * a @ b if scale else a


def test_arguments_and_result_are_held_to_the_same_letters():
    a, b = torch.ones(2, 3), torch.ones(3, 4)
    assert product(a, b, 2).shape == (2, 4)  # an int is as good as a float
    refused(product, a, a)
    refused(product, a, b.long())
    refused(product, a, b, "2")
    refused(product, a, b, 0)
    assert product(b, torch.ones(4, 4)).shape == (3, 4), "the letters of one call hold for the next"
    with unchecked():
        assert product(a, b, 0) is a


def test_a_call_within_a_call_has_letters_of_its_own():
    @typed
    def outer(rows: Float[Tensor, "T D"]) -> Float[Tensor, "T D"]:
        return product(torch.ones(7, 5), torch.ones(5, 5))[:2, :3] + rows

    assert outer(torch.ones(2, 3)).shape == (2, 3)
    refused(outer, torch.ones(1, 3))  # two rows come back
    assert outer(torch.ones(2, 3)).shape == (2, 3), "the letters of a call that was refused are forgotten"


@typed
@dataclass(frozen=True)
class Pair:
    left: Float[Tensor, "T D"]
    right: Float[Tensor, "T D"]

    @property
    @typed
    def name(self) -> str:
        return 7

    @typed
    def longer(self, more: Float[Tensor, "N D"]) -> "Pair":
        return Pair(torch.cat([self.left, more]), torch.cat([self.right, more]))

    @typed
    def rows(self, number: int) -> Iterator[Int[Tensor, "..."]]:
        yield from self.left[:number]


def test_methods_generators_and_dataclasses_are_checked_too():
    pair = Pair(torch.ones(2, 3), torch.ones(2, 3))
    refused(Pair, torch.ones(2, 3), torch.ones(2, 4))
    refused(lambda: pair.name)
    refused(pair.longer, torch.ones(3, 3).long())
    refused(pair.rows, "one")
    assert pair.longer(torch.ones(1, 3)).left.shape == (3, 3)


def test_what_is_compiled_with_checks_is_never_found_by_a_program_without(request, tmp_path, monkeypatch):
    if not request.config.getoption("--jaxtyping-packages"):
        pytest.skip("annotations are checked in the stage `unit`: make test ONLY=unit")
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "__init__.py").write_text("")
    (tmp_path / "asked" / "__main__.py").write_text("import asked.part\n")
    (tmp_path / "asked" / "part.py").write_text("import beside\n\ndef half(number: int) -> float: return number / 2\n")
    (tmp_path / "beside.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    with install_import_hook("asked", "checker.checked"):
        part = runpy.run_module("asked", run_name="__main__")["asked"].part
    refused(part.half, "one")
    compiled = {path.name.split(".")[0]: "jaxtyping" in path.name for path in tmp_path.rglob("*.pyc")}
    assert compiled == {"__init__": True, "__main__": True, "part": True, "beside": False}
