"""Batches: a function of their number alone, of rows of like length, from a stream that is never held."""

from itertools import count, islice

import pytest
import torch

from llmkit.tales import tales
from llmkit.training import Rows, Windows, pad, shuffled


def stream(seed):
    """Rows of 3 to 40 tokens, all different."""
    for n in count():
        yield [1 + (seed * 31 + n * 17) % 1000] * (3 + (seed + n * n) % 38)


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_padding_fills_up_the_right_side_and_says_where():
    tokens, keep = pad([[4, 5], [6, 7, 8, 9], [3]], pad_id=1)
    assert tokens.tolist() == [[4, 5, 1, 1], [6, 7, 8, 9], [3, 1, 1, 1]]
    assert keep.sum(1).tolist() == [2, 4, 1] and keep[:, 0].all()


def test_a_batch_depends_on_its_number_and_the_seed_alone():
    rows, others = Rows(stream, batch_size=4), Rows(stream, batch_size=4)
    forward = [rows(step) for step in range(40)]
    assert all(same(others(step), forward[step]) for step in (39, 3, 17, 16, 0))
    assert not same(Rows(stream, batch_size=4, seed=1)(0), forward[0])
    assert not same(forward[0], forward[16])  # another window, another stretch of the stream


def test_rows_of_like_length_travel_together():
    rows, plain = Rows(stream, batch_size=8, window=16), Rows(stream, batch_size=8, window=1)

    def share_of_padding(batches):
        keep = [batches(step)["keep"] for step in range(64)]
        return 1 - sum(float(k.sum()) for k in keep) / sum(k.numel() for k in keep)

    assert share_of_padding(plain) > 0.3 > 0.1 > share_of_padding(rows)


def test_a_window_loses_no_row_and_repeats_none():
    drawn = []

    def listening(seed):
        for row in islice(stream(seed), 1000):
            drawn.append(row)
            yield row

    rows = Rows(listening, batch_size=4, window=8)
    seen = sorted(row[keep].tolist() for b in map(rows, range(8)) for row, keep in zip(b["tokens"], b["keep"], strict=True))
    assert seen == sorted(drawn) and len(drawn) == 32


def test_rows_of_any_kind_can_be_put_together_with_a_seed_of_their_own():
    def together(rows, seed):
        return {"words": torch.tensor([len(row["text"]) for row in rows]), "seed": torch.tensor([seed] * len(rows))}

    def draw(seed):
        return ({"text": "x" * (1 + n * 7 % 50)} for n in count())

    rows = Rows(draw, batch_size=5, collate=together, length=lambda row: len(row["text"]))
    seeds = {int(rows(step)["seed"][0]) for step in range(20)}
    assert len(seeds) == 20
    assert all(int(rows(step)["words"].max() - rows(step)["words"].min()) < 10 for step in range(16))
    assert same(rows(2), rows(2))


def test_long_rows_are_cut_at_the_context():
    assert max(Rows(stream, batch_size=4, context=9)(step)["tokens"].shape[1] for step in range(16)) == 9


def test_a_stream_that_ends_is_reported():
    with pytest.raises(ValueError, match="ended after 3 rows; a window of batches takes 64"):
        Rows(lambda seed: [[1], [2], [3]], batch_size=4)(0)


def test_tales_are_drawn_as_they_are_needed():
    told = 0

    def draw(seed):
        nonlocal told
        for tale in tales("train", seed):
            told += 1
            yield [ord(letter) for letter in tale.text]

    rows = Rows(draw, batch_size=2, window=3, context=2000)
    text = "".join(map(chr, rows(70)["tokens"][0].tolist())).rstrip("\0")
    assert text.endswith((".", '"')) and told == 6


def test_shuffled_gives_every_item_once_before_any_comes_again():
    draw = shuffled(list("abcdef"))
    once, twice = list(islice(draw(3), 6)), list(islice(draw(3), 12))
    assert sorted(once) == sorted(twice[6:]) == list("abcdef")
    assert twice[:6] == once and list(islice(draw(4), 6)) != once


def test_windows_are_stretches_of_the_text_from_all_over_it():
    text = torch.arange(500)
    windows = Windows(text, batch_size=50, context=7)
    tokens = windows(3)["tokens"]
    assert tokens.shape == (50, 8) and (tokens.diff(dim=1) == 1).all()
    assert same(windows(3), Windows(text, batch_size=50, context=7)(3)) and not same(windows(3), windows(4))
    firsts = torch.cat([windows(step)["tokens"][:, 0] for step in range(200)])
    assert firsts.min() == 0 and firsts.max() == 492  # the last start that has 7 tokens and a next one


def test_a_text_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="65 tokens does not fit into a text of 64"):
        Windows(torch.arange(64))
