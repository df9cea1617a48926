// The block explorer: one block as a stream with parts beside it, and above all blocks two curves over the depth.

import { DEEPEST, INNER, HEADS, MOST, PARTS, WIDTH, cut, directions, embedding, makeLayers, run } from "./block.js";
import { asTable, checkbox, choice, formatNumber, frame, h, oncePerFrame, slider, speaker } from "./kit.js";

const FIELDS = ["text", "depth", "block", "place", "norm", "off", "question", "guess"];
const ORDERS = { pre: PARTS, post: ["attention", "add1", "norm1", "feed_forward", "add2", "norm2"] };
const NORMS = [["layer", "LayerNorm"], ["rms", "RMSNorm"]];
const PLACES = [["pre", "pre-norm"], ["post", "post-norm"]];
const GUESSES = ["both hold steady", "both fade away", "both grow beyond measure"];
const ROW = 46, SPINE = 14, BRANCH = 42;

const middle = (row) => ROW * row + ROW / 2;
const amount = (x) => (x === 0 ? "0" : x >= 1e5 || x < 1e-3 ? power(x) : x >= 1000 ? Math.round(x).toLocaleString("en") : String(Number(x.toPrecision(3))));
const power = (x) => {
  const [digits, exponent] = x.toExponential(1).split("e");
  const raised = [...exponent.replace("+", "")].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("");
  return `${digits.replace(".0", "") === "1" ? "" : `${digits.replace(".0", "")} × `}10${raised}`;
};
const tick = (exponent) => (Math.abs(exponent) > 3 ? power(10 ** exponent) : (10 ** exponent).toLocaleString("en"));

