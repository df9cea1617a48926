"""Temperature, top-k, top-p and min-p in the page, against llmkit.sampling and the processors of `transformers`."""

import math
from itertools import product

import pytest
import torch

from llmkit.sampling import Sampling, probabilities

pytestmark = pytest.mark.browser

SETTINGS = [
    {"temperature": t, "topK": k, "topP": p, "minP": m}
    for t, k, p, m in product((0.2, 1.0, 2.0), (0, 1, 7, 200), (0.05, 0.9, 1.0), (0.0, 0.1, 1.0))
]
# Probabilities by id, for each of the settings.
SHAPED = """async ([logits, all]) => {
  const js = await import('/sampling.js');
  const order = js.ranking(Float32Array.from(logits));
  const ranked = Float32Array.from(order, (id) => logits[id]);
  return all.map((settings) => {
    const { after, kept } = js.distribution(ranked, settings);
    const byId = new Array(logits.length);
    order.forEach((id, rank) => { byId[id] = after[rank]; });
    return [byId, kept];
  }); }"""


def random_logits(scale, size=200):
    return scale * torch.randn(size, generator=torch.Generator().manual_seed(size))


def of_transformers(logits, settings):
    # imported here, or every process that collects would take a second for it
    from transformers.generation import logits_process as library

    scores = library.TemperatureLogitsWarper(settings["temperature"])(None, logits[None])
    if settings["topK"]:
        scores = library.TopKLogitsWarper(settings["topK"])(None, scores)
    scores = library.TopPLogitsWarper(settings["topP"])(None, scores)
    return library.MinPLogitsWarper(settings["minP"])(None, scores)[0].softmax(-1)


@pytest.mark.parametrize("scale", [0.3, 4.0])
def test_the_page_shapes_the_distribution_as_pytorch_and_transformers_do(page, scale):
    logits = random_logits(scale)
    for settings, (got, kept) in zip(SETTINGS, page.evaluate(SHAPED, [logits.tolist(), SETTINGS]), strict=True):
        got = torch.tensor(got, dtype=torch.float64)
        ours = Sampling(settings["temperature"], settings["topK"] or None, settings["topP"], settings["minP"])
        for expected in (probabilities(ours.adjust(logits.double())), of_transformers(logits.double(), settings)):
            torch.testing.assert_close(got, expected, atol=1e-12, rtol=0)  # float64 on both sides
        assert kept == (got > 0).sum()


def test_at_temperature_0_only_the_first_of_the_likeliest_can_be_drawn(page):
    settings = {"temperature": 0, "topK": 0, "topP": 1, "minP": 0}
    ((got, kept),) = page.evaluate(SHAPED, [[1.0, 3.0, 3.0, -1.0], [settings]])
    assert got == [0, 1, 0, 0]
    assert kept == 4  # nothing was cut; the others have probability 0


def test_tokens_equal_to_the_kth_stay_as_in_python(page):
    settings = {"temperature": 1, "topK": 2, "topP": 1, "minP": 0}
    ((got, kept),) = page.evaluate(SHAPED, [[2.0, 5.0, 2.0, 2.0, 0.0], [settings]])
    assert kept == 4
    expected = probabilities(Sampling(top_k=2).adjust(torch.tensor([2.0, 5.0, 2.0, 2.0, 0.0])))
    torch.testing.assert_close(torch.tensor(got), expected)


def test_surprise_is_the_cross_entropy(page):
    logits = random_logits(5)
    got = page.evaluate("async (logits) => { const js = await import('/sampling.js'); return logits.map((_, id) => js.surprise(Float32Array.from(logits), id)); }", logits.tolist())
    torch.testing.assert_close(torch.tensor(got, dtype=torch.float64), -logits.double().log_softmax(-1), atol=1e-6, rtol=0)


def test_a_hundred_thousand_draws_come_as_often_as_their_probabilities_say_and_what_is_cut_never(page):
    after = [0.5, 0.25, 0.15, 0.1, 0.0, 0.0]
    counts = page.evaluate("""async (after) => {
      const [js, math] = await Promise.all([import('/sampling.js'), import('/math.js')]);
      const counts = after.map(() => 0);
      for (const rank of js.draws({ after, kept: 4 }, 100000, math.uniform(3))) counts[rank] += 1;
      return counts; }""", after)  # fmt: skip
    assert sum(counts) == 100_000
    assert counts[4:] == [0, 0]
    for count, share in zip(counts[:4], after[:4], strict=True):
        assert abs(count - 1e5 * share) < 5 * math.sqrt(1e5 * share * (1 - share))  # five standard deviations
