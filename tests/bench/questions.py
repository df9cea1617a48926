"""tales-qa on tales never seen: answers that are right word for word, and silence where the tale does not say."""

import torch
from tokenizers import Tokenizer

from llmkit import models
from llmkit.recipes.qa import every_question, measure
from llmkit.weights import from_transformers

TALES = 200
BARS = {"test": 0.95, "compositional": 0.85}
ABSTAINED = 0.9


def run(say) -> dict[str, dict]:
    """A line for each split, and for the first the questions that went wrong."""
    if "tales-qa" not in models.bundled():
        say("tales-qa does not come with the book; `make models ONLY=tales-qa` makes it")
        return {}
    tokenizer = Tokenizer.from_file(str(models.path("tales-qa") / "tokenizer.json"))
    model = from_transformers(models.load("tales-qa").model)
    figures = {}
    for split, bar in BARS.items():
        with torch.inference_mode():
            found = figures[split] = measure(model, every_question(tokenizer, split, TALES))
        say(f"{split}: exact match {found['exact_match']:.1%} of {found['questions']:,} questions (bar {bar:.0%}); of those with an "
            f"answer {found['answered']:.1%}; silent where there is none {found['abstained']:.1%} (bar {ABSTAINED:.0%})")  # fmt: skip
    for wrong in figures["test"]["failures"][:10]:
        say(f"  {wrong['question']} right: {wrong['right'] or 'nothing'}; given: {wrong['given'] or 'nothing'}")
    return figures
