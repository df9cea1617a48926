"""The fixtures that every browser test stands on."""

import urllib.error
import urllib.request

import pytest


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
