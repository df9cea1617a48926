"""The mask painter and the online-softmax stepper in JupyterLab: what the reader does reaches Python, and what Python sets is drawn."""


def test_a_stroke_and_a_step_reach_python_and_python_reaches_the_pictures(lab):
    first = "from llmkit.widgets import MaskPainter, OnlineSoftmax\npainter = MaskPainter(question=False, strokes=[])\npainter"
    second = "stepper = OnlineSoftmax(question=False, step=0)\nstepper"
    third = "painter.kind = 'window'; stepper.tile = 4"
    with lab.open(lab.write("masks.ipynb", first, second, third)) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == []
        grid, keys = notebook.output(0), notebook.output(1)
        grid.get_by_text("Each word sees the last 3").first.wait_for(timeout=20_000)  # set by the third cell
        grid.locator(".mp-cell[data-i='0'][data-j='7']").click()
        grid.get_by_text("A leak: after one layer “the”").first.wait_for(timeout=20_000)
        keys.get_by_text("0 of 2").first.wait_for(timeout=20_000)
        keys.get_by_role("button", name="Read the next tile").click()
        keys.get_by_text("the answer over the 4 keys read so far").first.wait_for(timeout=20_000)
