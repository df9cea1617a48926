"""Equations 5.15 and 5.16 on a real pretrained model: its own weights, our attention, the same numbers."""

import pytest
import torch

from llmkit import attention, models

SENTENCES = [
    "The cat sat on the mat because it was tired.",
    "Short.",
    "Attention moves information between tokens, and the feed-forward layers compute with it. " * 6,
]


@pytest.fixture(scope="module")
def minilm():
    return models.load("minilm")


@torch.no_grad()
def run(minilm, text):
    inputs = minilm.tokenizer(text, return_tensors="pt")
    return minilm.model(**inputs, output_hidden_states=True, output_attentions=True)


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("number", range(6))
@torch.no_grad()
def test_our_attention_on_minilms_own_queries_keys_and_values_equals_the_model(minilm, text, number):
    real = run(minilm, text)
    layer, hidden = minilm.model.encoder.layer[number].attention, real.hidden_states[number]
    projected = [
        attention.split_heads(hidden @ linear.weight.T + linear.bias, 12)
        for linear in (layer.self.query, layer.self.key, layer.self.value)
    ]
    ours = attention.attend(*projected)
    assert (ours.weights - real.attentions[number]).abs().max() < 1e-5

    joined = attention.merge_heads(ours.output)
    output = joined @ layer.output.dense.weight.T + layer.output.dense.bias
    assert (joined - layer.self(hidden)[0]).abs().max() < 1e-5
    assert (output - layer.output.dense(layer.self(hidden)[0])).abs().max() < 1e-5


def test_a_padded_batch_gives_the_same_weights_as_its_sentences_alone(minilm):
    batch = minilm.tokenizer(SENTENCES[:2], return_tensors="pt", padding=True)
    with torch.no_grad():
        real = minilm.model(**batch, output_hidden_states=True, output_attentions=True)
    layer = minilm.model.encoder.layer[0].attention.self
    heads = [attention.split_heads(project(real.hidden_states[0]), 12) for project in (layer.query, layer.key, layer.value)]
    ours = attention.attend(*heads, mask=attention.padding_mask(batch.attention_mask))
    assert (ours.weights - real.attentions[0]).abs().max() < 1e-5


def test_head_5_11_sends_it_to_the_cat(minilm):
    words = minilm.tokenizer.tokenize(SENTENCES[0])
    weights = run(minilm, SENTENCES[0]).attentions[5][0, 11, 1:-1, 1:-1]
    assert weights[words.index("it"), words.index("cat")].item() == pytest.approx(0.71, abs=0.01)
