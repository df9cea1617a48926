"""Text while it comes: whole characters only, stop texts never shown, and together what the tokens say."""

import pytest
from families import byte_level, sentence_piece, word_piece
from small_models import ByteTokenizer, Parrot, our_model
from tokenizers import Tokenizer

from llmkit.generation import generate, stream
from llmkit.generation.pieces import Pieces, decode
from llmkit.generation.prompts import special_id
from llmkit.tokenization import BPE

TEXT = "The owl 🦉 said: 你好, naïve café. مرحبا\nend"


def pieces_of(tokenizer, ids, **options):
    pieces = Pieces(tokenizer, **options)
    given = []
    for token in ids:
        given.append(pieces.add(token))
        if pieces.is_stopped:
            return given
    return [*given, pieces.finish()]


def spoken(text, prompt="Hi", **options):
    """What a model that says `text` streams, with a token for every byte."""
    tokenizer = ByteTokenizer()
    model = Parrot(text, tokenizer, prompt_length=1 + len(prompt.encode()))
    whole = generate(model, prompt, 200, tokenizer=tokenizer, **options)
    given = list(stream(model, prompt, 200, tokenizer=tokenizer, **options))
    assert "".join(given) == whole
    return given


def test_every_streamed_piece_is_made_of_whole_characters():
    assert spoken(TEXT) == list(TEXT)  # one byte a token, so one character a piece


def test_bytes_that_are_no_character_are_given_in_the_end_as_such():
    ids = [2 + byte for byte in "a🦉".encode()[:-1]]  # the owl lacks its last byte
    given = pieces_of(ByteTokenizer(), ids)
    assert given[:-1] == ["a", "", "", ""]
    assert given[-1] == "\ufffd"


def test_a_wrong_byte_does_not_hold_back_what_follows():
    assert pieces_of(ByteTokenizer(), [2 + 0xFF, 2 + ord("b"), 2 + ord("c")]) == ["", "\ufffdb", "c", ""]


@pytest.mark.parametrize("make", [byte_level, sentence_piece, word_piece, lambda: BPE.train(["the cat sat"] * 3, 270)])
def test_pieces_together_are_the_text_whatever_the_tokenizer(make):
    tokenizer = make()
    text = "the cat sat on the mat" if make is word_piece else "the cat sat on the mats 🦉 你好"
    ids = tokenizer.encode(text)
    ids = [token for token in ids if token not in (special_id(tokenizer, "bos"), special_id(tokenizer, "eos"))]
    half = len(ids) // 2
    before = Pieces(tokenizer)
    given = [before.add(token) for token in ids]
    assert "".join(given).strip() == decode(tokenizer, ids).strip()  # some write a space before a text, some do not
    after = pieces_of(tokenizer, ids[half:], prompt=ids[:half])
    assert "".join(given[:half]) + "".join(after) == "".join(given)


def test_the_library_tokenizers_serves_as_well(tmp_path):
    inner = Tokenizer.from_str(byte_level().backend_tokenizer.to_str())
    model = our_model(vocab_size=inner.get_vocab_size())
    text = generate(model, "the cat", 10, tokenizer=inner)
    assert text == inner.decode(generate(model, inner.encode("the cat").ids, 10))


# ---- stop texts --------------------------------------------------------------------------------------------------


def test_a_stop_text_is_cut_off_and_its_beginning_is_never_shown():
    given = spoken("one two, then three. And four", stop=["three.", "four"])
    assert "".join(given) == "one two, then "
    assert given == ["o", "n", "e", " ", "tw", "o", ",", " ", "the", "n", " "]  # what might be "three." waits


def test_what_only_looked_like_a_stop_text_is_shown_after_all():
    assert "".join(spoken("the ending: the en", stop="the end.")) == "the ending: the en"


def test_of_two_stop_texts_the_first_in_the_text_counts():
    assert "".join(spoken("a b c d", stop=["c", " b c"])) == "a"


def test_stop_texts_in_a_batch_end_each_row_by_itself():
    tokenizer = ByteTokenizer()
    model = Parrot("one. two. three", tokenizer, prompt_length=3)
    assert generate(model, ["Hi", "Ho"], 50, stop=".", tokenizer=tokenizer) == ["one", "one"]


# ---- special tokens ----------------------------------------------------------------------------------------------


def test_the_end_token_of_the_tokenizer_ends_the_text_and_is_not_shown():
    assert "".join(spoken("short")) == "short"


def test_a_text_begins_with_the_beginning_of_text_token_also_when_it_is_empty():
    tokenizer, model = ByteTokenizer(), our_model(vocab_size=258)
    assert generate(model, "", 9, tokenizer=tokenizer, stop=()) == tokenizer.decode(generate(model, [0], 9), True)
    assert generate(model, "a", 9, tokenizer=tokenizer, stop=()) == tokenizer.decode(generate(model, [0, 2 + ord("a")], 9), True)


def test_an_empty_prompt_without_such_a_token_is_answered_with_a_sentence():
    with pytest.raises(ValueError, match="no token is known that begins a text"):
        generate(our_model(vocab_size=300), "", 5, tokenizer=byte_level())


def test_characters_no_one_has_seen_are_no_problem_for_bytes():
    tokenizer, model = ByteTokenizer(), our_model(vocab_size=258)
    assert isinstance(generate(model, "𓀀\ud800 ‮", 5, tokenizer=BPE.train(["a b"], 258, ("<s>", "</s>"))), str)
    assert isinstance(generate(model, "𓀀‮", 5, tokenizer=tokenizer), str)
