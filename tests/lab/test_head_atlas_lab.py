"""The head atlas in JupyterLab, with a real kernel: what a reader waits for, beside a trivial widget's round trip."""

from statistics import median, quantiles

import pytest

ATLAS = "from llmkit.widgets import HeadAtlas\natlas = HeadAtlas()\natlas"
AGAIN = "atlas"
WORDS = (
    "the old captain who had never learned to swim looked at the quiet sea and counted every {} on board"
)
THINGS = ["rope", "sail", "lamp", "box", "bell", "map", "flag", "hook", "nail", "chair", "cup", "book", "coin", "boat", "door"]
# A sentence is on screen when the frame after the one that drew it begins.
ASK = """([sentence, word]) => new Promise((done) => {
  const root = document.querySelector(".jp-NotebookPanel .llm");
  const box = root.querySelector("input[type=text]");
  const shown = () => [...root.querySelectorAll("[role=option]")].some((one) => one.textContent === word);
  const began = performance.now();
  const watch = new MutationObserver(() => {
    if (!shown()) return;
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
  });
  watch.observe(root, { childList: true, subtree: true });
  box.value = sentence;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
})"""


@pytest.fixture(scope="module")
def notebook(lab):
    lab.round_trip()  # measured now: there is one notebook at a time
    with lab.open(lab.write("atlas.ipynb", ATLAS, AGAIN)) as opened:
        opened.run_all(timeout=120)
        assert opened.errors() == []
        opened.output(1).get_by_role("grid", name="Heads").wait_for(timeout=20_000)
        yield opened


def test_a_new_sentence_is_on_screen_within_200_ms_of_a_trivial_round_trip(lab, notebook):
    """The best of a few rounds counts: other work on the machine only ever makes them slower."""
    assert len(WORDS.split()) == 20
    trivial, _ = lab.round_trip()
    notebook.page.evaluate(ASK, ["warming up", "warming"])
    for round_ in range(4):
        times = [notebook.page.evaluate(ASK, [WORDS.format(thing), thing]) for thing in THINGS[round_ % 2 :: 2]]
        p50, p95 = median(times), quantiles(times, n=20)[-1]
        print(
            f"\nnew sentence of 20 words painted: p50 {p50:.0f} ms, p95 {p95:.0f} ms; "
            f"trivial round trip p50 {trivial:.0f} ms; difference {p50 - trivial:.0f} ms"
        )
        if p50 - trivial <= 200:
            return
    raise AssertionError("a new sentence takes more than 200 ms on top of a trivial round trip")


def test_two_views_of_one_atlas_follow_each_other_and_then_rest(notebook):
    page = notebook.page
    box = page.get_by_label("Your sentence")
    assert box.count() == 2
    box.first.fill("two views of one widget")
    box.first.press("Enter")
    page.wait_for_function("() => [...document.querySelectorAll('.atlas-box input')].every((box) => box.value === 'two views of one widget')")
    page.wait_for_timeout(300)
    asked = page.evaluate(
        """async () => {
          let messages = 0;
          const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
          const count = (_, { msg }) => { messages += msg.header.msg_type === "comm_msg"; };
          kernel.anyMessage.connect(count);
          await new Promise((done) => setTimeout(done, 700));
          kernel.anyMessage.disconnect(count);
          return messages; }"""
    )
    assert asked == 0


def test_choosing_a_head_asks_the_kernel_nothing_and_shows_in_the_next_frame(notebook):
    choose = """() => new Promise((done) => {
      const root = document.querySelector(".jp-NotebookPanel .llm");
      const sent = [];
      const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
      const listen = (_, { msg, direction }) => { if (direction === "recv" && msg.header.msg_type === "comm_msg") sent.push(msg); };
      kernel.anyMessage.connect(listen);
      root.querySelector("[role=gridcell][aria-label^='Head 2.7']").click();
      requestAnimationFrame(() => requestAnimationFrame(() => {
        const line = root.querySelector(".atlas-line").textContent;
        kernel.anyMessage.disconnect(listen);
        done([line, sent.length]);
      }));
    })"""
    line, messages = notebook.page.evaluate(choose)
    assert line.startswith("Head 2.7: mean entropy")
    assert messages == 0


def test_arrow_keys_stay_in_the_widget(notebook):
    notebook.page.get_by_role("gridcell", name="Head 2.7").first.focus()
    for key in ("ArrowRight", "ArrowDown"):
        notebook.page.keyboard.press(key)
    focused = notebook.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Head 3.8"


def test_no_text_and_too_much_text_are_answered_in_words_and_the_picture_stays(notebook):
    page = notebook.page
    box = page.get_by_label("Your sentence").first
    box.fill("")
    box.press("Enter")
    page.get_by_role("alert").filter(has_text="There is no text to look at").first.wait_for()
    assert page.locator("[role=option]").count() > 0
    box.fill("word " * 10_000)
    box.press("Enter")
    page.locator(".atlas-status").filter(has_text="10,002 tokens; the model reads the first 512").first.wait_for(timeout=20_000)
    assert page.get_by_role("alert").filter(has_text="There is no text").count() == 0
    page.get_by_role("gridcell", name="Head 0.3").first.click()
    page.locator(".atlas-line").filter(has_text="Head 0.3: mean entropy").first.wait_for()
    assert page.evaluate("document.querySelector('.atlas-lines canvas').width") > 0


def test_markup_in_a_sentence_is_text(notebook):
    page = notebook.page
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    box = page.get_by_label("Your sentence").first
    box.fill("<script>alert(1)</script><img src=x onerror=alert(2)>")
    box.press("Enter")
    page.get_by_role("option", name="script").first.wait_for()
    assert page.locator(".llm img, .llm script").count() == 0
    assert dialogs == []
