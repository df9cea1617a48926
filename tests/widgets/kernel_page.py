"""A page whose widget has a kernel: what the page saves is set on a real Python widget, and what changes there comes back."""

import json
from pathlib import Path
from typing import Any

import anywidget
from bare_page import settle

from llmkit.widgets import bundle
from llmkit.widgets.base import as_json

PAGE = """<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>A kernel</title>
<link rel="icon" href="data:,"><style>%s</style></head><body><main><div id="widget"></div></main><script type="module">
const values = {}, told = {}, unsaved = {}, listeners = {};
const bytes = (key, value) => value?.base64 === undefined ? value
  : new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
function receive(state) {
  const changed = Object.keys(state).filter((name) => told[name] !== JSON.stringify(state[name]));
  for (const name of changed) {
    told[name] = JSON.stringify(state[name]);
    values[name] = JSON.parse(told[name], bytes);
  }
  for (const name of changed) for (const callback of listeners[`change:${name}`] ?? []) callback();
}
const model = {
  get: (name) => values[name],
  set(name, value) { values[name] = unsaved[name] = value; },
  on: (event, callback) => (listeners[event] ??= []).push(callback),
  off() {},
  async save_changes() {
    const saved = { ...unsaved };
    Object.keys(unsaved).forEach((name) => delete unsaved[name]);
    receive(JSON.parse(await window.python(JSON.stringify(saved))));
  },
};
window.refresh = model.save_changes;
receive(JSON.parse(await window.python("{}")));
const { default: widget } = await import("./module.js");
widget.render({ model, el: document.querySelector("#widget") });
</script></body></html>"""


def open_with_kernel(browser, serve, folder: Path, widget: Any):
    """A page with the widget, whose questions are answered by `widget` itself; errors gather in `page.errors`."""
    (folder / "module.js").write_text(bundle.module(widget.name), "utf-8")
    (folder / "index.html").write_text(PAGE.replace("%s", bundle.style(widget.name)), "utf-8")
    own = set(widget.trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names())
    own = [name for name in sorted(own) if not name.startswith("_")]

    def python(saved: str) -> str:
        for name, value in json.loads(saved).items():
            setattr(widget, name, value)
        return json.dumps({name: as_json(getattr(widget, name)) for name in own} | {"kernel": True})

    page = browser.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.expose_function("python", python)
    page.goto(serve(folder))
    page.wait_for_selector(".llm")
    settle(page)
    return page
