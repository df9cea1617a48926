"""Weights from `transformers` and back: the same numbers to 1e-5 in float32, on tiny random models and on a real one."""

from dataclasses import replace

import pytest
import torch
import transformers as hf

from llmkit.models import load
from llmkit.transformer import Config, PretrainingModel, SpanModel, Transformer
from llmkit.weights import from_transformers, to_transformers

V, SAME = 97, 1e-5
SIZES = {"vocab_size": V, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 37,
         "max_position_embeddings": 40}
T5_SIZES = {"vocab_size": V, "d_model": 32, "d_ff": 37, "num_layers": 3, "num_heads": 4, "relative_attention_max_distance": 20}


def shaken(model):
    """Evaluation mode, with weights so large that every part shows in the result, biases and norms included."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight += (0.3 if "norm" in name.lower() or "ln_" in name else 0.12) * torch.randn(weight.shape, generator=generator)
    return model.eval()


def texts(rows=3, tokens=11, seed=0):
    """Random tokens, and a padding mask that leaves a different number of them in each row."""
    tokens = torch.randint(0, V, (rows, tokens), generator=torch.Generator().manual_seed(seed))
    keep = torch.arange(tokens.shape[1]) < torch.tensor([[tokens.shape[1]], [7], [4]])[:rows]
    return tokens, keep


def difference(got, expected, keep=None):
    gap = (got - expected).abs()
    return (gap if keep is None else gap[keep]).max().item()


DECODERS = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES, num_key_value_heads=2, tie_word_embeddings=True)),
    "llama, untied": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES)),
    "llama, one key-value head": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES, num_key_value_heads=1)),
    "llama, wide heads and biases": lambda: hf.LlamaForCausalLM(
        hf.LlamaConfig(**SIZES, head_dim=12, attention_bias=True, mlp_bias=True)),
    "llama, stretched": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(
        **SIZES, rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0})),
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(
        vocab_size=V, n_embd=32, n_layer=3, n_head=4, n_positions=40, bos_token_id=0, eos_token_id=0)),
    "gpt2, untied and narrow": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(
        vocab_size=V, n_embd=32, n_layer=3, n_head=4, n_positions=40, n_inner=21, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=False, scale_attn_weights=False)),
}


@pytest.mark.parametrize("name", DECODERS)
@torch.no_grad()
def test_decoders_give_the_same_logits_there_and_back(name):
    theirs = shaken(DECODERS[name]())
    tokens, keep = texts()
    expected = theirs(tokens).logits
    ours = from_transformers(theirs)
    assert expected.std() > 0.3  # so that 1e-5 says something
    assert difference(ours(tokens), expected) <= SAME
    assert difference(ours(tokens, keep), theirs(tokens, attention_mask=keep.long()).logits, keep) <= SAME
    again = to_transformers(ours)
    assert type(again) is type(theirs)
    assert difference(again(tokens).logits, expected) <= SAME
    assert from_transformers(again).config == ours.config


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("form", ["relu", "gated-gelu"])
@torch.no_grad()
def test_t5_gives_the_same_logits_there_and_back(form, tied):
    theirs = hf.T5ForConditionalGeneration(hf.T5Config(**T5_SIZES, d_kv=6, feed_forward_proj=form, tie_word_embeddings=tied))
    if not tied:
        theirs.lm_head = torch.nn.Linear(32, V, bias=False)
    shaken(theirs)
    (source, source_keep), (target, _) = texts(tokens=30), texts(tokens=25, seed=5)
    expected = theirs(input_ids=source, attention_mask=source_keep.long(), decoder_input_ids=target).logits
    ours = from_transformers(theirs)
    assert ours.config.tied == tied
    assert expected.std() > 0.3
    assert difference(ours(source, target, source_keep), expected) <= SAME * max(1, expected.abs().max().item())
    again = to_transformers(ours)(input_ids=source, attention_mask=source_keep.long(), decoder_input_ids=target).logits
    assert difference(again, expected) <= SAME * max(1, expected.abs().max().item())


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
@torch.no_grad()
def test_bert_gives_the_same_hidden_states_there_and_back(activation):
    theirs = shaken(hf.BertModel(hf.BertConfig(**SIZES, hidden_act=activation)))
    (tokens, keep), segments = texts(), (torch.arange(11) > 5).long().expand(3, -1)
    expected = theirs(tokens, attention_mask=keep.long(), token_type_ids=segments).last_hidden_state
    ours = from_transformers(theirs)
    assert difference(ours.encode(tokens, keep, segments), expected, keep) <= SAME
    assert difference(ours.encode(tokens), theirs(tokens).last_hidden_state) <= SAME
    again = to_transformers(ours)(tokens, attention_mask=keep.long(), token_type_ids=segments).last_hidden_state
    assert difference(again, expected, keep) <= SAME


@torch.no_grad()
def test_bert_for_pretraining_keeps_both_heads():
    theirs = shaken(hf.BertForPreTraining(hf.BertConfig(**SIZES)))
    (tokens, keep), segments = texts(), (torch.arange(11) > 5).long().expand(3, -1)
    expected = theirs(tokens, attention_mask=keep.long(), token_type_ids=segments)
    ours = from_transformers(theirs)
    guesses, verdict = ours(tokens, keep, segments)
    assert isinstance(ours, PretrainingModel)
    assert difference(guesses, expected.prediction_logits, keep) <= SAME
    assert difference(verdict, expected.seq_relationship_logits) <= SAME
    places = torch.zeros(3, 11, dtype=torch.bool)
    places[[0, 1, 1], [3, 0, 4]] = True
    assert difference(ours(tokens, keep, segments, places)[0], expected.prediction_logits[places]) <= SAME
    again = to_transformers(ours)(tokens, attention_mask=keep.long(), token_type_ids=segments)
    assert difference(again.prediction_logits, expected.prediction_logits, keep) <= SAME
    assert difference(again.seq_relationship_logits, expected.seq_relationship_logits) <= SAME


@torch.no_grad()
def test_bert_for_question_answering_keeps_its_spans():
    theirs = shaken(hf.BertForQuestionAnswering(hf.BertConfig(**SIZES)))
    tokens, keep = texts()
    expected = theirs(tokens, attention_mask=keep.long())
    ours = from_transformers(theirs)
    start, end = ours(tokens, keep)
    assert isinstance(ours, SpanModel)
    assert difference(start, expected.start_logits, keep) <= SAME
    assert difference(end, expected.end_logits, keep) <= SAME
    again = to_transformers(ours)(tokens, attention_mask=keep.long())
    assert difference(again.start_logits, expected.start_logits, keep) <= SAME


@torch.no_grad()
def test_the_real_minilm_gives_the_same_hidden_states_and_the_same_attention():
    loaded = load("minilm")
    batch = loaded.tokenizer(["The cat sat on the mat because it was tired.", "A kite."], padding=True, return_tensors="pt")
    keep = batch["attention_mask"].bool()
    expected = loaded.model(**batch, output_attentions=True, output_hidden_states=True)
    ours = from_transformers(loaded.model)
    assert difference(ours.encode(batch["input_ids"], keep), expected.last_hidden_state, keep) <= SAME
    seen = ours.trace(batch["input_ids"], keep)
    assert difference(seen.attention, torch.stack(expected.attentions)) <= SAME
    assert difference(seen.hidden_states[:, keep], torch.stack(expected.hidden_states)[:, keep]) <= SAME


@pytest.mark.parametrize("kind", ["llama", "bert", "t5"])
@torch.no_grad()
def test_a_saved_model_loads_with_transformers_alone(tmp_path, kind):
    common = {"vocab_size": V, "width": 32, "num_layers": 2, "num_heads": 4}
    tokens, _ = texts()
    if kind == "llama":
        ours = shaken(Transformer(Config(**common, num_kv_heads=2)))
        to_transformers(ours, bos_token_id=1, eos_token_id=2, pad_token_id=0).save_pretrained(tmp_path)
        theirs = hf.AutoModelForCausalLM.from_pretrained(tmp_path)
        got = theirs(tokens).logits
        assert theirs.config.eos_token_id == 2
        expected = ours(tokens)
    elif kind == "bert":
        ours = shaken(SpanModel(Config(**common, kind="encoder", norm="layer", norm_place="post", activation="gelu",
                                       positions="learned", bias=True, num_segments=2)))
        to_transformers(ours).save_pretrained(tmp_path)
        got = hf.AutoModelForQuestionAnswering.from_pretrained(tmp_path)(tokens).start_logits
        expected = ours(tokens)[0]
    else:
        ours = shaken(Transformer(Config(**common, kind="encoder-decoder", activation="geglu", positions="relative",
                                         scale_scores=False, scale_logits=True)))
        to_transformers(ours, decoder_start_token_id=0).save_pretrained(tmp_path)
        got = hf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)(input_ids=tokens, decoder_input_ids=tokens).logits
        expected = ours(tokens, tokens)
    assert difference(got, expected) <= SAME * max(1, expected.abs().max().item())


def test_a_model_in_half_precision_is_read_as_float32():
    ours = from_transformers(DECODERS["llama"]().half())
    assert {weight.dtype for weight in ours.parameters()} == {torch.float32}


@pytest.mark.parametrize(("change", "words"), [
    ({"activation": "gelu"}, "Llama has activation='swiglu'; this model has 'gelu'"),
    ({"positions": "alibi"}, "Llama has positions='rope'; this model has 'alibi'"),
    ({"norm": "layer"}, "GPT-2 has activation='gelu_tanh'"),
    ({"kind": "encoder"}, "BERT has norm='layer'"),
    ({"kind": "encoder-decoder"}, "T5 has positions='relative'"),
])
def test_choices_that_no_family_makes_are_named(change, words):
    config = replace(Config(vocab_size=V, width=32, num_layers=1, num_heads=4), **change)
    with pytest.raises(ValueError, match=words):
        to_transformers(Transformer(config))


def test_other_families_and_other_heads_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="Weights can be read from llama, gpt2, bert, t5; got Linear"):
        from_transformers(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="Expected a Transformer of llmkit"):
        to_transformers(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="does it have another head"):
        from_transformers(hf.BertForSequenceClassification(hf.BertConfig(**SIZES)))
    with pytest.raises(ValueError, match="RoPE of kind 'dynamic'"):
        from_transformers(hf.LlamaForCausalLM(hf.LlamaConfig(
            **SIZES, rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10_000.0})))
