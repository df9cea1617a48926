"""The KV cache: keys and values of the tokens already read, so that a new token costs one step. Built in lesson 16."""

from typing import Any

import torch

from llmkit.shapes import Tensor
from llmkit.transformer.config import Config


class KVCache:
    """Room for `context` tokens in every layer, reserved once; `length` says how many are filled.

    `model(tokens, cache=cache)` reads what is there, appends the new tokens and returns their logits.
    ValueError, before anything is written, when the new tokens do not fit.

    >>> config = Config(vocab_size=10, width=8, num_layers=2, num_heads=2, context=16)
    >>> cache = KVCache(config, batch_size=1)
    >>> cache.keys[0].shape, cache.length
    (torch.Size([1, 2, 16, 4]), 0)
    """

    def __init__(
        self,
        config: Config,
        batch_size: int = 1,
        context: int | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ):
        self.context = config.context if context is None else context
        if batch_size < 1 or not 1 <= self.context <= config.context:
            raise ValueError(
                f"A cache needs at least one row, and room for 1 to {config.context} tokens, which is what the model "
                f"can read; got batch_size={batch_size} and context={self.context}."
            )
        shape = (config.num_layers, batch_size, 2, config.kv_heads, self.context, config.head_dim)
        self.store = torch.zeros(shape, device=device, dtype=dtype)  # (L, B, 2, Hkv, context, D): keys, then values
        self.step: Any = None  # how the model takes single tokens, chosen at the first of them
        self.length = 0
        self.keep: Tensor | None = None  # (B, length) False at padding; None while there is none
        self.memory: list[tuple[Tensor, Tensor]] = []  # keys and values of an encoder's output, a pair for each layer
        self.memory_keep: Tensor | None = None  # (B, S) False at padding of the source

    @property
    def batch_size(self) -> int:
        """B, the number of rows."""
        return self.store.shape[1]

    @property
    def keys(self) -> tuple[Tensor, ...]:
        """The keys of each layer (B, Hkv, context, D): views, of which the first `length` places are filled."""
        return self.store[:, :, 0].unbind(0)

    @property
    def values(self) -> tuple[Tensor, ...]:
        """The values of each layer, as `keys`."""
        return self.store[:, :, 1].unbind(0)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write new keys and values (B, Hkv, T, D) behind the old ones; all of them, as views without a copy.

        `length` moves on when the last layer has written: the model does that.
        """
        tokens, (keys, values) = key.shape[2], self.store[layer].unbind(1)  # (B, Hkv, context, D) twice
        keys.narrow(2, self.length, tokens).copy_(key)
        values.narrow(2, self.length, tokens).copy_(value)
        end = self.length + tokens
        return keys.narrow(2, 0, end), values.narrow(2, 0, end)  # (B, Hkv, end, D)

    def crop(self, length: int) -> None:
        """Forget the tokens after the first `length`, as when guesses of a draft model are refused."""
        if not 0 <= length <= self.length:
            raise ValueError(f"The cache holds {self.length} tokens and cannot be cropped to {length}.")
        self.length = length
        if self.keep is not None:
            self.keep = self.keep[:, :length]

    def select(self, rows: Tensor) -> None:
        """Keep these rows (B',), in this order, as when beams are chosen; a row may come twice."""
        filled = self.store.narrow(4, 0, self.length).index_select(1, rows)  # (L, B', 2, Hkv, length, D)
        if len(rows) != self.batch_size:
            self.store = self.store.new_zeros(self.store.shape[0], len(rows), *self.store.shape[2:])
        self.store.narrow(4, 0, self.length).copy_(filled)
        self.memory = [(key.index_select(0, rows), value.index_select(0, rows)) for key, value in self.memory]
        self.keep = None if self.keep is None else self.keep.index_select(0, rows)
        self.memory_keep = None if self.memory_keep is None else self.memory_keep.index_select(0, rows)

    def check_room(self, tokens: Tensor) -> None:
        """ValueError when `tokens` (B, T) do not fit."""
        rows, count = tokens.shape
        if rows != self.batch_size:
            raise ValueError(f"The cache was made for {self.batch_size} rows; got tokens for {rows}.")
        if self.length + count > self.context:
            raise ValueError(
                f"The cache holds {self.length} tokens and has room for {self.context}; {count} more do not fit. "
                f"Crop it, or start anew with the last tokens of the text."
            )
