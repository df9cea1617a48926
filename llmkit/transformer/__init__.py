"""Encoder, decoder and encoder-decoder from one block, with a KV cache. Built in lessons 06, 07 and 16.

config.py   every choice, in one dataclass
layers.py   attention and feed-forward; stacked.py makes them fast
block.py    the block, and a stack of them
views.py    who may look at whom
cache.py    keys and values of the tokens already read
model.py    the Transformer
step.py     the short way of a single token
heads.py    BERT's heads on an encoder
"""

from llmkit.transformer.cache import KVCache
from llmkit.transformer.config import Config
from llmkit.transformer.heads import PretrainingModel, SpanModel
from llmkit.transformer.model import Trace, Transformer

__all__ = ["Config", "KVCache", "PretrainingModel", "SpanModel", "Trace", "Transformer"]
