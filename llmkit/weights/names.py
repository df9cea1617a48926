"""How the parameters of one family of models are called here, and how `transformers` calls them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import nn

from llmkit.shapes import Tensor


@dataclass(frozen=True)
class Names:
    """Two tables: modules inside a block, and modules outside; and where each keeps its blocks.

    >>> names = Names({"decoder.blocks": "model.layers"}, {"attention.query": "self_attn.q_proj"}, {"embedding": "model.embed"})
    >>> names.theirs("decoder.blocks.3.attention.query.weight")
    'model.layers.3.self_attn.q_proj.weight'
    """

    blocks: Mapping[str, str]
    inside: Mapping[str, str]
    outside: Mapping[str, str]
    ignored: tuple[str, ...] = field(default=())  # endings of names that we do not need

    def theirs(self, ours: str) -> str:
        """What `transformers` calls the parameter that we call `ours`."""
        module, _, kind = ours.rpartition(".")  # kind: weight or bias
        for our_blocks, their_blocks in self.blocks.items():
            if module.startswith(our_blocks + "."):
                number, _, rest = module.removeprefix(our_blocks + ".").partition(".")
                inside = self.inside.get(f"{our_blocks}.{rest}") or self.inside[rest]
                return f"{their_blocks}.{number}.{inside}.{kind}"
        return f"{self.outside[module]}.{kind}" if module else self.outside[ours]

    def read(self, model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
        """Copy the weights in `state`, under their names, into our `model`; in evaluation mode, float32.

        ValueError names the first weight that is missing, and the first that nobody asked for.
        """
        table = {ours: self.theirs(ours) for ours in model.state_dict()}
        missing = sorted(set(table.values()) - set(state))
        extra = sorted(name for name in set(state) - set(table.values()) if not name.endswith(self.ignored or ("\0",)))
        if missing or extra:
            raise ValueError(
                f"The weights do not fit this kind of model: missing {missing[0] if missing else 'nothing'}, "
                f"unknown {extra[0] if extra else 'nothing'}. Is the model of another family, or does it have another head?"
            )
        model.load_state_dict({ours: state[theirs].float() for ours, theirs in table.items()})
        return model.eval()

    def state_of(self, model: nn.Module) -> dict[str, Tensor]:
        """The weights of our `model` under their names."""
        return {self.theirs(ours): weight for ours, weight in model.state_dict().items()}


def fill(theirs: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """Copy `state` into a model of `transformers`; in evaluation mode. ValueError when something is left over or missing."""
    result = theirs.load_state_dict(state, strict=False)
    needed = dict(theirs.named_parameters())  # a tied table counts once, under its first name
    missing = [name for name in result.missing_keys if name in needed]
    if missing or result.unexpected_keys:
        raise ValueError(f"These weights do not fit into {type(theirs).__name__}: {[*missing, *result.unexpected_keys][:3]}.")
    return theirs.eval()


def demand(config: object, family: str, **needed: object) -> None:
    """ValueError unless every named choice of `config` is the one that the family makes."""
    for name, value in needed.items():
        if getattr(config, name) != value:
            raise ValueError(f"{family} has {name}={value!r}; this model has {getattr(config, name)!r}.")
