import math

import pytest
import torch

from llmkit.metrics import (
    accuracy,
    bits_per_byte,
    confusion,
    cross_entropy,
    divergence,
    entropy,
    f1,
    perplexity,
    precision_recall,
)


@pytest.mark.parametrize("keys", [1, 2, 16, 1000])
def test_entropy_of_equal_weights_is_the_logarithm_of_their_number(keys):
    assert entropy(torch.full((keys,), 1 / keys, dtype=torch.float64)).item() == pytest.approx(math.log(keys), abs=1e-12)


def test_entropy_of_certainty_is_zero():
    assert entropy(torch.tensor([0.0, 1.0, 0.0])).item() == 0


def test_entropy_equals_torch_distributions():
    weights = torch.softmax(torch.randn(5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64), -1)
    assert torch.allclose(entropy(weights), torch.distributions.Categorical(probs=weights).entropy(), atol=1e-12)
    assert torch.allclose(entropy(weights.T, dim=0), entropy(weights), atol=1e-12)


def chances(*shape: int) -> torch.Tensor:
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64), -1)


def test_cross_entropy_is_entropy_plus_divergence_and_equals_torch():
    truth, model = chances(4, 7), chances(2, 4, 7)[1]
    assert torch.allclose(cross_entropy(truth, model), entropy(truth) + divergence(truth, model), atol=1e-12)
    expected = torch.nn.functional.cross_entropy(model.log(), truth, reduction="none")
    assert torch.allclose(cross_entropy(truth, model), expected, atol=1e-12)
    theirs = torch.nn.functional.kl_div(model.log(), truth, reduction="none").sum(-1)
    assert torch.allclose(divergence(truth, model), theirs, atol=1e-12)
    assert torch.allclose(cross_entropy(truth.T, model.T, dim=0), expected, atol=1e-12)


def test_divergence_is_zero_for_the_truth_alone_and_never_below():
    truth = chances(50, 5)
    assert torch.allclose(divergence(truth, truth), torch.zeros(50, dtype=torch.float64), atol=1e-12)
    assert (divergence(truth, truth.roll(1, 0)) > 0).all()


def test_what_cannot_come_costs_nothing_and_what_was_ruled_out_costs_everything():
    certain = torch.tensor([0.0, 1.0], dtype=torch.float64)
    assert divergence(certain, torch.tensor([0.5, 0.5], dtype=torch.float64)).item() == pytest.approx(math.log(2))
    assert cross_entropy(certain, torch.tensor([1.0, 0.0], dtype=torch.float64)).item() == math.inf


@pytest.mark.parametrize("words", [1, 8, 1000])
def test_the_loss_is_the_mean_surprise_and_hesitating_between_equals_has_their_number_as_perplexity(words):
    assert perplexity([math.log(words)] * 5) == pytest.approx(words, rel=1e-12)
    uneven = [0.1, 2.0, 0.7]
    geometric = math.prod(math.exp(nats) for nats in uneven) ** (1 / 3)
    assert perplexity(uneven) == pytest.approx(geometric, rel=1e-12)
    logits = torch.randn(6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    said = torch.arange(6)
    loss = torch.nn.functional.cross_entropy(logits, said)
    surprise = (-logits.log_softmax(-1)[range(6), said]).tolist()
    assert sum(surprise) / 6 == pytest.approx(loss.item(), abs=1e-12)
    assert perplexity(surprise) == pytest.approx(loss.exp().item(), rel=1e-12)


def test_surprise_is_the_length_of_an_ideal_code():
    """Of 8 equal things each has a code of 3 bits; halves, quarters and so on have 1, 2, ... bits, and a mean of H."""
    assert bits_per_byte(math.log(8), 1) == pytest.approx(3, abs=1e-12)
    shares = [1 / 2, 1 / 4, 1 / 8, 1 / 8]
    mean = sum(share * bits_per_byte(-math.log(share), 1) for share in shares)
    assert mean == pytest.approx(1 / 2 + 2 / 4 + 3 / 8 + 3 / 8, abs=1e-12)
    assert mean * math.log(2) == pytest.approx(entropy(torch.tensor(shares, dtype=torch.float64)).item(), abs=1e-12)


def test_bits_per_byte_do_not_depend_on_how_a_text_is_cut():
    """A model of letters, and the same model asked for two letters at a time."""
    text = "abracadabra!"
    letters = {letter: text.count(letter) / len(text) for letter in set(text)}
    one = [-math.log(letters[letter]) for letter in text]
    two = [-math.log(letters[a] * letters[b]) for a, b in zip(text[::2], text[1::2], strict=True)]
    assert bits_per_byte(sum(one), len(text)) == pytest.approx(bits_per_byte(sum(two), len(text)), rel=1e-12)
    assert perplexity(two) == pytest.approx(perplexity(one) ** 2, rel=1e-12)  # and perplexity does


def test_no_text_has_no_perplexity_and_no_bytes():
    with pytest.raises(ValueError, match="at least one token"):
        perplexity([])
    with pytest.raises(ValueError, match="at least one byte"):
        bits_per_byte(1.0, 0)


def answers(classes: int = 4, count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.randint(0, classes, (2, count), generator=torch.Generator().manual_seed(3))
    return drawn[0], torch.where(drawn[1] == 0, drawn[0], drawn[1])


def test_accuracy_is_the_share_on_the_diagonal_and_equals_scikit_learn():
    from sklearn.metrics import accuracy_score, confusion_matrix

    guesses, truth = answers()
    table = confusion(guesses, truth, 4)
    assert table.tolist() == confusion_matrix(truth, guesses).tolist()
    assert accuracy(guesses, truth) == pytest.approx(accuracy_score(truth, guesses), abs=1e-12)
    assert accuracy(guesses, truth) == pytest.approx((table.diagonal().sum() / table.sum()).item(), abs=1e-6)
    with pytest.raises(ValueError, match="at least one answer"):
        accuracy(guesses[:0], truth[:0])


def test_precision_and_recall_divide_the_same_hits_and_equal_scikit_learn():
    from sklearn.metrics import precision_score, recall_score

    guesses, truth = answers()
    table = confusion(guesses, truth, 4)
    for kind in range(4):
        precision, recall = precision_recall(guesses == kind, truth == kind)
        assert precision == pytest.approx((table[kind, kind] / table[:, kind].sum()).item(), abs=1e-6)
        assert recall == pytest.approx((table[kind, kind] / table[kind].sum()).item(), abs=1e-6)
        assert precision == pytest.approx(precision_score(truth == kind, guesses == kind), abs=1e-12)
        assert recall == pytest.approx(recall_score(truth == kind, guesses == kind), abs=1e-12)
    never = torch.zeros(200, dtype=torch.bool)
    assert precision_recall(never, truth == 0) == (0, 0) and precision_recall(never, never) == (0, 0)


def test_f1_is_the_harmonic_mean_and_equals_scikit_learn():
    from sklearn.metrics import f1_score

    guesses, truth = answers()
    precision, recall = precision_recall(guesses == 1, truth == 1)
    assert f1(precision, recall) == pytest.approx(f1_score(truth == 1, guesses == 1), abs=1e-12)
    assert f1(precision, recall) == pytest.approx(2 / (1 / precision + 1 / recall), abs=1e-12)
    assert f1(1.0, 0.0) == 0 and f1(0.0, 0.0) == 0
