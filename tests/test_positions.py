"""Every position formula against loops, against a property from its paper, or against `transformers`."""

import cmath
import math

import pytest
import torch
from transformers.models.t5.modeling_t5 import T5Attention

from llmkit import attention
from llmkit import positions as P  # noqa: N812
from llmkit.transformer import Config, Transformer
from llmkit.transformer.layers import View

WIDTHS = [2, 6, 64]


def heads(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- sinusoids ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_sinusoids_equal_the_papers_formula_one_number_at_a_time(width):
    table = P.sinusoidal(9, width)
    for place in range(9):
        for k in range(width // 2):
            angle = place / 10_000 ** (2 * k / width)
            assert table[place, 2 * k].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[place, 2 * k + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_a_step_of_k_places_is_the_same_rotation_everywhere():
    table, k = P.sinusoidal(50, 8).double(), 7
    angles = k * P.frequencies(8)
    sines, cosines = table[:, 0::2], table[:, 1::2]
    turned = sines * angles.cos() + cosines * angles.sin()  # sin(a + b)
    assert (turned[:-k] - sines[k:]).abs().max() < 1e-6  # the table is float32
    turned = cosines * angles.cos() - sines * angles.sin()  # cos(a + b)
    assert (turned[:-k] - cosines[k:]).abs().max() < 1e-6


@pytest.mark.parametrize(("width", "base", "words"), [(5, 10.0, "width of 5 cannot be cut"), (0, 10.0, "width of 0"),
                                                      (4, 0.0, "base of the frequencies must be positive")])
def test_impossible_frequencies_are_refused(width, base, words):
    with pytest.raises(ValueError, match=words):
        P.frequencies(width, base)


# ---- why positions are needed, and what sinusoids are ---------------------------------------------------------------


def shuffle(tokens: int, seed: int = 3) -> torch.Tensor:
    """A permutation matrix, (T, T)."""
    return torch.eye(tokens, dtype=torch.float64)[torch.randperm(tokens, generator=torch.Generator().manual_seed(seed))]


@pytest.mark.parametrize("tokens", [2, 5, 9])
def test_softmax_of_shuffled_scores_is_the_shuffled_softmax(tokens):
    scores, pi = heads(tokens, tokens), shuffle(tokens)
    assert torch.allclose(attention.softmax(pi @ scores @ pi.T), pi @ attention.softmax(scores) @ pi.T, atol=1e-14)


@pytest.mark.parametrize("tokens", [2, 5, 9])
def test_attention_without_positions_is_permutation_equivariant(tokens):
    query, key, value = (heads(2, tokens, 4, seed=seed) for seed in (1, 2, 3))
    pi = shuffle(tokens)
    output = attention.attend(query, key, value).output
    assert torch.allclose(attention.attend(pi @ query, pi @ key, pi @ value).output, pi @ output, atol=1e-12)


def test_a_causal_mask_breaks_the_symmetry():
    x, pi, mask = heads(5, 4), shuffle(5), attention.causal_mask(5)
    once, again = attention.attend(x, x, x, mask).output, attention.attend(pi @ x, pi @ x, pi @ x, mask).output
    assert (again - pi @ once).abs().max() > 0.1


def test_a_whole_encoder_without_positions_is_blind_to_order_and_one_with_waves_is_not():
    tokens = torch.tensor([[3, 1, 4, 2, 0]])
    order = torch.tensor([4, 2, 0, 1, 3])
    for positions, is_blind in (("none", True), ("sinusoidal", False)):
        torch.manual_seed(0)
        model = Transformer(Config(vocab_size=5, width=16, num_layers=3, num_heads=2, kind="encoder", positions=positions)).double()
        gap = (model(tokens[:, order]) - model(tokens)[:, order]).abs().max()
        assert (gap < 1e-12) == is_blind


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wave_is_back_where_it_was_after_its_wavelength(width):
    omega = P.frequencies(width)
    length = torch.tensor([2 * math.pi * 10_000 ** (2 * k / width) for k in range(width // 2)], dtype=torch.float64)
    assert torch.allclose(length * omega, torch.full_like(omega, 2 * math.pi), atol=1e-12)
    assert torch.allclose(((7 + length) * omega).sin(), (7 * omega).sin(), atol=1e-12)


def big_turn(k: int, width: int) -> torch.Tensor:
    """R_k, built entry by entry."""
    turn = torch.zeros(width, width, dtype=torch.float64)
    for j in range(width // 2):
        angle = k * 10_000 ** (-2 * j / width)
        turn[2 * j, 2 * j] = turn[2 * j + 1, 2 * j + 1] = math.cos(angle)
        turn[2 * j, 2 * j + 1], turn[2 * j + 1, 2 * j] = math.sin(angle), -math.sin(angle)
    return turn


@pytest.mark.parametrize("k", [1, 7, -4])
@pytest.mark.parametrize("width", WIDTHS)
def test_one_matrix_leads_from_every_row_to_the_one_k_places_on(width, k):
    table, turn = P.sinusoidal(40, width).double(), big_turn(k, width)
    for place in range(4, 33):
        assert (turn @ table[place] - table[place + k]).abs().max() < 1e-6  # the table is float32
    assert torch.allclose(turn @ turn.T, torch.eye(width, dtype=torch.float64), atol=1e-14)  # a rotation


@pytest.mark.parametrize("width", WIDTHS)
def test_the_dot_product_of_two_rows_is_a_sum_of_cosines_of_their_distance(width):
    table, omega = P.sinusoidal(30, width).double(), P.frequencies(width)
    for p in (0, 3, 29):
        for q in (0, 11, 29):
            assert (table[p] @ table[q]).item() == pytest.approx(((p - q) * omega).cos().sum().item(), abs=1e-5)


def test_a_score_of_words_with_places_has_four_parts():
    words, places, weight = heads(5, 6, seed=1), P.sinusoidal(5, 6).double(), heads(6, 6, seed=2)
    whole = attention.bilinear_score(words + places, words + places, weight)
    for i in range(5):
        for j in range(5):
            parts = [a[i] @ weight @ b[j] for a in (words, places) for b in (words, places)]
            assert whole[i, j].item() == pytest.approx(sum(parts).item(), abs=1e-12)


# ---- RoPE --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pairing", P.PAIRINGS)
@pytest.mark.parametrize("width", WIDTHS)
def test_scores_depend_on_the_distance_only(width, pairing):
    query, key = heads(width, seed=1), heads(width, seed=2)

    def score(at_query: int, at_key: int) -> float:
        cos, sin = P.rope_tables(torch.tensor([at_query, at_key]), width, pairing=pairing)
        turned = P.rope(torch.stack([query, key]), cos, sin, pairing)
        return (turned[0] @ turned[1]).item()

    for shift in (1, 17, 900):
        assert score(5, 2) == pytest.approx(score(5 + shift, 2 + shift), abs=1e-10)
    assert abs(score(5, 2) - score(5, 3)) > 1e-3  # and it does depend on the distance


@pytest.mark.parametrize("pairing", P.PAIRINGS)
def test_each_pair_is_a_complex_number_that_is_turned(pairing):
    width, place = 6, 3
    row = heads(width)
    turned = P.rope(row[None], *P.rope_tables(torch.tensor([place]), width, pairing=pairing), pairing)[0]
    for k in range(width // 2):
        i, j = (k, k + width // 2) if pairing == "halves" else (2 * k, 2 * k + 1)
        expected = complex(row[i], row[j]) * cmath.exp(1j * place * 10_000 ** (-2 * k / width))
        assert complex(turned[i], turned[j]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("pairing", P.PAIRINGS)
def test_turning_keeps_lengths_and_position_zero_changes_nothing(pairing):
    rows = heads(4, 7, 8)  # (H, T, D)
    turned = P.rope(rows, *P.rope_tables(torch.arange(7), 8, pairing=pairing), pairing)
    assert torch.allclose(turned.norm(dim=-1), rows.norm(dim=-1), atol=1e-12)
    assert torch.equal(turned[:, 0], rows[:, 0])


def test_the_two_pairings_are_one_formula_with_the_columns_reordered():
    rows, order = heads(5, 8), torch.arange(8).view(4, 2).T.flatten()  # neighbors -> halves
    neighbors = P.rope(rows, *P.rope_tables(torch.arange(5), 8, pairing="neighbors"), "neighbors")
    halves = P.rope(rows[:, order], *P.rope_tables(torch.arange(5), 8))
    assert torch.allclose(neighbors[:, order], halves, atol=1e-14)


def test_interpolation_reads_a_text_twice_as_long_with_the_angles_seen_in_training():
    stretched, seen = P.rope_tables(torch.arange(0, 40, 2), 8, scale=2.0), P.rope_tables(torch.arange(20), 8)
    assert all(torch.allclose(a, b, atol=1e-14) for a, b in zip(stretched, seen, strict=True))
    with pytest.raises(ValueError, match="scale, so it must be positive; got 0"):
        P.rope_tables(torch.arange(3), 8, scale=0)


@pytest.mark.parametrize("pairing", P.PAIRINGS)
def test_a_turned_query_and_key_meet_as_if_only_the_key_were_turned_by_the_difference(pairing):
    query, key = heads(8, seed=1), heads(8, seed=2)

    def turned(row: torch.Tensor, place: int) -> torch.Tensor:
        return P.rope(row, *(table[0] for table in P.rope_tables(torch.tensor([place]), 8, pairing=pairing)), pairing)

    for m, n in ((5, 2), (2, 5), (900, 17)):
        assert (turned(query, m) @ turned(key, n)).item() == pytest.approx((query @ turned(key, n - m)).item(), abs=1e-10)


@pytest.mark.parametrize("scale", [1.5, 4.0])
def test_interpolation_turns_by_the_position_divided_by_the_scale(scale):
    cos, sin = P.rope_tables(torch.arange(200), 6, scale=scale)  # whole positions, as a model has them
    angles = torch.tensor([[p / scale * 10_000 ** (-2 * j / 6) for j in range(3)] for p in range(200)], dtype=torch.float64)
    assert (cos[:, :3] - angles.cos()).abs().max() < 1e-12 and (sin[:, 3:] - angles.sin()).abs().max() < 1e-12


def test_wrong_tables_and_pairings_are_refused():
    cos, sin = P.rope_tables(torch.arange(3), 8)
    with pytest.raises(ValueError, match="tables turn heads of width 8, but the heads have width 4"):
        P.rope(torch.zeros(3, 4), cos, sin)
    with pytest.raises(ValueError, match="pairing is one of halves, neighbors; got 'pairs'"):
        P.rope(torch.zeros(3, 8), cos, sin, "pairs")


# ---- biases ------------------------------------------------------------------------------------------------------


def test_slopes_are_the_papers():
    assert torch.allclose(P.alibi_slopes(8), torch.tensor([2.0**-k for k in range(1, 9)]))  # section 3
    twelve = P.alibi_slopes(12)
    assert torch.allclose(twelve[:8], P.alibi_slopes(8))
    assert torch.allclose(twelve[8:], P.alibi_slopes(16)[::2][:4])
    with pytest.raises(ValueError, match="at least one head; got 0"):
        P.alibi_slopes(0)


def test_alibi_falls_linearly_with_distance_and_the_last_query_stands_at_the_last_key():
    bias = P.alibi_bias(2, 3, 5)
    for head, slope in enumerate([2**-4, 2**-8]):
        for i in range(3):
            for j in range(5):
                assert bias[head, i, j].item() == pytest.approx(-slope * abs(i + 2 - j), abs=1e-7)


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize(("buckets", "farthest"), [(32, 128), (8, 20), (12, 50)])
def test_buckets_equal_those_of_transformers(is_causal, buckets, farthest):
    relative = torch.arange(-300, 301)
    expected = T5Attention._relative_position_bucket(relative, not is_causal, buckets, farthest)
    assert torch.equal(P.relative_buckets(relative, is_causal, buckets, farthest), expected)


def test_near_buckets_hold_one_distance_each_and_far_ones_never_shrink():
    buckets = P.relative_buckets(-torch.arange(400), is_causal=True)
    assert buckets[:16].tolist() == list(range(16))
    assert (buckets.diff() >= 0).all()
    assert (buckets[128:] == 31).all()
    with pytest.raises(ValueError, match="leave no room"):
        P.relative_buckets(torch.arange(3), is_causal=False, num_buckets=2)


# ---- what lesson 09 says of them ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "most"), [(8, 15), (32, 128), (16, 100)])
def test_buckets_are_those_of_the_formula_one_distance_at_a_time(count, most):
    exact = count // 2
    for distance in range(300):
        share = math.log(max(distance, 1) / exact) / math.log(most / exact) * (count - exact)
        if distance >= exact and abs(share - round(share)) < 1e-5:
            continue  # on a border, where rounding decides
        expected = distance if distance < exact else min(exact + math.floor(share), count - 1)
        assert P.relative_buckets(torch.tensor(-distance), True, count, most).item() == expected


@pytest.mark.parametrize("num_heads", [1, 2, 8, 16])
def test_each_head_of_alibi_has_a_line_with_a_slope_of_its_own(num_heads):
    bias = P.alibi_bias(num_heads, 12, 12)
    for h in range(num_heads):
        for i, j in ((0, 0), (5, 2), (11, 0), (3, 9)):
            assert bias[h, i, j].item() == pytest.approx(-(2 ** (-8 * (h + 1) / num_heads)) * abs(i - j), rel=1e-6)


@pytest.mark.parametrize("positions", ["alibi", "relative"])
def test_a_bias_of_distance_is_added_to_the_scores_of_every_head(positions):
    torch.manual_seed(0)
    model = Transformer(Config(vocab_size=9, width=16, num_layers=1, num_heads=4, positions=positions)).double()
    stack, hidden = model.decoder, heads(1, 6, 16)
    if positions == "relative":
        torch.nn.init.normal_(stack.distance_bias.weight)
    bias, layer = stack.bias(6, 6), stack.blocks[0].attention
    query, key, value = (part(hidden).view(1, 6, 4, 4).transpose(1, 2) for part in (layer.query, layer.key, layer.value))
    scores = (query @ key.mT / math.sqrt(4) + bias).masked_fill(~attention.causal_mask(6), -math.inf)
    expected = layer.output((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
    view = View(attention.causal_mask(6)[None, None], bias=bias)
    assert torch.allclose(layer(hidden, view, 0), expected, atol=1e-12)
    for h in range(4):
        lines = {(bias[0, h].diagonal(-d).max() - bias[0, h].diagonal(-d).min()).item() for d in range(6)}
        assert max(lines) == 0  # the same at the same distance
