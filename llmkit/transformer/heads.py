"""What is put on top of an encoder to train it and to use it: BERT's heads. Built in lessons 10 and 18.

Shape letters: B batch, T tokens, C model width, V vocabulary, N chosen tokens.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.shapes import Bool, Float, Int, Tensor
from llmkit.transformer.config import Config
from llmkit.transformer.layers import make_norm
from llmkit.transformer.model import Transformer


class PretrainingModel(nn.Module):
    """An encoder that guesses masked tokens, and whether two sentences follow each other.

    Guesses come from one more layer and the encoder's own embedding; the verdict from its first token.

    >>> config = Config(vocab_size=50, width=16, num_layers=1, num_heads=2, kind="encoder", num_segments=2)
    >>> guesses, verdict = PretrainingModel(config)(torch.tensor([[1, 2, 3]]))
    >>> guesses.shape, verdict.shape
    (torch.Size([1, 3, 50]), torch.Size([1, 2]))

    Built in lesson 10. Devlin et al. 2018, arXiv:1810.04805, section 3.1.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config, self.encoder = config, Transformer(_checked(config))
        self.transform, self.transform_norm = nn.Linear(config.width, config.width), make_norm(config)
        self.guess_bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.pooler, self.verdict = nn.Linear(config.width, config.width), nn.Linear(config.width, 2)
        for layer in (self.transform, self.pooler, self.verdict):
            layer.apply(Transformer.start)

    def forward(
        self,
        tokens: Int[Tensor, "B T"],
        keep: Bool[Tensor, "B T"] | None = None,
        segments: Int[Tensor, "B T"] | None = None,
        places: Bool[Tensor, "B T"] | None = None,
    ) -> tuple[Tensor, Float[Tensor, "B 2"]]:
        """Logits (B, T, V) for every token, or (N, V) for those where `places` is True, and the verdict's two logits.

        Only masked tokens count in training, and there are few: `places` saves most of the work.
        Verdict 0 says that the second sentence follows the first, verdict 1 that it does not.
        """
        hidden = self.encoder.encode(tokens, keep, segments)  # (B, T, C)
        first = self.pooler(hidden[:, 0]).tanh()  # (B, C)
        return self.guess(hidden if places is None else hidden[places]), self.verdict(first)

    def guess(self, hidden: Float[Tensor, "*batch C"]) -> Float[Tensor, "*batch V"]:
        """Logits of the token that stood at each place."""
        approximate = "tanh" if self.config.activation == "gelu_tanh" else "none"
        hidden = self.transform(hidden)
        hidden = F.relu(hidden) if self.config.activation == "relu" else F.gelu(hidden, approximate=approximate)
        return F.linear(self.transform_norm(hidden), self.encoder.embedding.weight, self.guess_bias)


class SpanModel(nn.Module):
    """An encoder that answers a question by pointing at the first and the last token of the answer in the text.

    >>> config = Config(vocab_size=50, width=16, num_layers=1, num_heads=2, kind="encoder", num_segments=2)
    >>> start, end = SpanModel(config)(torch.tensor([[1, 2, 3]]))
    >>> start.shape, end.shape
    (torch.Size([1, 3]), torch.Size([1, 3]))

    Built in lesson 18. Devlin et al. 2018, arXiv:1810.04805, section 4.2.
    """

    def __init__(self, config: Config, encoder: Transformer | None = None):
        super().__init__()
        self.config, self.encoder = config, Transformer(_checked(config)) if encoder is None else encoder
        self.span = nn.Linear(config.width, 2)
        self.span.apply(Transformer.start)

    def forward(
        self,
        tokens: Int[Tensor, "B T"],
        keep: Bool[Tensor, "B T"] | None = None,
        segments: Int[Tensor, "B T"] | None = None,
    ) -> tuple[Float[Tensor, "B T"], Float[Tensor, "B T"]]:
        """How well each token would begin the answer, and how well it would end it: two rows of logits."""
        start, end = self.span(self.encoder.encode(tokens, keep, segments)).unbind(-1)
        return start, end


def _checked(config: Config) -> Config:
    if config.kind != "encoder":
        raise ValueError(f'These heads stand on an encoder: Config(kind="encoder"); got {config.kind!r}.')
    return config
