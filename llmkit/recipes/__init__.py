"""How each bundled model was made, from nothing: `make models`, or `python -m llmkit.recipes tales-gpt-mini`.

One file for each kind of model; a recipe says its data, its shape and its settings, and measures what came of it.
"""

from importlib import import_module

RECIPES = {  # in the order in which they need one another
    "tales-gpt-mini": "gpt",
    "tales-gpt": "gpt",
    "tales-bert": "bert",
    "tales-qa": "qa",
    "tales-t5": "t5",
}


def build(name: str, work, out, say=print) -> None:
    """Train the model called `name` and write it to the folder `out`; checkpoints and tokenizers lie in `work`."""
    if name not in RECIPES:
        raise ValueError(f"There is no recipe for {name!r}. The recipes are {', '.join(RECIPES)}.")
    import_module(f"llmkit.recipes.{RECIPES[name]}").build(name, work, out, say)
