"""The helper package of the interactive book *Inside LLMs*: what a lesson imports, by name.

Nothing is loaded until it is asked for (PEP 562), so `import llmkit.attention` needs torch only,
and a wheel that is broken elsewhere cannot break the maths.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "start": "llmkit.device",
    "attend": "llmkit.attention",
    "load": "llmkit.models",
    "Microscope": "llmkit.widgets",
    "ScaleLab": "llmkit.widgets",
    "HeadAtlas": "llmkit.widgets",
    "Ladder": "llmkit.widgets",
    "WaveLab": "llmkit.widgets",
    "TokenizerBench": "llmkit.widgets",
    "RopeLab": "llmkit.widgets",
    "AttentionBench": "llmkit.widgets",
    "MaskPainter": "llmkit.widgets",
    "OnlineSoftmax": "llmkit.widgets",
    "BlockExplorer": "llmkit.widgets",
    "Alignment": "llmkit.widgets",
    "Timeline": "llmkit.widgets",
    "TrainingMicroscope": "llmkit.widgets",
    "exercise": "llmkit.exercises",
    "check": "llmkit.exercises",
    "progress": "llmkit.exercises",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"llmkit has no {name!r}. It offers: {', '.join(__all__)}.")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
