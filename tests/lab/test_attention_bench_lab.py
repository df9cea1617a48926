"""The attention bench in JupyterLab: a slider moves, the machine is measured while the kernel stays free, the figures change."""

FIRST = "from llmkit.widgets import AttentionBench\nbench = AttentionBench(length=64, heads=1, asks=False)\nbench"


def test_a_slide_is_measured_on_this_machine_and_the_figures_change(lab):
    with lab.open(lab.write("bench.ipynb", FIRST, "print(bench.runs)")) as notebook:
        notebook.run_all(timeout=120)
        assert notebook.errors() == [] and notebook.output(1).inner_text().strip() == "{}"
        figure = notebook.output(0)
        status, card = figure.locator(".ab-status"), figure.locator(".ab-card.ab-cpu")
        status.get_by_text("Stored runs").first.wait_for(timeout=20_000)
        figure.get_by_role("slider", name="tokens").press("ArrowRight")
        status.get_by_text("Measured on this machine.").first.wait_for(timeout=120_000)
        first = card.locator(".ab-big").inner_text()
        assert figure.locator(".ab-dots.ab-cpu i:not([hidden])").count() == 2 and first.endswith("s")
        figure.get_by_role("slider", name="tokens").press("ArrowRight")
        notebook.page.wait_for_function("document.querySelectorAll('.ab-dots.ab-cpu i:not([hidden])').length === 3", timeout=60_000)
        assert card.locator(".ab-big").inner_text() != first
        assert "of the roofline" in card.inner_text() and "Holds" in card.inner_text()
