"""The block explorer in JupyterLab: what the reader switches reaches Python, and what Python sets is drawn."""


def test_a_switch_reaches_python_and_python_reaches_the_picture(lab):
    first = "from llmkit.widgets import BlockExplorer\nexplorer = BlockExplorer(question=False, depth=4)\nexplorer"
    with lab.open(lab.write("blocks.ipynb", first, "explorer.place = 'post'", "print(explorer.off, explorer.block)")) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == []
        figure = notebook.output(0)
        figure.get_by_text("Each addition is followed by a norm").first.wait_for(timeout=20_000)  # set by the second cell
        figure.get_by_role("slider", name="look at block").press("ArrowLeft")
        assert "then block 4 of 4" in figure.locator(".be-after").inner_text()
        assert notebook.output(2).inner_text().split() == ["[]", "4"]
