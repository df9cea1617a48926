// What every widget is drawn with: elements, controls, color, theme, and a voice for screen readers.
// Text is always set as text, never as HTML, so nothing a reader types can become part of the page.

const SVG_NAMES = new Set(["svg", "g", "path", "line", "rect", "circle", "text", "polyline", "title"]);

// h("button", { class: "a", onclick: f }, "text", child): an element with its properties, listeners and children.
export function h(name, attributes = {}, ...children) {
  const element = SVG_NAMES.has(name)
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null));
  return element;
}

// ---- one widget's frame -------------------------------------------------------------------------------------

// The root of a widget: follows the theme around it, speaks through a live region, shows notices.
// Returns { root, say, notice, notes, dispose }; `say` is throttled, `notice("")` clears, `notes` may be moved.
export function frame(el, label) {
  const voice = h("div", { class: "llm-voice", "aria-live": "polite" });
  const notes = h("p", { class: "llm-notice", role: "alert", hidden: true });
  const root = h("section", { class: "llm", "aria-label": label });
  el.replaceChildren(root, notes, voice);
  notes.classList.add("llm-scope");
  el.addEventListener("keydown", (event) => {  // else JupyterLab takes the arrow keys; its Ctrl+S and Shift+Enter stay its own
    const lab = event.ctrlKey || event.metaKey || (event.shiftKey && event.key === "Enter");
    if (!lab) event.stopPropagation();
  });
  const stopTheme = followTheme(el);
  let timer = 0;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { voice.textContent = text; }, 500);
  };
  const notice = (text) => {
    notes.textContent = text;
    notes.hidden = !text;
  };
  const dispose = () => { clearTimeout(timer); stopTheme(); };
  return { root, say, notice, notes, dispose };
}

// Light or dark is read from the background the widget actually stands on: right in Lab, Colab, VS Code and on the page.
function followTheme(el) {
  const read = () => { el.dataset.llmTheme = standsOnDark(el) ? "dark" : "light"; };
  const later = () => setTimeout(read, 60);
  const observer = new MutationObserver(later);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: ["class", "data-theme", "data-jp-theme-light", "theme"] });
  }
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", later);
  read();
  requestAnimationFrame(read);  // a frontend may attach `el` only after render() returns
  return () => { observer.disconnect(); preference.removeEventListener("change", later); };
}

function standsOnDark(el) {
  for (let node = el; node instanceof Element; node = node.parentElement) {
    const parts = getComputedStyle(node).backgroundColor.match(/[\d.]+/g);
    if (!parts || (parts.length === 4 && Number(parts[3]) < 0.5)) continue;
    const [red, green, blue] = parts.map(Number);
    return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// Calls `draw` once in the next frame however often it is asked for.
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}

// What is said in words beside a picture: `ask` puts a question with a button for each guess, `tell` a sentence in its place.
// What already stands there is not touched, so that a button keeps its focus.
export function speaker(place) {
  return {
    ask(question, guesses, onGuess) {
      if (place.dataset.asked === question) return;
      place.dataset.asked = question;
      place.replaceChildren(h("p", { class: "llm-question" }, question),
        h("div", { class: "llm-guesses" }, guesses.map((guess, i) => button(guess, () => onGuess(i)))));
    },
    tell(text) {
      delete place.dataset.asked;
      if (place.textContent !== text) place.replaceChildren(h("p", {}, text));
    },
  };
}

export function wantsStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// ---- controls: native elements, so the keyboard works as everywhere -------------------------------------------

let controls = 0;

function labelled(label, control, ...after) {
  control.id = `llm-control-${Date.now().toString(36)}-${controls++}`;
  return h("div", { class: "llm-control" }, h("label", { for: control.id }, label), control, ...after);
}

// { el, input, set(value) }. `show` writes the value beside the slider and is what a screen reader hears.
export function slider({ label, min, max, step, value, show = String, onInput }) {
  const output = h("output", {});
  const input = h("input", { type: "range", min, max, step, value });
  const tell = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { tell(); onInput(Number(input.value)); });
  tell();
  return { el: labelled(label, input, output), input, set(next) { input.value = next; tell(); } };
}

// options: [[value, text], ...]
export function select({ label, options, value, onChange }) {
  const input = h("select", {});
  const fill = (list, chosen) => {
    input.replaceChildren(...list.map(([key, text]) => h("option", { value: key }, text)));
    input.value = chosen;
  };
  fill(options, value);
  input.addEventListener("change", () => onChange(input.value));
  return { el: labelled(label, input), input, fill, set(next) { input.value = next; } };
}

