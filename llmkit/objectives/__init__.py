"""What a model is asked to do, as a number that training makes smaller. Built in lessons 10, 11, 18 and 19.

Every loss comes as a `Sum`, total and count apart, so that the pieces of a batch add up to the loss of the whole.

losses.py    the next token, in one text or in the translation of another
masking.py   hidden words and pairs of sentences, for BERT
spans.py     pointing at an answer
"""

from llmkit.objectives.losses import (
    IGNORE,
    Sum,
    causal_loss,
    label_loss,
    next_token_loss,
    pad,
    translation_loss,
)
from llmkit.objectives.masking import (
    SentencePair,
    masked_batch,
    pretraining_batch,
    pretraining_loss,
    sentence_pairs,
)
from llmkit.objectives.spans import answer_loss, best_span, span_loss

__all__ = [
    "IGNORE", "SentencePair", "Sum", "answer_loss", "best_span", "causal_loss", "label_loss", "masked_batch",
    "next_token_loss", "pad", "pretraining_batch", "pretraining_loss", "sentence_pairs", "span_loss", "translation_loss",
]  # fmt: skip
