"""A training run killed in the middle and started again, beside the same run left alone: the loss of every step."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from llmkit.device import seed_everything
from llmkit.objectives import next_token_loss
from llmkit.recipes.gpt import SHAPES, short_rows_first
from llmkit.recipes.induction_rope import start_with_induction
from llmkit.recipes.tokenizers import english
from llmkit.training import Settings, train
from llmkit.transformer import Transformer

STEPS, SAVED, KILLED = 40, 10, 27


def curve(work: Path, folder: Path | None = None, on_step=None) -> list[float]:
    """The losses of the first steps of tales-gpt-mini's recipe."""
    seed_everything(0)
    settings = Settings(steps=STEPS, matrix_lr=0.006, save_every=SAVED, folder=folder)
    model = start_with_induction(Transformer(SHAPES["tales-gpt-mini"]))
    return train(model, short_rows_first(english(work)), next_token_loss, settings, on_step=on_step).loss


def run(say) -> dict[str, float]:
    """The largest difference between the losses of both runs, after the kill."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        alone = curve(work)
        child = subprocess.Popen([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True)
        for line in child.stdout:
            if line.strip() == str(KILLED):
                break
        child.send_signal(signal.SIGKILL)
        child.wait()
        steps = []
        resumed = curve(work, work / "run", lambda history: steps.append(history.step))
    worst = max(abs(a - b) for a, b in zip(alone, resumed, strict=True))
    say(f"killed with signal 9 in step {KILLED} of {STEPS}, gone on from step {steps[0] - 1}: "
        f"the {len(resumed)} losses differ by {worst} at most from those of a run left alone")  # fmt: skip
    return {"killed": KILLED, "from": steps[0] - 1, "worst": worst}


if __name__ == "__main__":
    curve(Path(sys.argv[1]), Path(sys.argv[1]) / "run", lambda history: print(history.step, flush=True))
