"""The formulas of math.js, one by one, against PyTorch on the same inputs; the colors of kit.js against Plotly's."""

import math

import plotly.colors
import pytest
import torch

from llmkit import attention, metrics
from llmkit.widgets import draws, pictures, scale_lab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def call(page):
    """call(module, expression, *arguments): what the expression of `js` (the module) and `a` (the arguments) gives."""
    return lambda module, expression, *arguments: page.evaluate(
        f"async (a) => {{ const js = await import('/{module}.js'); return {expression}; }}", list(arguments)
    )


def matrix(rows: int, columns: int, scale: float = 1.0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(rows * 100 + columns)
    return scale * torch.randn(rows, columns, generator=draw, dtype=torch.float64)


def assert_same(got: object, expected: torch.Tensor, tolerance: float = 1e-12) -> None:
    """Both sides compute in float64; only the order of the additions differs."""
    torch.testing.assert_close(torch.tensor(got, dtype=torch.float64), expected, atol=tolerance, rtol=1e-12)


CHECKED = {
    "dot", "products", "mix", "softmax", "entropy", "jacobianNorm", "mean", "median", "variance", "uniform", "normal",
}  # fmt: skip


def test_no_formula_of_math_js_goes_unchecked(call):
    assert set(call("math", "Object.keys(js)")) == CHECKED


@pytest.mark.parametrize(("t", "s", "d"), [(1, 1, 1), (3, 5, 2), (8, 8, 64)])
def test_dot_and_products_are_query_times_key_transposed(call, t, s, d):
    query, key = matrix(t, d), matrix(s, d)
    assert_same(
        call("math", "js.products(a[0], a[1])", query.tolist(), key.tolist()), attention.dot_score(query, key)
    )
    assert_same(call("math", "js.dot(a[0], a[1])", query[0].tolist(), key[0].tolist()), query[0] @ key[0])


@pytest.mark.parametrize(("t", "s", "e"), [(1, 1, 1), (3, 5, 2), (8, 16, 4)])
def test_mix_is_weights_times_values(call, t, s, e):
    weights, value = matrix(t, s).softmax(-1), matrix(s, e)
    assert_same(call("math", "js.mix(a[0], a[1])", weights.tolist(), value.tolist()), weights @ value)


@pytest.mark.parametrize("scale", [0.01, 1, 30, 10_000])
def test_softmax_entropy_and_jacobian_norm_agree(call, scale):
    scores = matrix(6, 16, scale)
    weights = attention.softmax(scores)
    assert_same(call("math", "a[0].map(js.softmax)", scores.tolist()), weights)
    assert_same(call("math", "a[0].map(js.entropy)", weights.tolist()), metrics.entropy(weights))
    norms = torch.linalg.matrix_norm(attention.softmax_jacobian(weights))
    # the closed form takes a root of a difference of nearly equal numbers when one weight is almost 1
    assert_same(call("math", "a[0].map(js.jacobianNorm)", weights.tolist()), norms, 1e-7)


def test_softmax_of_masked_scores_is_zero_there_and_all_zero_where_all_is_masked(call):
    scores = torch.tensor([[1.0, -math.inf, 2.0], [-math.inf] * 3], dtype=torch.float64)
    got = call("math", "[[1, -Infinity, 2], [-Infinity, -Infinity, -Infinity]].map(js.softmax)")
    assert_same(got, attention.softmax(scores))


def test_entropy_counts_zero_times_log_zero_as_zero(call):
    assert call("math", "js.entropy([1, 0, 0])") == 0
    assert call("math", "js.entropy([0.5, 0.5, 0])") == pytest.approx(math.log(2))


@pytest.mark.parametrize("count", [1, 2, 49, 50])
def test_mean_median_and_variance_are_those_of_torch(call, count):
    numbers = 20 * matrix(1, count)[0] + 3  # two digits before the point: sorted as numbers, not as text
    assert_same(call("math", "js.median(a[0])", numbers.tolist()), numbers.quantile(0.5))
    assert_same(call("math", "js.mean(a[0])", numbers.tolist()), numbers.mean())
    assert_same(call("math", "js.variance(a[0])", numbers.tolist()), numbers.var(correction=0))


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_python_draws_the_same_random_numbers(call, seed):
    uniform = call(
        "math", "(() => { const next = js.uniform(a[0]); return Array.from({ length: 500 }, next); })()", seed
    )
    assert uniform == draws.uniform(seed, 0, 500).tolist()
    assert uniform[123:] == draws.uniform(seed, 123, 377).tolist()
    normal = call(
        "math", "(() => { const next = js.normal(a[0]); return Array.from({ length: 34 }, next); })()", seed
    )
    query, key = scale_lab._numbers(seed, 16)
    in_order = torch.cat(
        [query[0, :2, None], key[0, :2]], dim=-1
    ).flatten()  # width 0: query, 16 keys; width 1: ...
    assert_same(normal, in_order)


def test_the_normal_numbers_are_standard_normal(call):
    numbers = torch.tensor(
        call("math", "(() => { const n = js.normal(7); return Array.from({ length: 40000 }, n); })()")
    )
    assert numbers.mean().abs() < 4 / 200  # four standard errors
    assert (numbers.var() - 1).abs() < 4 * math.sqrt(2 / 40_000)
    inside = (numbers.abs() < 1).float().mean()
    assert abs(inside - 0.6827) < 4 * math.sqrt(0.6827 * 0.3173 / 40_000)


def test_cividis_is_the_same_in_javascript_in_python_and_in_plotly(call):
    shares = [i / 200 for i in range(201)]
    got = call("kit", "a[0].map(js.cividis)", shares)
    in_python = [pictures._channels(pictures.cividis(share)) for share in shares]
    plotly_says = plotly.colors.sample_colorscale(plotly.colors.sequential.Cividis, shares, colortype="tuple")
    for mine, pythons, plotlys in zip(got, in_python, plotly_says, strict=True):
        assert mine == pytest.approx(pythons, abs=1)  # the two languages round halves differently
        assert mine == pytest.approx([255 * channel for channel in plotlys], abs=1)


def test_ink_on_every_color_of_the_scale_has_a_contrast_of_4_5(call):
    def light(rgb: list[int]) -> float:
        linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    paint = "(() => { const p = document.createElement('p'); js.paint(p, a[0]); return [p.style.background, p.style.color]; })()"
    for i in range(101):
        back, ink = ([int(x) for x in text[4:-1].split(",")] for text in call("kit", paint, i / 100))
        low, high = sorted([light(back), light(ink)])
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"share {i / 100}"
