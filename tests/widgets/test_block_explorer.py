"""The block explorer in Python: what it shows of a stack, which switch does what, and what it refuses."""

import json
import math
from xml.etree import ElementTree

import pytest
import torch
from traitlets import TraitError

from llmkit.residual import PARTS
from llmkit.widgets import BlockExplorer, bundle
from llmkit.widgets.block_explorer import MOST, cut, embedding, fresh_blocks
from llmkit.widgets.draws import normal


def test_pre_norm_lets_the_stream_grow_and_post_norm_holds_it():
    pre, post = BlockExplorer().stream_norms, BlockExplorer(place="post").stream_norms
    assert 3 < pre[-1] / pre[0] < 8
    assert post[1:] == pytest.approx([math.sqrt(32)] * 12, rel=1e-3)


def test_the_gradient_at_the_top_is_what_the_last_norm_leaves_of_one():
    explorer = BlockExplorer()
    assert explorer.gradient_norms[-1] == pytest.approx(math.sqrt(32) / explorer.stream_norms[-1], rel=0.1)
    assert BlockExplorer(place="post").gradient_norms[-1] == pytest.approx(1)


def test_norms_off_explodes_and_norms_and_additions_off_vanishes():
    exploding = BlockExplorer(off=["norm1", "norm2"])
    assert exploding.stream_norms[-1] > 1000 and exploding.gradient_norms[0] > 500
    vanishing = BlockExplorer(off=["norm1", "norm2", "add1", "add2"])
    assert vanishing.stream_norms[-1] < 0.01 and vanishing.gradient_norms[0] < 1e-3


def test_a_deeper_stack_begins_with_the_same_blocks():
    assert BlockExplorer(depth=16).stream_norms[:5] == BlockExplorer(depth=4).stream_norms


def test_the_same_word_has_the_same_row_and_another_word_another():
    assert torch.equal(embedding("cat"), embedding("cat")) and not torch.equal(embedding("cat"), embedding("Cat"))
    many = torch.stack([embedding(f"word{n}") for n in range(200)])
    assert abs(many.mean()) < 0.05 and abs(many.std() - 1) < 0.05


def test_fresh_weights_have_the_variance_of_lesson_05():
    weights = fresh_blocks()[3]
    for weight in vars(weights).values():
        assert (weight.var() * weight.shape[0]).item() == pytest.approx(1, abs=0.12)
    assert len(set(normal(7, 1000).tolist())) == 1000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the cat sat", ["the", "cat", "sat"]), ("猫坐。", ["猫", "坐", "。"]), ("cat猫 sat", ["cat", "猫", "sat"]),
        ("مرحبا 🙂‍↕️", ["مرحبا", "🙂‍↕️"]), (" \t\n\u3000", []), ("a\u00a0b", ["a", "b"]),
    ],
)  # fmt: skip
def test_texts_are_cut_at_blanks_and_around_each_chinese_sign(text, words):
    assert cut(text) == words


def test_only_the_first_words_are_read():
    assert BlockExplorer(text=" ".join("abcdefghijklmn")).words == tuple("abcdefgh") and MOST == 8


@pytest.mark.parametrize(
    "bad",
    [
        {"text": ""}, {"text": " \n\u3000"}, {"depth": 0}, {"depth": 17}, {"depth": "deep"}, {"block": 0}, {"block": 13},
        {"place": "middle"}, {"norm": "batch"}, {"off": ["norm3"]}, {"off": 3}, {"guess": 3},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_old_value_stays(bad):
    explorer = BlockExplorer()
    ((name, value),) = bad.items()
    before = getattr(explorer, name)
    with pytest.raises(TraitError):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before


def test_the_refusal_says_why():
    with pytest.raises(TraitError, match="text must hold at least one word; got nothing but blanks"):
        BlockExplorer(text="  ")
    with pytest.raises(TraitError, match=r"off names parts of a block, among norm1, .*; got 'norm3'\."):
        BlockExplorer(off=["norm3"])


def test_fewer_blocks_leave_a_block_that_is_there():
    explorer = BlockExplorer(block=9)
    explorer.depth = 4
    assert explorer.block == 4
    assert BlockExplorer(depth=16).block == 16


@pytest.mark.parametrize("off", [[], ["attention", "add1"], list(PARTS)])
def test_the_page_gets_plain_json_and_a_small_picture(off):
    page = BlockExplorer(off=off).page_bundle()
    assert page["state"] == json.loads(json.dumps(page["state"]))
    assert page["state"]["kernel"] is False
    assert len(page["picture"]) < 5_000
    assert ElementTree.fromstring(page["picture"]).tag.endswith("svg")


def test_the_module_stays_under_30_kilobytes():
    size = len(bundle.page_script("block_explorer").encode())
    print(f"block explorer with kit, math and block: {size:,} bytes")
    assert size < 30_000


def test_an_explorer_says_what_it_shows():
    shown = repr(BlockExplorer(depth=3, place="post", norm="rms", off=["add2", "norm1"]))
    assert shown == "Block explorer: 3 fresh blocks over 6 words, RMSNorm, a norm after each addition, without norm1, add2"
