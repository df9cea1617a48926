"""The training microscope in Python: what each way to break it does, that a path can be repeated, and what is refused."""

import json
import math
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.learning import numerical_gradient
from llmkit.widgets import TrainingMicroscope, bundle
from llmkit.widgets.training_microscope import DATA, _loss


def trained(steps: int, rate: float = 1.0, shuffle: bool = True, **traits) -> TrainingMicroscope:
    return TrainingMicroscope(rate=rate, shuffle=shuffle, done=[[rate, shuffle, steps]], **traits)


def neurons(w: TrainingMicroscope) -> torch.Tensor:
    return w.learned.weights[:-1].view(-1, 4)


def right(w: TrainingMicroscope) -> float:
    """The share of training points on the right side of the border."""
    places, labels = w.training_points
    own = neurons(w)
    logits = torch.tanh(places @ own[:, :2].T + own[:, 2]) @ own[:, 3] + w.learned.weights[-1]
    return ((logits > 0) == (labels == 1)).double().mean().item()


@pytest.mark.parametrize("data", DATA)
def test_random_weights_learn_every_set_of_points(data):
    w = trained(500, data=data)
    first, last = w.learned.history[0], w.learned.history[-1]
    assert last.train < 0.5 * first.train and right(w) > 0.93
    assert last.step == 500 and len(w.learned.history) == 51


def test_neurons_that_begin_alike_stay_alike_and_the_border_stays_straight():
    w = trained(300, init="alike")
    assert (neurons(w) - neurons(w)[0]).abs().max() < 1e-12
    assert (neurons(w)[0] - neurons(trained(1, init="alike"))[0]).abs().max() > 0.1, "they do move"
    assert w.learned.history[-1].train > 2 * trained(300).learned.history[-1].train


def test_zeros_stay_zeros_and_the_loss_stays_that_of_a_coin():
    w = trained(300, rate=0.3, init="zero")
    assert neurons(w).abs().max() == 0
    assert w.learned.history[-1].train == pytest.approx(math.log(2), abs=0.02)


def test_weights_ten_times_too_large_hardly_turn():
    def turned(init: str) -> float:
        before, after = neurons(TrainingMicroscope(init=init)), neurons(trained(500, init=init))
        return 1 - torch.cosine_similarity(before[:, :3], after[:, :3]).mean().item()

    assert turned("large") < 0.2 * turned("random")


def test_a_rate_that_is_far_too_large_is_worse_than_a_coin():
    history = trained(500, rate=30.0).learned.history[5:]
    assert sum(look.train for look in history) / len(history) > math.log(2)


def test_without_shuffling_the_loss_goes_up_and_down():
    def unrest(shuffle: bool) -> float:
        losses = [look.train for look in trained(300, rate=0.3, shuffle=shuffle).learned.history[15:]]
        return sum(abs(a - b) for a, b in pairwise(losses)) / len(losses)

    assert unrest(False) > 1.5 * unrest(True)


def test_sixteen_neurons_on_few_points_over_fit():
    history = trained(800, points=24, neurons=16, data="moons").learned.history
    lowest = min(history, key=lambda look: look.validation)
    assert lowest.step < 400 and history[-1].validation > lowest.validation + 0.1 and history[-1].train < 0.2


@pytest.mark.parametrize("data", DATA)
def test_autograd_agrees_with_finite_differences(data):
    w = trained(40, data=data, neurons=3)
    expected = numerical_gradient(lambda weights: _loss(weights, w.training_points), w.learned.weights, 1e-6)
    weights = w.learned.weights.clone().requires_grad_()
    (got,) = torch.autograd.grad(_loss(weights, w.training_points), weights)
    assert (got - expected).abs().max() < 1e-8


def test_the_next_step_is_minus_the_rate_times_the_gradient():
    before = trained(30, rate=0.3)
    after = trained(31, rate=0.3)
    torch.testing.assert_close(after.learned.weights, before.learned.weights - 0.3 * before.learned.gradient, rtol=0, atol=1e-12)


def test_a_path_can_turn_on_the_way_and_be_walked_again():
    w = TrainingMicroscope(rate=0.3)
    w.train(10)
    w.train(5)
    w.rate = 3.0
    w.train(20)
    assert w.done == [[0.3, True, 15], [3.0, True, 20]] and w.steps == 35
    again = TrainingMicroscope(done=w.done)
    assert torch.equal(again.learned.weights, w.learned.weights)
    assert not torch.equal(trained(35, rate=0.3).learned.weights, w.learned.weights)


def test_points_of_each_kind_come_sorted_and_validation_is_made_of_others():
    w = TrainingMicroscope(points=24)
    assert w.training_points.labels.tolist() == [0.0] * 12 + [1.0] * 12
    assert len(w.validation_points.labels) == 120
    both = torch.cdist(w.training_points.places, w.validation_points.places)
    assert both.min() > 0


@pytest.mark.parametrize(
    "bad",
    [
        {"data": "spiral"}, {"init": "huge"}, {"points": 25}, {"neurons": 0}, {"neurons": 17}, {"rate": 0.0}, {"rate": math.nan},
        {"rate": 101.0}, {"seed": -1}, {"lens": 16}, {"guess": 3}, {"done": [[0.3, True]]}, {"done": [[0.3, True, 0]]},
        {"done": [[0.3, 1, 5]]}, {"done": [[math.nan, True, 5]]}, {"done": [[0.3, True, 1500], [1, True, 501]]}, {"done": ["run"]},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    w = TrainingMicroscope()
    ((name, value),) = bad.items()
    before = getattr(w, name)
    with pytest.raises(TraitError):
        setattr(w, name, value)
    assert getattr(w, name) == before


def test_the_refusal_says_why():
    with pytest.raises(TraitError, match=r"data must be one of 'ring', 'moons', 'corners'; got 'spiral'\."):
        TrainingMicroscope(data="spiral")
    with pytest.raises(TraitError, match=r"done must hold at most 2,000 steps in all; got 2,001\."):
        TrainingMicroscope(done=[[0.3, True, 1000], [1.0, True, 1001]])


def test_the_page_gets_plain_json_and_a_small_picture():
    page = trained(100).page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"])) and page["state"]["kernel"] is False
    assert len(page["picture"]) < 25_000
    words = " ".join(element.text for element in ElementTree.fromstring(page["picture"]).iter() if element.text)
    assert words.startswith("Step 100: training loss 0.")


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("training_microscope").encode())
    print(f"training microscope with kit, math and learner: {size:,} bytes")
    assert size < 30_000


def test_it_says_what_it_shows():
    assert repr(trained(1200, neurons=1)) == "Training microscope: 1 neuron learning to tell two kinds of points apart (ring), after 1,200 steps"
