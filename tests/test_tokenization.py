"""Byte-level BPE against the `tokenizers` library, against arithmetic by hand, and against strings that nobody would type."""

import json
import unicodedata
from collections import Counter
from functools import cache
from itertools import islice, pairwise
from random import Random

import pytest
from strings import characters, strings
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from typecheck import unchecked

from llmkit.tales import tales
from llmkit.tokenization import BPE, byte_letters, split_words

SPECIAL = ("<pad>", "<s>", "</s>")


@cache
def texts() -> list[str]:
    """Tales, and strings of all scripts, so that merges are learned there too."""
    return [tale.text for tale in islice(tales("train", seed=0), 300)] + wild(600, seed=1)


@cache
def wild(count: int, seed: int) -> list[str]:
    """Random strings of characters that every version of Unicode in use here knows; the newest differ between libraries."""
    known = [char for char in characters(seed, 6_000) if unicodedata.category(char) != "Cn"]
    return strings(count, known, seed)


@cache
def ours() -> BPE:
    return BPE.train(texts(), 1_200, SPECIAL)


@cache
def theirs(vocab_size: int = 1_200) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(texts(), trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=list(SPECIAL), min_frequency=2, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ))
    tokenizer.encode_special_tokens = True  # "<s>" in a text is three characters
    return tokenizer


