"""Training: the loop, its settings, its data and its checkpoints. Built in lesson 11; `python -m llmkit.training`."""

from llmkit.objectives import Sum, pad
from llmkit.training.bar import Bar
from llmkit.training.checkpoint import load_checkpoint, save_checkpoint
from llmkit.training.loop import History, train
from llmkit.training.rows import Rows, Windows, shuffled
from llmkit.training.settings import Settings, learning_rate

__all__ = [
    "Bar", "History", "Rows", "Settings", "Sum", "Windows", "learning_rate", "load_checkpoint", "pad",
    "save_checkpoint", "shuffled", "train",
]  # fmt: skip
