"""Trains `Small` in two processes that are a team; the first writes its losses and weights to a file."""

import json
import os
import sys

from small import BATCHES, Small, settings, weights
from torch import multiprocessing

from llmkit.objectives import next_token_loss
from llmkit.training import train
from llmkit.training.team import Team

TOGETHER = 2


def work(rank: int, result: str, folder: str) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(TOGETHER))  # what `accelerate launch` says
    model = Small()
    model.dropout.p = 0.0
    history = train(model, BATCHES, next_token_loss, settings(folder=folder))
    team = Team()
    if team.rank == 0:
        with open(result, "w") as file:
            json.dump({"processes": team.size, "loss": history.loss, "weights": weights(model).tolist()}, file)


if __name__ == "__main__":
    import accelerate  # noqa: F401 - loaded once for both, like what the first step of an optimizer loads
    import torch._dynamo  # noqa: F401

    multiprocessing.start_processes(work, sys.argv[1:], nprocs=TOGETHER, start_method="fork")
