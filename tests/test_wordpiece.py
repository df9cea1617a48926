"""WordPiece against the `tokenizers` library with MiniLM's own vocabulary, and its training against both."""

import json
import unicodedata
from collections import Counter
from functools import cache
from itertools import islice, pairwise
from random import Random

import pytest
from strings import characters, strings
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.implementations import BertWordPieceTokenizer
from typecheck import unchecked

from llmkit.models import path
from llmkit.tales import tales
from llmkit.wordpiece import WordPiece, join_pieces, normalize, split_words

RECLASSED = set("\u166d\u1734")  # Unicode changed its mind about these two after version 8, which `tokenizers` uses
SLIP = range(0x2B820, 0x2B920)  # rare Chinese characters that BERT sets apart and `tokenizers`, by a slip, does not


def differs(char: str) -> bool:
    """Whether `tokenizers` and Python know this character from different versions of Unicode."""
    cleaned = normalizers.BertNormalizer().normalize_str(f"a{char}b")
    words = [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(cleaned)]
    return cleaned != normalize(f"a{char}b") or words != split_words(f"a{char}b")


@cache
def wild(count: int) -> list[str]:
    pool = characters(7, 6_000)
    return strings(count, [char for char in pool if not differs(char)], seed=8)


@cache
def minilm() -> tuple[WordPiece, Tokenizer]:
    reference = Tokenizer.from_file(str(path("minilm") / "tokenizer.json"))
    reference.no_truncation()
    reference.no_padding()
    reference.encode_special_tokens = True  # "[SEP]" in a text is five characters
    return WordPiece.from_file(path("minilm")), reference


# ---- encoding -----------------------------------------------------------------------------------------------------


@unchecked()
def test_only_characters_newer_than_tokenizers_or_two_reclassed_ones_are_told_apart_otherwise():
    pool = {*characters(7, 6_000), *RECLASSED, chr(SLIP[0]), chr(SLIP[-1])}
    different = {char for char in pool if differs(char)}
    assert different > RECLASSED and chr(SLIP[0]) in different
    for char in different - RECLASSED:
        assert unicodedata.ucd_3_2_0.category(char) == "Cn", hex(ord(char))  # was not there in Unicode 3.2
    assert len(different) < len(pool) / 50


@unchecked()
def test_ten_thousand_random_strings_get_the_ids_of_tokenizers():
    ours, reference = minilm()
    found = reference.encode_batch(wild(10_000), add_special_tokens=False)
    assert [ours.encode(text) for text in wild(10_000)] == [encoding.ids for encoding in found]


def test_the_cased_form_gets_the_ids_of_tokenizers_too():
    vocab = minilm()[0].vocab
    ours = WordPiece(vocab, lowercase=False)
    reference = BertWordPieceTokenizer(vocab, lowercase=False)._tokenizer
    reference.encode_special_tokens = True
    found = reference.encode_batch(wild(500), add_special_tokens=False)
    assert [ours.encode(text) for text in wild(500)] == [encoding.ids for encoding in found]


def test_pairs_are_framed_as_tokenizers_frames_them():
    ours, reference = minilm()
    for first, second in [("The cat sat.", "It was tired."), ("", "a"), ("One", "")]:
        framed = reference.encode(first, second)
        assert ours.encode_pair(first, second) == (framed.ids, framed.type_ids)
    assert ours.encode_pair("The cat")[0] == reference.encode("The cat").ids


def test_special_tokens_in_a_text_are_plain_text_unless_allowed():
    ours = minilm()[0]
    assert [ours.tokens[index] for index in ours.encode("[SEP]")] == ["[", "sep", "]"]
    assert ours.encode("cat [SEP] cat", special=True) == [*ours.encode("cat"), ours.vocab["[SEP]"], *ours.encode("cat")]


def test_a_word_of_more_than_a_hundred_characters_is_unknown():
    ours = minilm()[0]
    assert ours.vocab["[UNK]"] not in ours.encode("a" * 100)
    assert ours.encode("a" * 101 + " cat") == [ours.vocab["[UNK]"], *ours.encode("cat")]


def test_decoding_gives_the_cleaned_words():
    ours = minilm()[0]
    framed, _ = ours.encode_pair("Unbelievable Brûlée, Nora!")
    assert ours.decode(framed) == "[CLS] unbelievable brulee , nora ! [SEP]"
    assert ours.decode(framed, skip_special=True) == "unbelievable brulee , nora !"
    with pytest.raises(ValueError, match="no token 30522; this vocabulary has ids 0 to 30521"):
        ours.decode([30_522])


# ---- training -----------------------------------------------------------------------------------------------------


