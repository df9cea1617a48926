"""The stream of tales: drawn one at a time, told, and forgotten, so that a corpus is never held whole in memory."""

from collections.abc import Iterator
from random import Random

from llmkit.tales.plots import PLOTS
from llmkit.tales.splits import SPLITS, split_of
from llmkit.tales.story import Draft, Story, Tale, tell


def tales(split: str = "train", seed: int = 0) -> Iterator[Tale]:
    """Tales of one split without end; the same seed gives the same tales. `split` "all" gives the whole language.

    >>> from itertools import islice
    >>> [tale.sentiment for tale in islice(tales("all", seed=1), 3)]
    ['negative', 'negative', 'positive']
    """
    if split not in (*SPLITS, "all"):
        raise ValueError(f"A split is one of {', '.join(SPLITS)}, or all; got {split!r}.")
    random = Random(seed)
    while True:
        story = Story(random)
        plot = story.choose("plot", PLOTS)
        plot.walk(story)
        draft = Draft(story)
        if split == "all" or split_of(draft.text, plot.name, story.drawn["thing"].name) == split:
            yield tell(plot, story, draft)
