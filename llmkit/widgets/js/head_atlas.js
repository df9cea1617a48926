// The head atlas: every attention head of a model as a small picture, and one of them in full.
// Weights arrive as bytes, 255 for 1: all heads at once up to 128 tokens, one layer at a time beyond.
import { h, frame, oncePerFrame, select, choice, asTable, legend } from "./kit.js";
import { asBytes, clip, headOf, makeRecord, saying, sorted, sortNames, tableRows, title } from "./atlas_data.js";
import { heatView, linesView, thumbnails } from "./atlas_views.js";

const PATIENCE = 10;  // seconds

// One question at a time; what was typed meanwhile is asked when the answer is here.
function asker(model, box, notice) {
  let waiting = 0, typing = 0, more = false;
  const ask = (name, value) => {
    model.set(name, value);
    model.set("asked", model.get("asked") + 1);
    model.save_changes();
    waiting = setTimeout(() => {
      waiting = 0;
      notice(`The kernel has not answered for ${PATIENCE} seconds: it is busy, or stopped. Run the cell again.`);
    }, PATIENCE * 1000);
  };
  const send = () => {
    clearTimeout(typing);
    more = Boolean(waiting);
    if (!more && box.value !== model.get("text")) ask("text", box.value);
  };
  return {
    send,
    ask,
    soon() { clearTimeout(typing); typing = setTimeout(send, 60); },
    answered() { clearTimeout(waiting); waiting = 0; if (more) send(); },
    stop() { clearTimeout(waiting); clearTimeout(typing); },
  };
}

