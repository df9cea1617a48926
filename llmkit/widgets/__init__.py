"""The book's widgets: thin views over the lower floors, live in notebooks and on the page."""

from importlib import import_module

_HOME = {
    "AttentionBench": "attention_bench",
    "Microscope": "microscope", "ScaleLab": "scale_lab", "HeadAtlas": "head_atlas", "NextToken": "next_token", "WaveLab": "wave_lab",
    "TokenizerBench": "tokenizer_bench", "Ladder": "ladder", "RopeLab": "rope_lab",
    "MaskPainter": "mask_painter", "OnlineSoftmax": "online_softmax", "BlockExplorer": "block_explorer",
    "Alignment": "alignment", "Timeline": "timeline", "TrainingMicroscope": "training_microscope",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"llmkit.widgets has no {name!r}. It offers: {', '.join(__all__)}.")
    return getattr(import_module(f"llmkit.widgets.{_HOME[name]}"), name)
