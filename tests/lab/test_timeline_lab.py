"""The timeline in JupyterLab: the milestone that the reader walks to reaches Python, and the one that Python picks is drawn."""

FIRST = "from llmkit.milestones import MILESTONES, find\nfrom llmkit.widgets import Timeline\nshown = Timeline(question=False)\nshown"
PICK = "shown.picked = MILESTONES.index(find('GPT'))"
HEARD = "from ipywidgets import Text, dlink\nname = Text()\nlinked = dlink((shown, 'picked'), (name, 'value'), lambda _: shown.milestone.name)\nname"


def test_a_step_along_the_years_reaches_python_and_python_reaches_the_picture(lab):
    with lab.open(lab.write("timeline.ipynb", FIRST, PICK, HEARD)) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == []
        figure, heard = notebook.output(0), notebook.output(2).locator("input")
        figure.get_by_text("GPT · June 2018").first.wait_for(timeout=20_000)  # set by the second cell
        assert heard.input_value() == "GPT"
        step = figure.get_by_role("slider", name="milestone")
        assert notebook.picture_changes(figure.locator(".tl-card"), lambda: step.press("ArrowRight"))
        assert figure.locator(".tl-card").inner_text().startswith("BERT (large) · October 2018")
        # Python heard, and told its other widget
        notebook.page.wait_for_function("(box) => box.value === 'BERT (large)'", arg=heard.element_handle(), timeout=20_000)
        assert notebook.errors() == []
