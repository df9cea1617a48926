"""tales-t5 on tales never seen: Chinese and summaries that are right to the last character, and those that are not."""

from itertools import islice

from llmkit import models
from llmkit.recipes.translation import ROWS, answers, measure
from llmkit.tales import tales
from llmkit.tokenization import BPE
from llmkit.weights import from_transformers

TALES, BAR = 100, 0.8


def run(say) -> dict[str, dict[str, float]]:
    """The shares for each split, and every failure of the first."""
    if "tales-t5" not in models.bundled():
        say("tales-t5 does not come with the book; `make models ONLY=tales-t5` makes it")
        return {}
    tokenizer = BPE.from_file(models.path("tales-t5"))
    model = from_transformers(models.load("tales-t5").model)
    figures, failures = {}, {}
    for split in ("test", "compositional"):
        asked = list(islice(tales(split, seed=31), TALES))
        figures[split], failures[split] = measure(lambda questions: answers(model, tokenizer, questions), asked)
        for key, what in ROWS.items():
            say(f"{split}: {what} {figures[split][key]:.1%}" + (f" (bar {BAR:.0%})" if key == "sentence" else ""))
    say(f"the {len(failures['test'])} sentences and summaries of the test tales that are not right word for word:")
    for english, said, right in failures["test"]:
        say(f"  {english}\n    said  {said}\n    right {right}")
    return figures