def words_without_ties() -> list[str]:
    """Random words, the number of each drawn from so many that two pairs are hardly ever seen equally often."""
    random = Random(9)
    words = {"".join(random.choices("abcdeé", k=random.randint(2, 8))) for _ in range(60)}
    return [f"{word} " * random.randint(50, 3_000) for word in sorted(words)]


def test_training_by_count_learns_the_pieces_of_tokenizers():
    reference = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    reference.normalizer, reference.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=90, special_tokens=special, min_frequency=2, show_progress=False)
    reference.train_from_iterator(words_without_ties(), trainer)
    ours = WordPiece.train(words_without_ties(), 90)
    assert ours.vocab.keys() == reference.get_vocab().keys()
    merges = [token for token in ours.vocab if len(token.removeprefix("##")) > 1 and token not in special]
    assert merges == sorted(merges, key=reference.get_vocab().__getitem__)  # and in the same order
    assert len(merges) > 60


def test_training_by_likelihood_takes_the_pair_with_the_largest_ratio_counted_afresh():
    texts = words_without_ties()[:12]
    ours = WordPiece.train(texts, 40, score="likelihood")
    words = Counter(word for text in texts for word in split_words(text))
    spelled = {word: [word[0], *(f"##{char}" for char in word[1:])] for word in words}
    learned = [token for token in list(ours.vocab)[5:] if len(token.removeprefix("##")) > 1]
    assert len(learned) > 10
    for token in learned:
        singles, pairs = Counter(), Counter()
        for word, pieces in spelled.items():
            for piece in pieces:
                singles[piece] += words[word]
            for pair in pairwise(pieces):
                pairs[pair] += words[word]
        ratio = {pair: count / (singles[pair[0]] * singles[pair[1]]) for pair, count in pairs.items()}
        best = {pair for pair, value in ratio.items() if value == max(ratio.values())}
        left, right = next(pair for pair in best if join_pieces(*pair) == token)
        for word, pieces in spelled.items():
            joined = f" {' '.join(pieces)} "
            while f" {left} {right} " in joined:
                joined = joined.replace(f" {left} {right} ", f" {token} ", 1)
            spelled[word] = joined.split()


@unchecked()
def test_what_was_learned_spells_the_texts_without_unknowns():
    texts = [tale.text for tale in islice(tales("train", seed=0), 100)]
    ours = WordPiece.train(texts, 600)
    assert len(ours) == 600
    assert all(ours.vocab["[UNK]"] not in ours.encode(text) for text in texts)
    assert ours.encode("Ω") == [ours.vocab["[UNK]"]]


@pytest.mark.parametrize(("keywords", "says"), [
    ({"vocab_size": 8}, "2 different characters, so vocab_size must be at least 9; got 8"),
    ({"vocab_size": 20, "score": "pmi"}, 'score is "count" or "likelihood"; got'),
])
def test_wrong_training_input_is_named(keywords, says):
    with pytest.raises(ValueError, match=says):
        WordPiece.train(["ab ba"], **keywords)


# ---- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lowercase", "model_type"), [(True, None), (True, "bert"), (False, "bert")])
def test_transformers_loads_what_was_saved_as_a_bert_tokenizer(tmp_path, lowercase, model_type):
    from transformers import AutoTokenizer

    ours = WordPiece.train([tale.text for tale in islice(tales("train", seed=0), 100)], 400, lowercase)
    ours.save(tmp_path)
    if model_type:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert "Bert" in type(loaded).__name__ and loaded.is_fast
    assert (loaded.pad_token_id, loaded.unk_token_id, loaded.cls_token_id, loaded.mask_token_id) == (0, 1, 2, 4)
    samples = [text for text in wild(200) if not any(token in text for token in ours.special)]
    assert loaded(samples)["input_ids"] == [ours.encode_pair(text)[0] for text in samples]
    pair = loaded("Nora lost it.", "Who lost it?")
    assert (pair["input_ids"], pair["token_type_ids"]) == ours.encode_pair("Nora lost it.", "Who lost it?")
    again = WordPiece.from_file(tmp_path)
    assert (again.vocab, again.lowercase, again.special) == (ours.vocab, lowercase, ours.special)


def test_files_that_are_no_bert_tokenizer_are_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "BPE"}}')
    with pytest.raises(ValueError, match="of type BPE, not WordPiece"):
        WordPiece.from_file(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "WordPiece", "vocab": {}}, "normalizer": {"type": "NFC"}}')
    with pytest.raises(ValueError, match="does not clean texts as BERT does"):
        WordPiece.from_file(tmp_path)
    with pytest.raises(ValueError, match=r"needs the token '\[UNK\]'"):
        WordPiece({"a": 0}, special=())
