"""The Transformer: an encoder, a decoder, or both, from one block and one Config. Built in lesson 07.

Shape letters: B batch, T tokens, S source tokens, C model width, H heads, V vocabulary, L layers.
Masks: True means "may look"; `keep` is True at real tokens and False at padding.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from llmkit.shapes import Bool, Float, Int, Tensor
from llmkit.transformer.block import Stack
from llmkit.transformer.cache import KVCache
from llmkit.transformer.config import Config
from llmkit.transformer.step import Step, can_step
from llmkit.transformer.views import decoder_view, encoder_view, memory_view_of


@dataclass(frozen=True)
class Trace:
    """What happened inside during one forward pass, layer by layer. Of an encoder-decoder: in its decoder."""

    logits: Tensor | None  # (B, T, V); None for an encoder
    hidden_states: Tensor  # (L + 1, B, T, C) the stream: the embeddings, then after each block, before the last norm
    attention: Tensor  # (L, B, H, T, S) each row sums to 1, or is all 0 where nothing may be looked at
    cross_attention: Tensor | None  # (L, B, H, T, S) of a decoder that reads an encoder's output
    layer_logits: Tensor | None  # (L, B, T, V) the logit lens: what each layer would say if it were the last


class Transformer(nn.Module):
    """A language model with the choices of a Config.

    A decoder gives logits, an encoder hidden states; an encoder-decoder is called with source and target.
    ValueError, in a sentence, for texts longer than the context and for ids outside of the vocabulary.

    >>> model = Transformer(Config(vocab_size=50, width=16, num_layers=2, num_heads=4))
    >>> model(torch.tensor([[3, 1, 4]])).shape
    torch.Size([1, 3, 50])

    Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        is_both = config.kind == "encoder-decoder"
        self.encoder = Stack(config, is_causal=False) if config.kind != "decoder" else None
        self.decoder = Stack(config, is_causal=True, reads_memory=is_both) if config.kind != "encoder" else None
        needs_head = self.decoder is not None and not config.tied
        self.head = nn.Linear(config.width, config.vocab_size, bias=False) if needs_head else None
        self._step: Step | None = None
        self.apply(self.start)
        for name, weight in self.named_parameters():  # what a sublayer adds to the stream starts small (GPT-2)
            if name.endswith(("output.weight", "down.weight", "outer.weight")):
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * config.num_layers))

    @staticmethod
    def start(module: nn.Module) -> None:
        """Weights from a normal distribution of width 0.02, biases 0 (Radford et al. 2019, as BERT's)."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def train(self, mode: bool = True) -> "Transformer":
        if mode != self.training:
            self._step = None
        return super().train(mode)

    def _apply(self, *arguments, **options) -> "Transformer":  # .to(), .half(), .cuda(): the weights stay, their numbers move
        self._step = None
        return super()._apply(*arguments, **options)

    @property
    def blocks(self) -> nn.ModuleList:
        """The blocks of the only stack, or of the decoder where there are two."""
        return (self.decoder if self.decoder is not None else self.encoder).blocks

    def num_parameters(self) -> int:
        """How many numbers are learned; a tied table counts once."""
        return sum(weight.numel() for weight in self.parameters())

    # ---- reading ---------------------------------------------------------------------------------------------------

    def forward(
        self,
        tokens: Int[Tensor, "B T"],
        keep: Tensor | None = None,
        source_keep: Bool[Tensor, "B S"] | None = None,
        target_keep: Tensor | None = None,
        *,
        segments: Int[Tensor, "B T"] | None = None,
        memory: Float[Tensor, "B S C"] | None = None,
        memory_keep: Bool[Tensor, "B S"] | None = None,
        cache: KVCache | None = None,
        positions: Int[Tensor, "B T"] | None = None,
    ) -> Tensor:
        """Logits (B, T, V) of a decoder, or hidden states (B, T, C) of an encoder.

        An encoder-decoder is called as `model(source, target, source_keep, target_keep)`; or, step by step, as
        `model(target, memory=model.encode(source), cache=cache)`, without `memory` once the cache holds it.
        With a `cache`, `tokens` are the new ones only. `positions` count the real tokens of a row unless given.
        Rows padded on the right need no `keep` in a decoder: no real token looks that far ahead.
        """
        if self.decoder is None:
            return self.encode(tokens, keep, segments)
        if tokens.shape[1:] == (1,) and cache is not None and keep is cache.keep is positions is None and self._can_step(cache):
            cache.check_room(tokens)
            return cache.step(self._embedded(tokens)[:, 0], cache)[:, None]  # (B, 1, V)
        if self.encoder is not None and memory is None and not (cache is not None and cache.memory):
            if keep is None:
                raise ValueError("An encoder-decoder reads a source and writes a target: model(source, target).")
            memory, memory_keep, tokens, keep = self.encode(tokens, source_keep), source_keep, keep, target_keep
        view, places = decoder_view(self.decoder, tokens, keep, cache, positions)
        memory_view = memory_view_of(memory_keep, cache)
        hidden = self.decoder.embed(self._embedded(tokens), places, None)
        hidden = self.decoder(hidden, view, memory, memory_view)
        if cache is not None:
            cache.length += tokens.shape[1]
        return self.to_logits(hidden)

    def encode(
        self,
        tokens: Int[Tensor, "B S"],
        keep: Bool[Tensor, "B S"] | None = None,
        segments: Int[Tensor, "B S"] | None = None,
    ) -> Float[Tensor, "B S C"]:
        """The hidden states of an encoder, one for each token. `keep` is True at real tokens."""
        if self.encoder is None:
            raise ValueError("A decoder has no encoder to encode with; call the model itself for logits.")
        view, places = encoder_view(self.encoder, tokens, keep)
        hidden = self.encoder.embed(self._embedded(tokens), places, segments)
        return self.encoder(hidden, view)

    def to_logits(self, hidden: Float[Tensor, "*batch C"]) -> Float[Tensor, "*batch V"]:
        """One score for every entry of the vocabulary, from the last hidden states."""
        if self.config.scale_logits:
            hidden = hidden / math.sqrt(self.config.width)
        return F.linear(hidden, self.embedding.weight) if self.head is None else self.head(hidden)

    def new_cache(self, batch_size: int = 1, context: int | None = None) -> KVCache:
        """An empty cache of this model's shape, on its device."""
        weight = self.embedding.weight
        return KVCache(self.config, batch_size, context, weight.device, weight.dtype)

    def _can_step(self, cache: KVCache) -> bool:
        """True when single tokens may take the short way; decided once for a cache, whose weights must not change."""
        if torch.is_grad_enabled():
            return False
        if cache.step is None and can_step(self):
            if self._step is None or not self._step.is_of(self):
                self._step = Step(self)
            cache.step = self._step
        elif cache.step is None:
            cache.step = False
        return bool(cache.step)

    @torch.no_grad()
    def trace(
        self,
        tokens: Int[Tensor, "B T"],
        keep: Bool[Tensor, "B T"] | None = None,
        *,
        segments: Int[Tensor, "B T"] | None = None,
        memory: Float[Tensor, "B S C"] | None = None,
        memory_keep: Bool[Tensor, "B S"] | None = None,
    ) -> Trace:
        """The same pass with everything kept, computed by the readable formulas of llmkit.attention."""
        stack = self.encoder if self.decoder is None else self.decoder
        view, places = encoder_view(self.encoder, tokens, keep) if self.decoder is None else decoder_view(self.decoder, tokens, keep)
        memory_view = memory_view_of(memory_keep, None)
        view.record, memory_view.record = [], []
        hidden = stack.embed(self._embedded(tokens), places, segments)
        states = [hidden]
        hidden = stack(hidden, view, memory, memory_view, states)
        logits = layers = None
        if self.decoder is not None:
            norm = stack.norm if self.config.norm_place == "pre" else nn.Identity()
            logits, layers = self.to_logits(hidden), torch.stack([self.to_logits(norm(state)) for state in states[1:]])
        crossed = torch.stack([seen.weights for seen in memory_view.record]) if memory_view.record else None
        return Trace(logits, torch.stack(states), torch.stack([seen.weights for seen in view.record]), crossed, layers)

    # ---- from ids to the stream ------------------------------------------------------------------------------------

    def _embedded(self, tokens: Tensor) -> Tensor:
        """The row of the table for each token, (B, T, C)."""
        on_cpu = tokens.device.type == "cpu"  # elsewhere a wrong id would end the whole process
        if not on_cpu and not bool(((tokens >= 0) & (tokens < self.config.vocab_size)).all()):
            raise _unknown(tokens, self.config.vocab_size)
        try:
            return self.embedding(tokens)
        except IndexError:
            raise _unknown(tokens, self.config.vocab_size) from None


def _unknown(tokens: Tensor, vocab_size: int) -> ValueError:
    wrong = tokens[(tokens < 0) | (tokens >= vocab_size)][0].item()
    return ValueError(
        f"The vocabulary has {vocab_size} entries, 0 to {vocab_size - 1}; got token {wrong}. "
        f"Do model and tokenizer belong together?"
    )
