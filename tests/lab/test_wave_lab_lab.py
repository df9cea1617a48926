"""The wave lab in JupyterLab: what the reader drags reaches Python, and what Python sets is drawn."""


def test_a_drag_reaches_python_and_python_reaches_the_picture(lab):
    first = "from llmkit.widgets import WaveLab\nlab = WaveLab(question=False)\nlab"
    with lab.open(lab.write("waves.ipynb", first, "lab.formula = 'columns'", "print(lab.position, round(lab.miss, 3))")) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == []
        figure = notebook.output(0)
        figure.locator(".wl-verdict b").wait_for(timeout=20_000)  # the wrong formula, set by the second cell
        shown = figure.locator(".wl-verdict b").inner_text()
        figure.get_by_role("slider", name="position p").press("ArrowRight")
        assert figure.locator(".wl-here output").inner_text() == "21"
        assert notebook.output(2).inner_text().split() == ["20", shown]
