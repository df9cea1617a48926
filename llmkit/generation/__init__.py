"""Text from a model: greedy, drawn or by beams, streaming, batched, and with a draft model's help. Built in lesson 16.

decode.py       `generate` and `stream`: token after token
beam.py         `beam_search`: several beginnings of a text side by side
speculative.py  `speculate`: a small model guesses, the large one checks
prompts.py      what a reader gives, made ready
pieces.py       token ids to text while they come
reader.py       a model with its KV cache and a window that slides
stepper.py      one token at a time, fast
"""

from llmkit.generation.beam import Beam, beam_search
from llmkit.generation.decode import GREEDY, generate, stream
from llmkit.generation.speculative import Speculation, speculate

__all__ = ["GREEDY", "Beam", "Speculation", "beam_search", "generate", "speculate", "stream"]
