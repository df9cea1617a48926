"""Trains `Small` in however many processes it was started with; the first writes its losses and weights to a file."""

import json
import sys

from small import BATCHES, Small, settings, weights

from llmkit.objectives import next_token_loss
from llmkit.training import train
from llmkit.training.team import Team

if __name__ == "__main__":
    model = Small()
    model.dropout.p = 0.0
    history = train(model, BATCHES, next_token_loss, settings(folder=sys.argv[2]))
    team = Team()
    if team.rank == 0:
        with open(sys.argv[1], "w") as file:
            json.dump({"processes": team.size, "loss": history.loss, "weights": weights(model).tolist()}, file)
