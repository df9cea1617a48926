"""The fixtures that every browser test stands on."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
import typecheck
from jaxtyping import Float, TypeCheckError
from torch import Tensor


def test_a_prefixed_server_serves_nothing_outside_its_prefix(serve, tmp_path):
    (tmp_path / "index.html").write_text("here")
    base = serve(tmp_path, prefix="/book/")
    assert urllib.request.urlopen(base).read() == b"here"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(base.replace("/book/", "/"))


def test_annotations_are_checked_when_the_stage_asks_for_it(request):
    if not request.config.getoption("--jaxtyping-packages"):
        pytest.skip("annotations are checked in the stage `unit`: make test ONLY=unit")
    from llmkit.attention import softmax

    try:
        softmax("no tensor")
    except Exception as error:
        assert type(error).__name__ == "TypeCheckError"
    else:
        pytest.fail("a wrong type went unnoticed: the import hook does not reach llmkit")


typed = typecheck.jaxtyped(typechecker=typecheck.checked)


def refused(call, *arguments):
    with pytest.raises(TypeCheckError):
        call(*arguments)


def test_the_checker_holds_arguments_and_result_to_the_same_letters():
    @typed
    def product(a: Float[Tensor, "T D"], b: Float[Tensor, "D E"], scale: float = 1) -> Float[Tensor, "T E"]:
        return scale * a @ b if scale else a

    a, b = torch.ones(2, 3), torch.ones(3, 4)
    assert product(a, b, 2).shape == (2, 4)  # an int is as good as a float
    refused(product, a, a)
    refused(product, a, b, "2")
    refused(product, a, b, 0)
    assert product(b, torch.ones(4, 4)).shape == (3, 4), "the letters of one call do not hold for the next"
    with typecheck.unchecked():
        assert product(a, b, 0) is a


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
    def rows(self, number: int) -> Iterator[Tensor]:
        yield from self.left[:number]


def test_the_checker_looks_into_methods_generators_and_dataclasses():
    pair = Pair(torch.ones(2, 3), torch.ones(2, 3))
    refused(Pair, torch.ones(2, 3), torch.ones(2, 4))
    refused(lambda: pair.name)
    refused(pair.longer, torch.ones(3, 3).long())
    refused(pair.rows, "one")
    assert pair.longer(torch.ones(1, 3)).left.shape == (3, 3) and len(list(pair.rows(1))) == 1
