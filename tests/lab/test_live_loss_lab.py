"""The live loss in JupyterLab: its buttons answer while the kernel is busy training."""

TRAIN = """import time, torch
from torch import nn
from llmkit.objectives import Sum
from llmkit.live_loss import watch
from llmkit.training import Settings, train
history = train(nn.Linear(2, 2), lambda step: {"x": torch.ones(1, 2)},
                lambda model, batch: (time.sleep(0.02), Sum(model(batch["x"]).square().sum(), 1))[1],
                Settings(steps=5000), on_step=watch({"floor": 0.1}))"""
AFTER = "print(history.stopped, 0 < history.step < 5000)"


def test_pause_and_stop_answer_while_the_kernel_trains(lab):
    with lab.open(lab.write("live.ipynb", TRAIN, AFTER)) as notebook:
        page = notebook.page
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        pause = page.get_by_role("button", name="Pause")
        pause.wait_for(timeout=60_000)
        pause.click()
        page.get_by_text("paused at step").wait_for(timeout=20_000)
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Pause").wait_for(timeout=20_000)
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("the model keeps what it has learned").wait_for(timeout=30_000)
        page.get_by_text("True True").wait_for(timeout=30_000)
        assert notebook.errors() == []