function render({ model, el }) {
  const live = model.get("kernel") !== false;
  const stored = live ? [] : model.get("stored") ?? [];
  const { root, say, notice, dispose } = frame(el, "Head atlas");
  let record = null;

  const readout = h("p", { class: "atlas-readout" });
  const speak = (text) => { readout.textContent = text; if (text) say(text); };
  const line = h("p", { class: "atlas-line" });
  const status = h("p", { class: "llm-muted llm-small atlas-status" });
  const order = h("p", { class: "llm-muted llm-small" });
  const thumbs = thumbnails(pick);
  const views = { lines: linesView(speak), heatmap: heatView(speak) };
  const scale = legend("weight");
  const table = asTable("The weights of the picked head", () => tableRows(record, current()));

  const box = h("input", { type: "text", "aria-label": "Your sentence", autocomplete: "off", spellcheck: "false", dir: "auto" });
  box.value = model.get("text") ?? "";
  const questions = asker(model, box, notice);
  box.addEventListener("input", (event) => { if (!event.isComposing) questions.soon(); });
  box.addEventListener("compositionend", questions.soon);
  box.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) questions.send(); });

  const texts = live ? model.get("sentences") : stored.map(({ answer }) => answer.text);
  const examples = select({ label: live ? "or an example" : "Sentence", value: live ? "" : 0, onChange: (k) => {
    if (live) { box.value = texts[k] ?? box.value; questions.send(); } else open(Number(k));
  }, options: [...(live ? [["", "…"]] : []), ...texts.map((text, k) => [k, clip(text, 60)])] });
  examples.input.dir = "auto";
  const places = model.get("devices") ?? [];
  const where = live && places.length > 1 ? choice({ label: "compute on", options: places, value: model.get("device"),
    onChange: (device) => questions.ask("device", device) }) : null;
  const sort = select({ label: "Heads", options: [["model", "as in the model"]], value: "model", onChange: (value) => { set("sort", value); arrange(); } });
  const view = choice({ label: "Show", options: [["lines", "lines"], ["heatmap", "heatmap"]], value: model.get("view"), onChange: (value) => { set("view", value); showView(); } });

  root.append(
    live
      ? h("div", { class: "atlas-bar" }, h("label", { class: "atlas-box" }, h("span", {}, "Your sentence"), box), examples.el, where?.el)
      : h("div", { class: "atlas-bar" }, examples.el, h("p", { class: "llm-muted llm-small" }, "Other sentences can be tried where Python runs: open this lesson in JupyterLab or Colab.")),
    h("div", { class: "atlas-body" },
      h("div", { class: "atlas-left" }, sort.el, thumbs.el, order, legend("weight", 0, "the largest in each picture", String).el),
      h("div", { class: "atlas-right" }, line, h("div", { class: "llm-row" }, view.el, scale.el), views.lines.el, views.heatmap.el, readout)),
    table.el, status);

  let saving = 0;
  function set(name, value) {  // what is picked is told to Python when the reader rests
    model.set(name, value);
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 200);
  }

  const current = () => record && headOf(record, model.get("layer"), model.get("head"));

  function pick(layer, head) {
    set("head", head);
    set("layer", layer);
    thumbs.mark(layer, head);
    if (!current()) model.save_changes();  // the kernel sends the layer
  }

  const showHead = oncePerFrame(() => {
    if (!record) return;
    const [layer, head] = [model.get("layer"), model.get("head")];
    const k = layer * record.heads + head;
    const weights = current();
    thumbs.mark(layer, head);
    line.replaceChildren(h("strong", {}, title(layer, head)),
      weights ? `: ${["entropy", "distance", "last"].map((name) => saying(record, name, k)).join(", ")}.` : ": its layer is on the way.");
    say(line.textContent);
    if (!weights) return;
    scale.set(0, weights.top / 255);
    views[model.get("view")].show(record, weights);
    table.refresh();
  });

  function showView() {
    for (const [name, part] of Object.entries(views)) part.el.hidden = name !== model.get("view");
    scale.el.classList.toggle("atlas-ramp", model.get("view") === "lines");
    speak("");
    refit();
    showHead();
  }

  function arrange() {
    if (!record) return;
    thumbs.fill(record, sorted(record, model.get("sort")), model.get("sort"));
    order.textContent = model.get("sort") === "model" ? "Rows are layers, columns are heads." : "In this order from left to right, then down.";
    showHead();
  }

  function showRecord(next) {
    record = next;
    sort.fill(sortNames(record), model.get("sort"));
    const { truncated, size, layers, heads, device, ms } = record;
    const cost = live ? `computed on ${device} in ${ms} ms` : "stored when the lesson was run";
    const cut = truncated ? ` The text has ${truncated.toLocaleString("en")} tokens; the model reads the first ${size}.` : "";
    status.textContent = `${record.model}: ${layers} layers of ${heads} heads, ${size} tokens, ${cost}.${cut}`;
    arrange();
  }

  const refit = () => views[model.get("view")].refit();
  const open = (k) => showRecord(makeRecord(stored[k].answer, stored[k].packed));

  function receive() {
    const answer = model.get("answer");
    if (!answer?.tokens || (record && answer.asked < record.asked)) return;
    if (record && answer.layer >= 0 && record.serial === answer.serial) {
      record.packs.set(answer.layer, asBytes(model.get("packed")));
      return showHead();
    }
    if (document.activeElement !== box) box.value = model.get("text");
    showRecord(makeRecord(answer, model.get("packed"), model.get("thumbs")));
  }

  const listen = {
    answer: receive,
    done: questions.answered,
    error: () => notice(model.get("error")),
    layer: showHead,
    head: showHead,
    view: () => { view.set(model.get("view")); showView(); },
    sort: () => { sort.set(model.get("sort")); arrange(); },
    device: () => where?.set(model.get("device")),
  };
  for (const [name, callback] of Object.entries(listen)) model.on(`change:${name}`, callback);

  let width = 0;
  const watcher = new ResizeObserver(oncePerFrame(() => {
    if (width === root.clientWidth) return;
    width = root.clientWidth;
    thumbs.draw();
    refit();
  }));
  watcher.observe(root);
  const themes = new MutationObserver(refit);
  themes.observe(el, { attributes: true, attributeFilter: ["data-llm-theme"] });

  showView();
  notice(model.get("error") ?? "");
  if (live) receive();
  else if (stored.length) open(0);
  else notice(model.get("error") || "No sentence is stored here: open the lesson in JupyterLab or Colab to compute one.");

  return () => {
    for (const [name, callback] of Object.entries(listen)) model.off(`change:${name}`, callback);
    watcher.disconnect();
    themes.disconnect();
    questions.stop();
    clearTimeout(saving);
    dispose();
  };
}

export default { render };
