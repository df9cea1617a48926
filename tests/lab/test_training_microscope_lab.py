"""The training microscope in JupyterLab: steps taken in the page reach Python, and a path from Python is walked in the page."""


def test_a_step_reaches_python_and_a_path_from_python_is_walked(lab):
    first = "from llmkit.widgets import TrainingMicroscope\nw = TrainingMicroscope(question=False)\nw"
    with lab.open(lab.write("learning.ipynb", first, "w.train(40)", "print(w.steps, round(w.learned.history[-1].train, 3))")) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == []
        figure = notebook.output(0)
        figure.get_by_text("step 40, epoch 3").first.wait_for(timeout=20_000)  # set by the second cell
        steps, loss = notebook.output(2).inner_text().split()
        assert steps == "40" and figure.locator(".tm-key-train").inner_text() == f"{float(loss):.3f}"
        figure.get_by_role("button", name="Step").press("Enter")
        figure.get_by_text("step 41, epoch 3").first.wait_for(timeout=20_000)
