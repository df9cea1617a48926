"""The RoPE lab in JupyterLab: what the reader drags reaches Python, and what Python sets is drawn."""

HEARD = "from ipywidgets import IntText, link\nbox = IntText()\nlinked = link((lab, 'distance'), (box, 'value'))\nbox"


def test_a_drag_reaches_python_and_python_reaches_the_picture(lab):
    first = "from llmkit.widgets import RopeLab\nlab = RopeLab(question=False)\nlab"
    with lab.open(lab.write("rope.ipynb", first, "lab.pairing = 'halves'", "print(lab.distance, f'{lab.score:.3f}')", HEARD)) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == []
        figure = notebook.output(0)
        figure.get_by_text("numbers 0 and 4").first.wait_for(timeout=20_000)  # set by the second cell
        shown = figure.locator(".rl-sum b").inner_text().replace("−", "-")
        assert notebook.output(2).inner_text().split() == ["5", shown]
        slider = figure.get_by_role("slider", name="distance")
        assert notebook.picture_changes(figure, lambda: slider.press("ArrowRight"))
        assert figure.locator(".rl-sum").inner_text().startswith("query at 26, key at 20")
        box = "document.querySelector('.jp-NotebookPanel .jp-OutputArea-output input[type=number]').value"
        notebook.page.wait_for_function(f"{box} === '6'", timeout=20_000)  # Python heard, and told its other widget
        assert notebook.errors() == []
