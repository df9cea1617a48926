"""Tokens per byte and the premium, counted by hand and on tales with their translation."""

from itertools import islice

import pytest

from llmkit import models
from llmkit.tales import tales
from llmkit.token_costs import premium, tokens_per_byte
from llmkit.tokenization import BPE
from llmkit.wordpiece import WordPiece


def test_tokens_per_byte_is_tokens_over_bytes_of_all_texts_together():
    texts = ["风筝", "kite", "é"]  # 6, 4 and 2 bytes
    assert tokens_per_byte(list, texts) == pytest.approx((2 + 4 + 1) / 12)
    assert tokens_per_byte(lambda text: text.encode(), texts) == 1


def test_the_premium_is_the_ratio_of_tokens_for_the_same_content():
    assert premium(list, ["风筝", "狗"], ["kite", "dog"]) == pytest.approx(3 / 7)
    assert premium(lambda text: text.encode(), ["风筝", "狗"], ["kite", "dog"]) == pytest.approx(9 / 7)
    assert premium(list, ["abc"], ["abc"]) == 1


def test_without_a_byte_or_a_translation_there_is_nothing_to_compare():
    with pytest.raises(ValueError, match="no byte to count"):
        tokens_per_byte(list, [""])
    with pytest.raises(ValueError, match="got 1 texts and 2 translations"):
        premium(list, ["a"], ["a", "b"])
    with pytest.raises(ValueError, match="no tokens to compare with"):
        premium(list, ["a"], [""])


def test_what_lesson_03_says_of_the_books_three_tokenizers_holds():
    some = list(islice(tales("test", seed=3), 20))
    english, chinese = [tale.text for tale in some], [tale.translation for tale in some]
    gpt, t5 = (BPE.from_file(models.path(name)) for name in ("tales-gpt", "tales-t5"))
    assert tokens_per_byte(gpt.encode, chinese) == 1
    assert premium(gpt.encode, chinese, english) > 3.5
    assert premium(t5.encode, chinese, english) < 1.1
    minilm = WordPiece.from_file(models.path("minilm"))
    ids = [index for text in chinese for index in minilm.encode(text)]
    assert ids.count(minilm.vocab["[UNK]"]) > len(ids) / 2
