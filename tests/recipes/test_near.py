"""The start that leans on the near: the scores it promises, in every layer, and none of it elsewhere."""

import pytest
import torch

from llmkit.positions import frequencies
from llmkit.recipes.near import lean_on_the_near
from llmkit.transformer import Config, Transformer

CONFIG = Config(vocab_size=300, width=64, num_layers=2, num_heads=4, num_kv_heads=2, context=64)


def test_scores_before_any_training_are_the_mean_cosine_of_the_angles_times_the_strength():
    torch.manual_seed(0)
    model = lean_on_the_near(Transformer(CONFIG), (12.0, 3.0))
    tokens = torch.randint(0, 300, (40, 33))
    weights = model.trace(tokens).attention[0].mean(0)  # (H, T, T), mean over texts
    distances = torch.arange(33.0)
    scores = (distances[:, None] * frequencies(CONFIG.head_dim)).cos().mean(-1)  # (T,)
    for head, strength in enumerate((12.0, 3.0, 12.0, 3.0)):
        expected = (strength * scores).flip(0).softmax(-1)  # what the last token gives to each
        assert torch.allclose(weights[head, -1], expected.float(), atol=0.03)  # words differ in what they do not share
    assert weights[0, -1, -5:].sum() > weights[1, -1, -5:].sum() > 5 / 33


def test_without_it_every_token_is_looked_at_alike():
    torch.manual_seed(0)
    weights = Transformer(CONFIG).trace(torch.randint(0, 300, (40, 33))).attention[0].mean(0)
    assert torch.allclose(weights[:, -1], torch.full((4, 33), 1 / 33), atol=0.01)


@pytest.mark.parametrize("change", [{"positions": "alibi"}, {"kind": "encoder"}])
def test_other_models_are_refused_in_a_sentence(change):
    config = Config(**{**vars(CONFIG), **change})
    with pytest.raises(ValueError, match="decoders with RoPE"):
        lean_on_the_near(Transformer(config))