// A row of choices of which one holds: radio buttons that look like one switch. Arrow keys move between them.
export function choice({ label, options, value, onChange }) {
  const name = `llm-choice-${Date.now().toString(36)}-${controls++}`;
  const inputs = options.map(([key]) => h("input", { type: "radio", name, value: key, onchange: () => onChange(key) }));
  const el = h("fieldset", { class: "llm-choice" }, h("legend", {}, label),
    options.map(([, text], i) => h("label", {}, inputs[i], h("span", {}, text))));
  const set = (next) => inputs.forEach((input) => { input.checked = input.value === String(next); });
  set(value);
  return { el, inputs, set };
}

export function checkbox({ label, value, onChange }) {
  const input = h("input", { type: "checkbox", onchange: () => onChange(input.checked) });
  input.checked = value;
  return { el: h("label", { class: "llm-check" }, input, h("span", {}, label)), input, set(next) { input.checked = next; } };
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "llm-button", onclick, ...attributes }, label);
}

// "Show as table": `rows()` is asked for only while the table is open. First row and first column are headers.
// `name` tells several tables of a widget apart. Returns { el, refresh }.
export function asTable(caption, rows, name = "Show as table") {
  const holder = h("div", { class: "llm-table", tabindex: "0", role: "group", "aria-label": caption });
  const el = h("details", { class: "llm-details" }, h("summary", {}, name), holder);
  const refresh = () => {
    if (!el.open) return;
    const [head, ...body] = rows();
    holder.replaceChildren(h("table", {}, h("caption", {}, caption),
      h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, String(cell))))),
      h("tbody", {}, body.map(([first, ...rest]) =>
        h("tr", {}, h("th", { scope: "row" }, String(first)), rest.map((cell) => h("td", {}, String(cell))))))));
  };
  el.addEventListener("toggle", refresh);
  return { el, refresh };
}

// ---- color ----------------------------------------------------------------------------------------------------

const CIVIDIS = [0x00224e, 0x123570, 0x3b496c, 0x575d6d, 0x707173, 0x8a8678, 0xa59c74, 0xc3b369, 0xe1cc55, 0xfee838];

// share in [0, 1] -> [red, green, blue], each 0..255; the same ten stops as llmkit/widgets/pictures.py
export function cividis(share) {
  const place = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  const part = (shift) => {
    const a = (CIVIDIS[low] >> shift) & 255;
    const b = (CIVIDIS[low + 1] >> shift) & 255;
    return Math.round(a + (b - a) * (place - low));
  };
  return [part(16), part(8), part(0)];
}

// A background for a share, and an ink that can be read on it.
export function paint(element, share) {
  const [red, green, blue] = cividis(share);
  element.style.background = `rgb(${red},${green},${blue})`;
  element.style.color = share > 0.47 ? "#000000" : "#ffffff";  // 4.5 to 1 or better on every step of the scale
}

// The scale with its numbers. Returns { el, set(low, high) }.
export function legend(label, low = 0, high = 1, show = formatNumber) {
  const stops = CIVIDIS.map((_, i) => `rgb(${cividis(i / (CIVIDIS.length - 1)).join(",")})`).join(",");
  const left = h("span", {}, show(low));
  const right = h("span", {}, show(high));
  const bar = h("span", { class: "llm-scale", style: `background:linear-gradient(90deg,${stops})` });
  return {
    el: h("div", { class: "llm-legend" }, h("span", {}, label), left, bar, right),
    set(a, b) { left.textContent = show(a); right.textContent = show(b); },
  };
}

// Two decimals where that says enough, a real minus sign, no "-0.00".
export function formatNumber(x, digits = 2) {
  if (x === -Infinity) return "−∞";
  if (x === Infinity) return "∞";
  if (Number.isNaN(x)) return "not a number";
  if (Math.abs(x) >= 1e5) return x.toExponential(1).replace("-", "−");
  const text = x.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
}

// A share of one for a reader: "62.0%", "<0.1%", ">99.9%"; 0 and 100% only where they are exact.
export function percent(share) {
  if (share === 0) return "0";
  if (share < 0.001) return "<0.1%";
  return share > 0.9995 && share < 1 ? ">99.9%" : `${(100 * share).toFixed(share === 1 ? 0 : 1)}%`;
}
