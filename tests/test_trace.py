"""trace.py: any transformers model can be looked into, and its tokens can be read."""

import pytest
import torch
from families import FAMILIES, C, H, L, bert, byte_level, gpt2, sentence_piece, word_piece
from tokenizers import Tokenizer, models, normalizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from llmkit.models import load
from llmkit.trace import token_texts, trace, visible

SENTENCE = "the cat sat on the mat"


@pytest.fixture(params=FAMILIES)
def family(request):
    make_model, make_tokenizer, is_causal = FAMILIES[request.param]
    return make_model(), make_tokenizer(), is_causal


@pytest.fixture(scope="module")
def minilm():
    loaded = load("minilm")
    return loaded.model, loaded.tokenizer


def test_shapes_and_rows_of_every_family(family):
    model, tokenizer, is_causal = family
    seen = trace(model, tokenizer, SENTENCE)
    tokens = len(tokenizer(SENTENCE)["input_ids"])
    assert seen.attention.shape == (L, H, tokens, tokens)
    assert seen.hidden_states.shape == (L + 1, tokens, C)
    assert len(seen.tokens) == len(seen.token_ids) == tokens
    assert (seen.num_layers, seen.num_heads, seen.is_causal) == (L, H, is_causal)
    assert seen.attention.dtype == seen.hidden_states.dtype == torch.float32
    assert torch.allclose(seen.attention.sum(-1), torch.ones(L, H, tokens), atol=1e-5)
    assert seen.truncated_from is None
    assert seen.device == "cpu"
    assert seen.milliseconds > 0


def test_the_model_comes_back_as_it_was(family):
    model, tokenizer, _ = family
    model.train()
    model.set_attn_implementation("sdpa")
    first, second = trace(model, tokenizer, SENTENCE), trace(model, tokenizer, SENTENCE)
    assert torch.equal(first.attention, second.attention)  # no dropout
    assert model.training
    assert model.config._attn_implementation == "sdpa"


def test_the_numbers_are_the_models_own(minilm):
    model, tokenizer = minilm
    text = "The cat sat on the mat because it was tired."
    seen = trace(model, tokenizer, text)
    with torch.inference_mode():
        outputs = model(**tokenizer(text, return_tensors="pt"), output_attentions=True, output_hidden_states=True)
    assert torch.equal(seen.attention, torch.stack(outputs.attentions)[:, 0])
    assert torch.equal(seen.hidden_states, torch.stack(outputs.hidden_states)[:, 0])
    it, cat = seen.tokens.index("it"), seen.tokens.index("cat")
    assert seen.attention[5, 11, it, cat] == pytest.approx(0.71, abs=0.01)


def test_ten_thousand_words_are_cut_and_it_says_so(minilm):
    seen = trace(*minilm, "cat " * 10_000)
    assert len(seen.tokens) == 512
    assert seen.tokens[-1] == "[SEP]"
    assert seen.truncated_from == 10_002


def test_the_models_positions_and_the_readers_limit_both_cut():
    long = "the cat " * 100
    assert len(trace(bert(), word_piece(), long).tokens) == 64
    shorter = trace(gpt2(), byte_level(), long, max_tokens=10)
    assert len(shorter.tokens) == 10
    assert shorter.truncated_from > 64


@pytest.mark.parametrize("text", ["", "   ", "\n\t", None])
def test_no_text_is_one_sentence(text):
    with pytest.raises(ValueError, match="There is no text to look at"):
        trace(bert(), word_piece(), text)


def test_text_without_a_token_is_one_sentence():
    with pytest.raises(ValueError, match="made no tokens"):
        trace(gpt2(), only_letters(), "???")


def only_letters() -> PreTrainedTokenizerFast:
    """A tokenizer that throws away what is not a letter."""
    inner = Tokenizer(models.BPE())
    inner.normalizer = normalizers.Replace("?", "")
    return PreTrainedTokenizerFast(tokenizer_object=inner)


def test_a_backend_that_keeps_its_weights_gets_a_sentence_that_names_the_way_out(monkeypatch):
    model = gpt2(attn_implementation="sdpa")
    monkeypatch.setattr(type(model), "set_attn_implementation", lambda self, name: None)  # as in a model that cannot switch
    with pytest.raises(ValueError, match='Load it with attn_implementation="eager"'):
        trace(model, byte_level(), SENTENCE)


def test_a_tokenizer_from_elsewhere_is_noticed():
    small = BertModel(BertConfig(vocab_size=5, hidden_size=C, num_hidden_layers=1, num_attention_heads=H, intermediate_size=37))
    with pytest.raises(ValueError, match="from the same place"):
        trace(small, word_piece(), SENTENCE)


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(ValueError, match="There is no device 'cuda:77' here"):
        trace(bert(), word_piece(), SENTENCE, device="cuda:77")


def test_half_an_emoji_does_not_stop_the_trace():
    assert trace(gpt2(), byte_level(), "cat \ud83d").tokens[-1] == "?"


# ---- readable tokens ----------------------------------------------------------------------------------------------


def readable(tokenizer, text):
    encoded = tokenizer(text, return_offsets_mapping=True)
    surfaces = [text[start:end] for start, end in encoded["offset_mapping"]]
    return token_texts(tokenizer, encoded["input_ids"], surfaces)


def test_word_pieces_stay_and_unknown_tokens_say_what_they_stand_for(minilm):
    shown = readable(minilm[1], "Snowboarders 🙂")
    assert shown == ["[CLS]", "snow", "##board", "##ers", "[UNK] 🙂", "[SEP]"]


def test_byte_tokens_become_text():
    assert readable(byte_level(), "the cat")[-1] == "·cat"
    assert readable(byte_level(), "\n") == ["↵"]


@pytest.mark.parametrize("char", ["猫", "م", "🙂"])
def test_a_character_over_several_byte_tokens_is_shown_with_its_place(char):
    count = len(char.encode())
    expected = [f"{char} {k}/{count}" for k in range(1, count + 1)]
    assert readable(byte_level(), char) == expected
    assert readable(sentence_piece(), char)[1:] == expected  # after the "▁" it puts in front


def test_bytes_that_make_no_character_are_numbers():
    tokenizer = byte_level()
    first_half = tokenizer("猫")["input_ids"][:2]
    assert token_texts(tokenizer, first_half) == ["E7", "8C"]


def test_sentence_pieces_show_the_space_they_carry():
    assert readable(sentence_piece("</s>"), "the cats") == ["·the", "·cat", "s", "</s>"]


def test_what_cannot_be_seen_gets_a_name():
    assert visible("\u200d") == "U+200D"
    assert visible("##\u0651") == "##◌\u0651"
    assert visible("") == "(nothing)"
