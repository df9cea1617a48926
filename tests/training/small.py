"""A model small enough to train in a blink, and data that it can learn something from."""

import torch
from torch import nn

from llmkit.objectives import next_token_loss
from llmkit.training import Settings, Windows

TEXT = torch.randint(0, 12, (2000,), generator=torch.Generator().manual_seed(0))
TEXT[1::2] = (TEXT[::2] * 5 + 1) % 12  # every second token follows from the one before

BATCHES = Windows(TEXT, batch_size=6, context=10)


class Small(nn.Module):
    """Guesses the next token from the present one, with a little dropout, so that random numbers matter."""

    def __init__(self, width: int = 16):
        super().__init__()
        torch.manual_seed(7)
        self.embedding = nn.Embedding(12, width)
        self.inner = nn.Linear(width, width)
        self.head = nn.Linear(width, 12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, tokens):
        return self.head(self.dropout(torch.tanh(self.inner(self.embedding(tokens)))))


def held_out_loss(model) -> float:
    """The loss on a batch that training never sees."""
    return next_token_loss(model, BATCHES(10**6)).mean.item()


def settings(**changes) -> Settings:
    """Twenty quick steps."""
    return Settings(**{"steps": 20, "warmup": 3, "eval_every": 5, "save_every": 5, **changes})


def weights(model) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])