def ids(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [found.ids for found in tokenizer.encode_batch(texts, add_special_tokens=False)]


# ---- training -----------------------------------------------------------------------------------------------------


@unchecked()
def test_the_merges_and_ids_are_those_of_tokenizers():
    model = json.loads(theirs().to_str())["model"]
    assert ours().merges == [tuple(pair) for pair in model["merges"]]
    assert ours().vocab == model["vocab"]
    assert len(ours()) == 1_200


def test_each_merge_is_the_most_frequent_pair_counted_afresh():
    text = "the thin thing then thinned the thatch; banana bandana cabana aaaa aaa"
    words = Counter(split_words(text))
    spelled = {word: list(word.replace(" ", "Ġ")) for word in words}
    order = {token: index for index, token in enumerate(sorted(byte_letters()))}
    for step in BPE.steps(text):
        counts = Counter()
        for word, tokens in spelled.items():
            for pair in pairwise(tokens):
                counts[pair] += words[word]
        top = max(counts.values())
        tied = [pair for pair, count in counts.items() if count == top]
        assert (step.left, step.right) == min(tied, key=lambda pair: (order[pair[0]], order[pair[1]]))
        assert step.count == top >= 2
        order[step.left + step.right] = len(order)
        for word, tokens in spelled.items():  # by hand, through a separator that no token holds
            joined = "\0" + "\0".join(tokens) + "\0"
            while (pair := f"\0{step.left}\0{step.right}\0") in joined:
                joined = joined.replace(pair, f"\0{step.left}{step.right}\0", 1)
            spelled[word] = joined.strip("\0").split("\0")
        assert step.pieces == [token for word in split_words(text) for token in spelled[word]]
    assert len(order) >= 256 + 10


def test_steps_are_the_merges_that_training_learns():
    text = texts()[0]
    trained = BPE.train([text], 10_000)
    last = list(BPE.steps(text))[-1]
    assert [(step.left, step.right) for step in BPE.steps(text)] == trained.merges
    assert [trained.vocab[piece] for piece in last.pieces] == trained.encode(text)


def test_training_reads_an_iterator_once_and_stops_when_pairs_are_rare():
    assert BPE.train(iter(["ab ab", "ab"]), 1_000).merges == [("a", "b")]
    assert BPE.train(["ab ab", "ab"], 1_000, min_count=1).merges == [("a", "b"), ("Ġ", "ab")]


def test_no_merge_ever_spells_a_special_token():
    text = "pad pads padding"
    assert "pad" in BPE.train([text], 300).vocab
    bpe = BPE.train([text], 300, special=["pad"])
    assert ("p", "ad") not in bpe.merges and ("Ġp", "ad") in bpe.merges
    assert bpe.vocab["pad"] == 0 not in bpe.encode(text)


@pytest.mark.parametrize(("texts", "size", "says"), [
    (["ab"], 258, "vocab_size must be at least 259 .*got 258"),
    ([], 300, "no text to learn from"),
    ([""], 300, "no text to learn from"),
    ("ab ab", 300, r"Put it in a list: \[text\]"),
])
def test_wrong_training_input_is_named(texts, size, says):
    with pytest.raises(ValueError, match=says):
        BPE.train(texts, size, SPECIAL)


@pytest.mark.parametrize("special", [("<s>", "<s>"), ("a",), ("",)])
def test_two_tokens_cannot_share_a_name(special):
    with pytest.raises(ValueError, match="needs a name of its own"):
        BPE.train(["ab ab"], 300, special)


# ---- encoding and decoding ----------------------------------------------------------------------------------------


@unchecked()
def test_ten_thousand_random_strings_get_the_ids_of_tokenizers():
    samples = wild(10_000, seed=2)
    assert [ours().encode(text) for text in samples] == ids(theirs(), samples)


@unchecked()
def test_any_string_comes_back():
    newest = strings(1_000, characters(3, 4_000), seed=3)  # unassigned characters too
    halves = ["\ud83d\ude00", "a\udfff b", "\ud800"]  # lone surrogates, which Python's str may hold
    for text in wild(1_000, seed=2) + newest + halves:
        assert ours().decode(ours().encode(text)) == text


def test_any_ids_decode_as_tokenizers_decodes_them():
    theirs().decoder = decoders.ByteLevel()
    random = Random(4)
    for _ in range(500):
        some = random.choices(range(3, 1_200), k=random.randint(0, 8))
        text = ours().decode(some)
        if not any("\ud800" <= char <= "\udfff" for char in text):
            assert text == theirs().decode(some)


def test_words_are_cut_as_tokenizers_cuts_them():
    cut = pre_tokenizers.ByteLevel(add_prefix_space=False)
    for text in wild(300, seed=5):
        assert split_words(text) == [text[start:end] for _, (start, end) in cut.pre_tokenize_str(text)]


def test_special_tokens_in_a_text_are_plain_text_unless_allowed():
    plain = ours().encode("<s>One</s>")
    allowed = ours().encode("<s>One</s>", special=True)
    assert not {0, 1, 2} & set(plain)
    assert allowed == [1, *ours().encode("One"), 2]
    assert ours().decode(plain) == ours().decode(allowed) == "<s>One</s>"
    assert ours().decode(allowed, skip_special=True) == "One"


def test_a_character_cut_in_two_is_shown_as_a_replacement():
    start = BPE.train(["ab"], 256).encode("é")
    assert len(start) == 2
    assert BPE.train(["ab"], 256).decode(start[:1]) == "\ufffd"


def test_wrong_input_to_encode_and_decode_is_named():
    with pytest.raises(ValueError, match=r"encode takes one text \(str\); got bytes"):
        ours().encode(b"ab")
    with pytest.raises(ValueError, match="no token 1200; this vocabulary has ids 0 to 1199"):
        ours().decode([1_200])


# ---- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model_type", [None, "llama", "gpt2", "t5"])
def test_transformers_loads_what_was_saved_with_the_same_ids(tmp_path, model_type):
    from transformers import AutoTokenizer

    ours().save(tmp_path)
    if model_type:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert (loaded.pad_token_id, loaded.bos_token_id, loaded.eos_token_id, len(loaded)) == (0, 1, 2, 1_200)
    samples = [text for text in wild(500, seed=6) if "s>" not in text]  # there <s> is special, as is usual
    assert loaded(samples)["input_ids"] == [ours().encode(text) for text in samples]
    assert loaded("<s>One", split_special_tokens=True)["input_ids"] == ours().encode("<s>One")
    assert loaded.decode(ours().encode(" Nora's  kite ."), clean_up_tokenization_spaces=False) == " Nora's  kite ."


def test_a_prefix_and_a_suffix_are_added_when_asked(tmp_path):
    from transformers import AutoTokenizer

    ours().save(tmp_path, prefix=["<s>"], suffix=["</s>"])
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded("One")["input_ids"] == [1, *ours().encode("One"), 2]
    with pytest.raises(ValueError, match="'<cls>' is not in the vocabulary"):
        ours().save(tmp_path, prefix=["<cls>"])


def test_saved_and_loaded_again_is_the_same(tmp_path):
    again = BPE.from_file(ours().save(tmp_path))
    assert (again.vocab, again.merges, again.special) == (ours().vocab, ours().merges, SPECIAL)
    theirs().save(str(tmp_path / "theirs.json"))
    assert BPE.from_file(tmp_path / "theirs.json").encode(" the kite") == ours().encode(" the kite")


def test_files_that_are_no_bpe_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        BPE.from_file(tmp_path)
    file = tmp_path / "tokenizer.json"
    file.write_text('{"model": {"type": "Unigram"}}')
    with pytest.raises(ValueError, match="of type Unigram, not BPE"):
        BPE.from_file(tmp_path)
    file.write_text('{"model": {"type": "BPE"}}')
    with pytest.raises(ValueError, match="its model has no vocab"):
        BPE.from_file(tmp_path)
    file.write_text('{"model": {"ty')
    with pytest.raises(ValueError, match="Was it cut short"):
        BPE.from_file(tmp_path)
    file.write_text(json.dumps({"model": {"type": "BPE", "vocab": {}, "merges": []}, "pre_tokenizer": {"type": "Metaspace"}}))
    with pytest.raises(ValueError, match="does not cut texts as GPT-2 does"):
        BPE.from_file(tmp_path)


def test_a_vocabulary_that_cannot_spell_every_byte_is_refused():
    with pytest.raises(ValueError, match="255 are missing, first"):
        BPE({"a": 0}, [])
    with pytest.raises(ValueError, match="'Q' \\+ 'q' names a token that is not"):
        BPE(ours().vocab, [("Q", "q")])
