"""The scale lab in Python: the law it shows, measured, and what it refuses."""

import json
import math
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.widgets import ScaleLab, bundle


@pytest.mark.parametrize("d", [4, 64, 1024])
def test_raw_scores_have_variance_d_and_scaling_brings_it_to_1(d):
    raw, root, by_d = (ScaleLab(d=d, rule=rule).measured for rule in ("raw", "root", "d"))
    # 4,096 scores; those of one query share its length, so a few standard errors are about one part in ten
    assert raw.variance == pytest.approx(d, rel=0.1)
    assert root.variance == pytest.approx(1, rel=0.1)
    assert by_d.variance == pytest.approx(1 / d, rel=0.1)
    assert (raw.predicted, root.predicted) == (d, pytest.approx(1))


@pytest.mark.parametrize(("d", "entropy", "response"), [(4, 1.78, 0.33), (64, 0.40, 0.11), (1024, 0.09, 0.0)])
def test_raw_weights_collapse_and_a_typical_one_no_longer_responds(d, entropy, response):
    raw, root = ScaleLab(d=d).measured, ScaleLab(d=d, rule="root").measured
    assert raw.entropy == pytest.approx(
        entropy, abs=0.06
    )  # the standard error of a mean over 256 queries is 0.03
    assert raw.response == pytest.approx(response, abs=0.05)  # 256 queries: a few hundredths
    assert root.entropy == pytest.approx(2.37, abs=0.06)
    assert root.response == pytest.approx(0.30, abs=0.02)


def test_the_response_is_that_of_a_typical_query_and_not_of_the_rare_ties():
    w = ScaleLab(d=1024)
    norms = torch.stack(
        [torch.autograd.functional.jacobian(lambda s: s.softmax(-1), row).norm() for row in w.scores]
    )
    assert w.measured.response == pytest.approx(norms.quantile(0.5).item(), rel=1e-6)
    assert w.measured.response < 1e-3
    assert norms.mean() > 100 * w.measured.response  # what the ties make of the mean


def test_temperature_divides_the_scores_once_more():
    warm = ScaleLab(d=64, rule="root", temperature=2.0)
    torch.testing.assert_close(warm.scores * 2, ScaleLab(d=64, rule="root").scores)
    assert warm.measured.predicted == pytest.approx(0.25)


@pytest.mark.parametrize(
    "bad",
    [
        {"d": 0}, {"d": 1025}, {"d": "wide"}, {"temperature": 0.0}, {"temperature": math.nan}, {"temperature": 11.0},
        {"num_keys": 1}, {"num_keys": 65}, {"rule": "cube"}, {"seed": -1}, {"guess": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    w = ScaleLab()
    ((name, value),) = bad.items()
    before = getattr(w, name)
    with pytest.raises(TraitError):
        setattr(w, name, value)
    assert getattr(w, name) == before


def test_the_refusal_names_the_range():
    with pytest.raises(TraitError, match=r"d must be from 1 to 1,024; got 2000\."):
        ScaleLab(d=2000)


def test_the_page_gets_plain_json_and_a_small_picture():
    page = ScaleLab().page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 6_000
    words = " ".join(
        element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text
    )
    assert "At d = 4, q·k" in words
    assert "2.77" in words
    assert f"typical response {ScaleLab().measured.response:.2f}" in words


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("scale_lab").encode())
    print(f"scale lab with kit and math: {size:,} bytes")
    assert size < 30_000


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():  # the last: the widget keeps the draws of two seeds
    first, again, other = (ScaleLab(seed=seed, num_keys=2).scores for seed in (3, 3, 4))
    torch.testing.assert_close(first, again)
    assert not torch.equal(first, other)
    assert ScaleLab(num_keys=5).scores.shape == (256, 5)
