"""A tale from its recorded choices, as it was or with a word changed: two texts that differ in one thing only."""

from llmkit.tales.grammar import Say
from llmkit.tales.plots import PLOTS
from llmkit.tales.slots import SLOTS
from llmkit.tales.story import Draft, Replay, Tale, tell


def retell(choices: tuple[tuple[str, str], ...], **changes: str) -> Tale:
    """The tale that `choices` make, with some slots changed: `retell(tale.choices, color="red")`.

    Every later place that follows from the changed word changes with it. Raises ValueError when a name is no slot of
    the tale, or a word no choice there.
    """
    labels = dict(choices)
    strange = changes.keys() - (labels.keys() & {slot.name for slot in SLOTS})
    if strange:
        raise ValueError(f"This tale has no slot {min(strange)!r}; it has {', '.join(s.name for s in SLOTS if s.name in labels)}.")
    labels |= changes
    plot = next(plot for plot in PLOTS if plot.name == labels["plot"])
    known = {**labels, "plot": plot}
    for slot in SLOTS:
        if slot.name in labels:
            words = [word for word in slot.words if word.name == labels[slot.name]]
            if not words:
                raise ValueError(f"{labels[slot.name]!r} is not in the list of slot {slot.name!r}.")
            known[slot.name] = words[0]
    for part in plot.all_parts():
        if isinstance(part, Say) and part.name in labels:
            known[part.name] = next(line for line in part.lines if line.name == labels[part.name])
    story = Replay(known)
    story.choose("plot", PLOTS)
    plot.walk(story)
    return tell(plot, story, Draft(story))
