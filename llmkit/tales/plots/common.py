"""What every plot knows and asks: who the two characters are, and the thing with its color."""

from llmkit.tales.grammar import Ask, Fact

ABOUT_A = [Fact("{A}", "is", "{A_kind_a}"), Ask("What kind of animal was {A}?", "=A_kind")]
ABOUT_B = [Fact("{B}", "is", "{B_kind_a}"), Ask("What kind of animal was {B}?", "=B_kind")]
ABOUT_THING = [Fact("{thing}", "has the color", "{color}"), Ask("What color was the {thing}?", "=color")]
ABOUT = [*ABOUT_A, *ABOUT_B, *ABOUT_THING]