// One curve over the depth on a logarithmic scale; gray beside it, the same with every part on.
function curveView(title, onBlock) {
  const number = h("span", { class: "be-number" }), caption = h("span", {}, title);
  const line = (name) => h("path", { class: name, "vector-effect": "non-scaling-stroke" });
  const grid = line("be-grid"), whole = line("be-whole"), mine = line("be-mine"), dot = h("i", { class: "be-dot" });
  const ticks = h("div", { class: "be-ticks", "aria-hidden": "true" });
  const field = h("div", { class: "be-field", role: "img" }, h("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, grid, whole, mine), dot);
  const pointed = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = field.getBoundingClientRect();
    onBlock((event.clientX - box.left) / box.width);
  };
  for (const type of ["pointerdown", "pointermove"]) field.addEventListener(type, pointed);
  return {
    el: h("div", { class: "be-curve" }, h("div", { class: "be-title" }, caption, number), h("div", { class: "be-plot" }, ticks, field)),
    draw(values, reference, block, told) {
      const powers = (list) => list.map((value) => Math.log10(Math.max(value, 1e-12)));
      const all = powers([...values, ...reference]);
      let low = Math.floor(Math.min(...all) + 1e-9), high = Math.ceil(Math.max(...all) - 1e-9);
      if (high - low < 2) high = low + 2;
      const x = (at) => (100 * at) / (values.length - 1), y = (exponent) => 94 - (88 * (exponent - low)) / (high - low);
      const path = (list) => powers(list).map((exponent, at) => `${at ? "L" : "M"}${x(at).toFixed(2)} ${y(exponent).toFixed(2)}`).join("");
      whole.setAttribute("d", path(reference));
      mine.setAttribute("d", path(values));
      dot.style.left = `${x(block)}%`;
      dot.style.top = `${y(powers([values[block]])[0])}%`;
      const marks = [...new Set([low, Math.round((low + high) / 2), high])];
      grid.setAttribute("d", marks.map((mark) => `M0 ${y(mark)}H100`).join(""));
      ticks.replaceChildren(...marks.map((mark) => {
        const label = h("span", {}, tick(mark));
        label.style.top = `${y(mark)}%`;
        return label;
      }));
      number.textContent = told;
      field.setAttribute("aria-label", `${title}, by depth: ${told}`);
    },
  };
}

// The stream as a line from top to bottom; what is computed beside it hangs on a branch.
function spineView() {
  const el = h("svg", { viewBox: `0 0 56 ${7 * ROW}`, class: "be-spine", "aria-hidden": "true" });
  const path = (d, name) => h("path", { d, class: name });
  const draw = (place, off) => {
    const order = ["in", ...ORDERS[place]], at = (part) => middle(order.indexOf(part));
    const starts = place === "pre" ? ["in", "add1"] : ["in", "norm1"], marks = [];
    let from = 0;
    PARTS.filter((part) => part.startsWith("add")).forEach((add, i) => {
      const a = at(starts[i]) + 12, b = at(add), gone = off.has(add);
      marks.push(path(`M${SPINE} ${from}V${a}`, "be-stream"), path(`M${SPINE} ${a}V${b}`, gone ? "be-gone" : "be-stream"));
      marks.push(path(`M${SPINE} ${a}H${BRANCH - 12}Q${BRANCH} ${a} ${BRANCH} ${a + 12}V${b - 12}Q${BRANCH} ${b} ${BRANCH - 12} ${b}H${SPINE}`, off.has(i ? "feed_forward" : "attention") ? "be-branch be-gone" : "be-branch"));
      from = b;
    });
    marks.push(path(`M${SPINE} ${from}V${7 * ROW - 8}`, "be-stream"), path(`M${SPINE - 6} ${7 * ROW - 10}L${SPINE} ${7 * ROW - 1}L${SPINE + 6} ${7 * ROW - 10}Z`, "be-tip"));
    marks.push(h("circle", { cx: SPINE, cy: middle(0), r: 5, class: "be-node be-word" }));
    for (const part of PARTS) {
      const y = at(part), name = `be-node${off.has(part) ? " be-out" : ""}`;
      if (part.startsWith("norm")) marks.push(h("rect", { x: (place === "pre" ? BRANCH : SPINE) - 9, y: y - 4, width: 18, height: 8, rx: 2, class: name }));
      else if (part.startsWith("add")) marks.push(h("circle", { cx: SPINE, cy: y, r: 9, class: name }), path(`M${SPINE - 4} ${y}H${SPINE + 4}M${SPINE} ${y - 4}V${y + 4}`, off.has(part) ? "be-plus be-out" : "be-plus"));
      else marks.push(h("circle", { cx: BRANCH, cy: y, r: 8, class: name }));
    }
    el.replaceChildren(...marks);
  };
  return { el, draw };
}

function render({ model, el }) {
  const { root, say, notice, notes, dispose } = frame(el, "block explorer");
  const layers = makeLayers(), readouts = directions(), known = new Map();
  let state = {}, now = null, drawnAs = "", builtAs = "", spineOf = "", whole = null;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const move = (changes) => keep(model.get("guess") < 0 ? changes : { ...changes, question: false });  // the answer has been read
  const speech = h("div", { class: "be-words" }), voice = speaker(speech);
  const typed = h("input", { type: "text", maxlength: 120, spellcheck: "false", autocomplete: "off", "aria-label": "your words", dir: "auto" });
  typed.addEventListener("input", () => {
    const words = cut(typed.value);
    if (!words.length) return notice("There is no word in the box; the picture still shows the words before.");
    notice(words.length > MOST ? `Of your ${words.length} words the first ${MOST} are read.` : "");
    move({ text: typed.value });
  });
  const chips = h("div", { class: "be-chips" });
  const deep = slider({ label: "blocks", min: 1, max: DEEPEST, step: 1, value: 1, onInput: (depth) => move({ depth, block: model.get("block") === model.get("depth") ? depth : Math.min(model.get("block"), depth) }) });
  const places = choice({ label: "", options: PLACES, value: "pre", onChange: (place) => move({ place }) });
  const kinds = choice({ label: "", options: NORMS, value: "layer", onChange: (norm) => move({ norm }) });
  const which = slider({ label: "look at block", min: 1, max: 1, step: 1, value: 1, onInput: (block) => move({ block }) });
  const toBlock = (share) => {
    const block = Math.min(Math.max(Math.round(share * state.depth), 1), state.depth);
    if (block !== state.block) move({ block });
  };
  const stream = curveView("The stream’s length", toBlock), gradient = curveView("The gradient’s length", toBlock);
  const spine = spineView(), list = h("div", { class: "be-list" }), after = h("p", { class: "be-after" });
  const row = (part, name) => {
    const shape = h("span", { class: "be-shape" }), number = h("span", { class: "be-size" }), bar = h("i", { class: "be-bar" });
    return { shape, number, bar, name, el: h("div", { class: "be-row" }, h("div", {}, name.el ?? h("span", { class: "be-in" }, name), shape), h("div", { class: "be-wrote" }, number, bar)) };
  };
  const flip = (part) => (on) => move({ off: PARTS.filter((other) => (other === part ? !on : model.get("off").includes(other))) });
  const items = { in: row("in", "the stream comes in") };
  for (const part of PARTS) items[part] = row(part, checkbox({ label: part, value: true, onChange: flip(part) }));
  const table = asTable("Mean length of a word’s row, of the stream and of its gradient, by depth; then the same with every part on", tableRows);
  root.append(h("div", { class: "be" }, speech,
    h("div", { class: "be-controls" }, h("div", { class: "be-typed" }, typed, chips), notes, deep.el, places.el, kinds.el),
    h("div", { class: "be-body" },
      h("div", { class: "be-block" }, which.el, h("div", { class: "be-stack" }, spine.el, list), after),
      h("div", { class: "be-curves" }, stream.el, gradient.el,
        h("div", { class: "be-axis", "aria-hidden": "true" }, h("span", {}, "0"), h("span", {}, "depth, in blocks"), h("span", {}, "")),
        h("p", { class: "be-key" }, h("i", { class: "be-line" }), "every part on ", h("i", { class: "be-line be-line-mine" }), "as switched"))),
    table.el));
  const axisEnd = root.querySelector(".be-axis").lastChild;

  const sync = (control, value) => { if (Number(control.input.value) !== value || !control.el.querySelector("output").textContent) control.set(value); };

  // What the blocks make of the words; the last few are remembered, so that going back costs nothing.
  function passage(words, off, name) {
    if (!known.has(name)) {
      if (known.size > 64) known.clear();
      const flat = (list) => Float64Array.from(list.flatMap((each) => [...each]));
      known.set(name, run(flat(words.map(embedding)), layers(state.depth), state.place, state.norm, off, flat(readouts.slice(0, words.length))));
    }
    return known.get(name);
  }

  const draw = oncePerFrame(() => {
    state = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    const { depth, place, norm } = state, off = new Set(state.off), words = cut(state.text).slice(0, MOST);
    state.block = Math.min(state.block, depth);
    if (cut(typed.value).join(" ") !== cut(state.text).join(" ") && (document.activeElement !== typed || !builtAs)) typed.value = state.text;
    sync(deep, depth);
    which.input.max = depth;
    which.input.disabled = depth === 1;
    sync(which, state.block);
    places.set(place);
    kinds.set(norm);
    const given = JSON.stringify([words, depth, place, norm]), wanted = given + [...off];
    if (wanted !== drawnAs) {
      drawnAs = wanted;
      now = passage(words, off, wanted);
      whole = passage(words, new Set(), given);
      if ([...chips.children].map((chip) => chip.textContent).join(" ") !== words.join(" ")) chips.replaceChildren(...words.map((word) => h("span", { dir: "auto" }, word)));
    }
    if (builtAs !== place) {
      builtAs = place;
      list.replaceChildren(...["in", ...ORDERS[place]].map((part) => items[part].el));
    }
    if (spineOf !== place + [...off]) {
      spineOf = place + [...off];
      spine.draw(place, off);
    }
    fill(words.length, off);
    axisEnd.textContent = String(depth);
    const first = now.gradient[0], last = now.gradient.at(-1), b = state.block;
    stream.draw(now.stream, whole.stream, b, `after block ${b}: ${amount(now.stream[b])}`);
    gradient.draw(now.gradient, whole.gradient, b, `after block ${b}: ${amount(now.gradient[b])}`);
    const facts = `Over ${depth === 1 ? "one block" : `${depth} blocks`} the stream goes from ${amount(now.stream[0])} to ${amount(now.stream.at(-1))}; the gradient goes back from ${amount(last)} to ${amount(first)}.`;
    speak(off, facts);
    table.refresh();
  });

  function fill(count, off) {
    const wrote = now.wrote[state.block - 1], values = { in: now.stream[state.block - 1], ...wrote };
    const most = Math.max(...Object.values(values), 1e-12), kind = NORMS.find(([key]) => key === state.norm)[1];
    const names = { norm1: kind, norm2: kind, attention: "attention", feed_forward: "feed-forward", add1: "add to the stream", add2: "add to the stream" };
    const inside = { attention: `, inside ${HEADS} × ${count} × ${count}`, feed_forward: `, inside ${count} × ${INNER}` };
    for (const [part, item] of Object.entries(items)) {
      const out = off.has(part);
      item.shape.textContent = `${count} × ${WIDTH}${inside[part] ?? ""}`;
      item.number.textContent = amount(values[part]);
      item.bar.style.width = `${(100 * values[part]) / most}%`;
      item.el.classList.toggle("be-off", out);
      if (part === "in") continue;
      item.name.set(!out);
      item.name.el.lastChild.textContent = names[part];
    }
    const norms = !(off.has("norm1") && off.has("norm2"));
    after.textContent = state.block < state.depth ? `then block ${state.block + 1} of ${state.depth}` : state.place === "pre" && norms ? "then one last norm, and out" : "then out";
  }

  function speak(off, facts) {
    if (state.question && state.guess < 0) return voice.ask("Suppose the norms of all blocks are switched off, and nothing else. What becomes of the stream, and of the gradient that comes back along it?", GUESSES, (guess) => keep({ guess, off: ["norm1", "norm2"] }));
    const text = `${state.question ? (state.guess === 2 ? "Yes. " : "Look again. ") : ""}${comment(off)} ${facts}`;
    voice.tell(text);
    say(text);
  }

  function comment(off) {
    const [n1, a, p1, n2, f, p2] = PARTS.map((part) => off.has(part));
    if (a && f) return "Nobody looks and nobody thinks: nothing is written to the stream.";
    if (p1 && p2) return n1 && n2 ? "No addition and no norm: each part sees only what the last one left, and most of it is lost at every step." : "No addition: nothing is handed on as it was. The norms keep the sizes up, so the curves look harmless; but the words must survive every part on the way.";
    if (p1 || p2) return "One of the two additions is gone: the stream is broken once in every block.";
    if (n1 && n2) return "Without norms a part reads a stream that all before it have made larger, and writes as much more: additions become multiplications.";
    if (n1 || n2) return "One of the two norms is gone: that part writes in proportion to the stream.";
    if (a) return "No attention: no word learns of another.";
    if (f) return "No feed-forward: words are mixed, and nothing is made of the mixture.";
    if (state.place === "pre") return "Each part reads a normed copy and adds its answer. Nothing stands in the way of the stream: it grows like the root of the depth.";
    return "Each addition is followed by a norm in the stream itself: its size is held, and the gradient passes every norm on its way back.";
  }

  function tableRows() {
    return [["depth", "stream", "gradient", "stream, all on", "gradient, all on"], ...now.stream.map((_, at) => [at, ...[now.stream, now.gradient, whole.stream, whole.gradient].map((each) => (each[at] ? each[at].toPrecision(9) : "0"))])];
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

export default { render };
