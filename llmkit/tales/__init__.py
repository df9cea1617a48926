"""Short stories in English and Chinese from a program whose every choice is counted, so that their entropy is known.

>>> tale = next(tales("train", seed=0))
>>> parse(tale.text) == tale
True
>>> round(entropy() / expected_tokens(), 3)  # nats per token: the loss that no model can beat
0.32

Used from lesson 01 on.
"""

from llmkit.tales.entropy import entropy, expected_tokens
from llmkit.tales.parse import log_probability, parse
from llmkit.tales.perfect import next_token, surprisals
from llmkit.tales.retell import retell
from llmkit.tales.splits import SPLITS, held_out_things, split_of
from llmkit.tales.story import Question, Recall, Tale
from llmkit.tales.stream import tales
from llmkit.tales.template import tokens

__all__ = [
    "SPLITS", "Question", "Recall", "Tale", "entropy", "expected_tokens", "held_out_things", "log_probability",
    "next_token", "parse", "retell", "split_of", "surprisals", "tales", "tokens",
]
