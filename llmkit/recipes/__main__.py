"""`python -m llmkit.recipes`: make the models that come with the book again, all of them or those named.

The recipe of a model that does not come with the book has not reached its bar yet; it is made when named.
"""

import argparse
from pathlib import Path

from llmkit.models import bundled
from llmkit.recipes import RECIPES, build

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m llmkit.recipes", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; those that come with the book ({', '.join(bundled())}) when none is named")
    parser.add_argument("--work", type=Path, default=ROOT / "_build" / "models", help="checkpoints and tokenizers; a run that was stopped goes on from there")
    parser.add_argument("--out", type=Path, default=ROOT / "llmkit" / "bundled", help="where the finished models go")
    given = parser.parse_args()
    for name in given.names or [name for name in RECIPES if name in bundled()]:
        build(name, given.work, given.out / name, lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
