"""JupyterLab itself: a server, a browser, a notebook run from its menu, a widget moved."""

COUNTER = """import anywidget, traitlets
class Level(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
      el.addEventListener("keydown", event => event.stopPropagation());  // else JupyterLab takes the arrow keys
      el.innerHTML = "<input type=range min=0 max=10 aria-label=level><svg width=220 height=24><rect height=24 /></svg>";
      const [slider, bar] = [el.querySelector("input"), el.querySelector("rect")];
      const draw = () => { slider.value = model.get("level"); bar.setAttribute("width", 20 * model.get("doubled")); };
      slider.addEventListener("input", () => { model.set("level", +slider.value); model.save_changes(); });
      model.on("change:doubled", draw); draw();
    } }'''
    level = traitlets.Int(1).tag(sync=True)
    doubled = traitlets.Int(2).tag(sync=True)
    @traitlets.observe("level")
    def double(self, change):
        self.doubled = 2 * change.new
Level()"""


def test_a_slider_moved_by_keyboard_reaches_python_and_the_picture_changes(lab):
    with lab.open(lab.write("counter.ipynb", "print('hello')", COUNTER)) as notebook:
        notebook.run_all()
        assert notebook.errors() == []
        figure = notebook.output(1)
        slider = figure.get_by_label("level")
        slider.wait_for()
        assert notebook.picture_changes(figure.locator("svg"), lambda: slider.press("ArrowRight"))
        assert not notebook.picture_changes(figure.locator("svg"), lambda: None, timeout=0.5)


def test_a_failing_cell_is_reported(lab):
    with lab.open(lab.write("failing.ipynb", "1 / 0", "print('never')")) as notebook:
        notebook.run_all()
        assert notebook.errors() == ["ZeroDivisionError: division by zero"]


def test_a_trivial_widgets_round_trip_is_measured(lab):
    p50, p95 = lab.round_trip()
    print(f"\ntrivial widget in JupyterLab: round trip p50 {p50:.0f} ms, p95 {p95:.0f} ms")
    assert 0 < p50 <= p95 < 1000
