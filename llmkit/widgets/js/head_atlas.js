// The head atlas: every attention head of a model as a small picture, and one of them in full.
// Weights arrive as bytes, 255 for 1: all heads at once up to 128 tokens, one layer at a time beyond.
import { h, frame, oncePerFrame, select, choice, asTable, cividis, legend, formatNumber } from "./kit.js";

const ROW = 22;  // px: one token in the lines view
const TALLEST = 440;  // px: then the lines view scrolls
const SLICE = 10;  // ms of drawing before the browser gets its turn
const MOST_LINES = 1500;
const PATIENCE = 10;  // seconds
const COLORS = Uint32Array.from({ length: 256 }, (_, i) => {
  const [red, green, blue] = cividis(i / 255);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
});
const SORTS = { entropy: 1, distance: -1, first: -1, last: -1 };  // 1: the smallest comes first

// ---- the numbers ------------------------------------------------------------------------------------------------

const asBytes = (view) => (view?.buffer ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0));

// One text: what was said about it, and its weights: all layers under -1, or layer by layer as they come.
function makeRecord(answer, packed, thumbs) {
  return { ...answer, size: answer.tokens.length, packs: new Map([[answer.layer, asBytes(packed)]]), thumbs: asBytes(thumbs) };
}

// { at(i, j) -> 0..255, size, top }: how much token i looks at token j, and the largest of it.
function weightsIn(bytes, place, size, causal) {
  const area = causal ? (size * (size + 1)) / 2 : size * size;
  const data = bytes.subarray(place * area, (place + 1) * area);
  const at = causal ? (i, j) => (j > i ? 0 : data[(i * (i + 1)) / 2 + j]) : (i, j) => data[i * size + j];
  let top = 1;
  for (let k = 0; k < data.length; k++) if (data[k] > top) top = data[k];
  return { at, size, top };
}

// null while the layer is still on its way
function headOf(record, layer, head) {
  const all = record.packs.get(-1);
  const bytes = all ?? record.packs.get(layer);
  return bytes ? weightsIn(bytes, (all ? layer * record.heads : 0) + head, record.size, record.causal) : null;
}

function thumbOf(record, layer, head) {
  if (record.packs.has(-1)) return headOf(record, layer, head);
  return weightsIn(record.thumbs, layer * record.heads + head, record.thumb, false);
}

// A head as side x side pixels: cells are repeated where there is room, and where not the largest of a block is kept.
function pixels({ at, size, top }, side) {
  const image = new Uint32Array(side * side);
  const from = (x) => Math.floor((x * size) / side);
  const to = (x) => Math.max(from(x) + 1, from(x + 1));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let most = 0;
      for (let i = from(y); i < to(y); i++) for (let j = from(x); j < to(x); j++) most = Math.max(most, at(i, j));
      image[y * side + x] = COLORS[Math.round((255 * most) / top)];
    }
  }
  return new ImageData(new Uint8ClampedArray(image.buffer), side, side);
}

// The strongest lines, at most MOST_LINES of them, as [i, j, weight]; with a focus only those of that token.
function strongest({ at, size }, focus) {
  if (focus) {
    return Array.from({ length: size }, (_, k) => (focus.side ? [k, focus.token, at(k, focus.token)] : [focus.token, k, at(focus.token, k)]));
  }
  const counts = new Array(257).fill(0);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) counts[at(i, j)]++;
  let least = 256;
  for (let sum = 0; least > 2 && sum + counts[least - 1] <= MOST_LINES;) sum += counts[--least];
  const found = [];
  if (least === 256) return found;
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) if (at(i, j) >= least) found.push([i, j, at(i, j)]);
  return found;
}

// In nats, of a row of bytes.
const entropyOf = (row) => row.reduce((sum, weight) => (weight ? sum - (weight / 255) * Math.log(weight / 255) : sum), 0);
const share = (weight) => formatNumber(weight / 255);
const title = (layer, head) => `Head ${layer}.${head}`;

// ---- drawing ----------------------------------------------------------------------------------------------------

// A canvas of width x height CSS pixels, sharp on every screen; returns its context.
function sized(canvas, width, height) {
  const dense = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  }
  const context = canvas.getContext("2d");
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

// Small pictures in a grid of buttons: one tab stop, arrow keys pick. One canvas lies behind all of them.
function thumbnails(onPick) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const grid = h("div", { class: "atlas-grid", role: "grid", "aria-label": "Heads" });
  const el = h("div", { class: "atlas-thumbs" }, canvas, grid);
  let record, order, cells = [], picked = -1, run = 0;

  const place = (k) => [Math.floor(order[k] / record.heads), order[k] % record.heads];
  const pick = (k, focus) => { onPick(...place(k)); if (focus) cells[k].focus({ preventScroll: false }); };
  grid.addEventListener("click", (event) => {
    const k = cells.indexOf(event.target.closest("button"));
    if (k >= 0) pick(k);
  });
  grid.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -record.heads, ArrowDown: record.heads, Home: -cells.length, End: cells.length };
    const k = cells.indexOf(event.target);
    if (k < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = k + steps[event.key];
    if (event.key === "Home" || event.key === "End") pick(event.key === "Home" ? 0 : cells.length - 1, true);
    else if (next >= 0 && next < cells.length) pick(next, true);
  });

  function fill(nextRecord, nextOrder, sort) {
    const changed = nextRecord.heads !== record?.heads || nextRecord.layers !== record?.layers;
    [record, order] = [nextRecord, nextOrder];
    if (changed) build();
    else unmark();
    el.classList.toggle("atlas-sorted", sort !== "model");
    cells.forEach((cell, k) => {
      const [layer, head] = place(k);
      const value = sort === "model" ? "" : `, ${saying(record, sort, order[k])}`;
      cell.setAttribute("aria-label", title(layer, head) + value);
      cell.title = title(layer, head) + value;
      cell.firstChild.textContent = `${layer}.${head}`;
    });
    draw();
  }

  function build() {
    cells = order.map(() => h("button", { type: "button", role: "gridcell", tabindex: "-1" }, h("span")));
    const rows = Array.from({ length: record.layers }, (_, row) => h("div", { role: "row" },
      h("span", { role: "rowheader", "aria-label": `Layer ${row}` }, String(row)), cells.slice(row * record.heads, (row + 1) * record.heads)));
    const names = Array.from({ length: record.heads }, (_, head) => h("span", { role: "columnheader", "aria-label": `Head ${head}` }, String(head)));
    grid.replaceChildren(h("div", { role: "row", class: "atlas-heads" }, h("span", { role: "columnheader" }, "layer ↓ head →"), names), ...rows);
    grid.style.setProperty("--heads", record.heads);
  }

  function unmark() {
    if (cells[picked]) Object.assign(cells[picked], { tabIndex: -1 }).setAttribute("aria-selected", "false");
    picked = -1;
  }

  function mark(layer, head) {
    const k = order.indexOf(layer * record.heads + head);
    if (picked === k) return;
    unmark();
    Object.assign(cells[k], { tabIndex: 0 }).setAttribute("aria-selected", "true");
    picked = k;
  }

  // The buttons say where the pictures go; drawn in slices, so that a thousand heads do not block the page.
  function draw() {
    if (!record || !el.isConnected || !cells[0].offsetWidth) return;
    const mine = ++run;
    const dense = window.devicePixelRatio || 1;
    const side = Math.max(8, Math.round(cells[0].clientWidth * dense));
    const spots = cells.map((cell) => [cell.offsetLeft + cell.clientLeft, cell.offsetTop + cell.clientTop]);
    const context = sized(canvas, grid.scrollWidth, grid.offsetHeight);
    const slice = (k) => {
      const began = performance.now();
      for (; k < cells.length && performance.now() - began < SLICE; k++) {
        context.putImageData(pixels(thumbOf(record, ...place(k)), side), Math.round(spots[k][0] * dense), Math.round(spots[k][1] * dense));
      }
      if (k < cells.length) requestAnimationFrame(() => mine === run && slice(k));
    };
    slice(0);
  }
  return { el, fill, mark, draw };
}

// Tokens left and right, a line for every look. A token under the pointer, or chosen by key, shows only its own, with numbers.
function linesView(say) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const lists = ["Tokens that look", "Tokens looked at"].map((label) => h("div", { role: "listbox", tabindex: "0", "aria-label": label, class: "atlas-tokens" }));
  const middle = h("div", { class: "atlas-middle" }, canvas);
  const el = h("div", { class: "atlas-lines" }, lists[0], middle, lists[1]);
  const ids = `atlas-${Math.random().toString(36).slice(2)}`;
  const redraw = oncePerFrame(draw);
  let record, weights, options = [[], []], held = null, pointed = null;

  lists.forEach((list, side) => {
    const tokenAt = (event) => options[side].indexOf(event.target.closest("[role=option]"));
    const point = (token) => { pointed = token < 0 ? null : { side, token }; redraw(); };
    list.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch") point(tokenAt(event)); });
    list.addEventListener("pointerleave", () => point(-1));
    list.addEventListener("click", (event) => {
      const token = tokenAt(event);
      if (token >= 0) hold(held?.side === side && held.token === token ? null : { side, token });
    });
    list.addEventListener("keydown", (event) => {
      const now = held?.side === side ? held.token : -1;
      const next = { ArrowDown: now + 1, ArrowUp: now < 0 ? record.size - 1 : now - 1, Home: 0, End: record.size - 1 }[event.key];
      if (event.key === "Escape") hold(null);
      else if (next === undefined) return;
      else if (next >= 0 && next < record.size) hold({ side, token: next });
      event.preventDefault();
    });
  });
  el.addEventListener("scroll", redraw, { passive: true });

  function hold(next) {
    [held, pointed] = [next, null];
    lists.forEach((list, side) => {
      options[side].forEach((option, k) => option.setAttribute("aria-selected", String(held?.side === side && held.token === k)));
      if (held?.side === side) list.setAttribute("aria-activedescendant", options[side][held.token].id);
      else list.removeAttribute("aria-activedescendant");
    });
    if (held) options[held.side][held.token].scrollIntoView({ block: "nearest" });
    redraw();
  }

  function fill(next) {
    record = next;
    options = [0, 1].map((side) => record.tokens.map((token, k) => h("div", { role: "option", id: `${ids}-${side}-${k}`, title: token },
      h("bdi", {}, token), h("span", { class: "atlas-number" }))));
    lists.forEach((list, side) => list.replaceChildren(...options[side]));
    el.scrollTop = 0;
    hold(null);
  }

  function draw() {
    if (!weights || !el.offsetParent) return;
    const focus = pointed ?? held;
    number(focus);
    const [width, height] = [middle.clientWidth, Math.min(el.clientHeight, record.size * ROW)];
    const context = sized(canvas, width, height);
    const paths = Array.from({ length: 12 }, () => new Path2D());
    const y = (k) => k * ROW + ROW / 2 - el.scrollTop;
    for (const [i, j, weight] of strongest(weights, focus)) {
      if (Math.max(y(i), y(j)) < 0 || Math.min(y(i), y(j)) > height) continue;
      const path = paths[Math.max(0, Math.ceil((12 * weight) / weights.top) - 1)];
      path.moveTo(0, y(i));
      path.bezierCurveTo(width * 0.4, y(i), width * 0.6, y(j), width, y(j));
    }
    context.strokeStyle = getComputedStyle(el).getPropertyValue("--llm-accent");
    paths.forEach((path, k) => {
      context.globalAlpha = ((k + 1) / 12) ** 1.3;
      context.lineWidth = 0.5 + (3 * (k + 1)) / 12;
      context.stroke(path);
    });
  }

  function number(focus) {
    options.forEach((list, side) => list.forEach((option, k) => {
      const across = focus && focus.side !== side;
      const weight = across ? (side ? weights.at(focus.token, k) : weights.at(k, focus.token)) : 0;
      option.lastChild.textContent = across && weight >= 2 ? share(weight) : "";
      option.classList.toggle("atlas-faint", Boolean(across ? weight < 13 : focus && focus.token !== k));
    }));
    if (focus) say(reading(record, weights, focus));
    else say("");
  }
  return { el, fill, redraw, show(next) { weights = next; redraw(); } };
}

// "it looks at cat 0.71, mat 0.10, [CLS] 0.09; its entropy is 1.05 nats"
function reading(record, { at, size }, { side, token }) {
  const row = Array.from({ length: size }, (_, k) => (side ? at(k, token) : at(token, k)));
  const best = row.map((_, k) => k).sort((a, b) => row[b] - row[a]).slice(0, 3).filter((k) => row[k] >= 2);
  const list = best.map((k) => `${record.tokens[k]} ${share(row[k])}`).join(", ") || "nothing much";
  if (side) return `${record.tokens[token]} is looked at by ${list}`;
  return `${record.tokens[token]} looks at ${list}; entropy ${formatNumber(entropyOf(row))} nats`;
}

// Rows look, columns are looked at. The pointer or the arrow keys choose a cell.
function heatView(say) {
  const canvas = h("canvas", { role: "application", tabindex: "0", "aria-roledescription": "heatmap", "aria-label": "Weights of this head: arrow keys read out the cells" });
  const el = h("div", { class: "atlas-heat" }, canvas);
  const redraw = oncePerFrame(draw);
  let record, weights, image, cell = null, at = { left: 0, top: 0, step: 1 };

  const choose = (row, column) => {
    cell = row < 0 || column < 0 || row >= record.size || column >= record.size ? cell : [row, column];
    redraw();
  };
  canvas.addEventListener("pointermove", (event) => choose(Math.floor((event.offsetY - at.top) / at.step), Math.floor((event.offsetX - at.left) / at.step)));
  canvas.addEventListener("focus", () => { if (!cell) choose(0, 0); });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move || !cell) return;
    event.preventDefault();
    choose(cell[0] + move[0], cell[1] + move[1]);
  });

  function draw() {
    if (!weights || !el.offsetParent) return;
    const width = el.clientWidth;
    const { size, tokens } = record;
    at = { left: Math.min(92, width / 4), top: 66 };
    at.step = Math.min(32, (width - at.left - 34) / size);  // 34: the last name leans out
    const side = at.step * size;
    const context = sized(canvas, at.left + side + 34, at.top + side + 2);
    const style = getComputedStyle(el);
    const [ink, accent, muted] = ["--llm-ink", "--llm-accent", "--llm-muted"].map((name) => style.getPropertyValue(name));
    image ??= paintOn(weights, Math.min(size, Math.round(side * (window.devicePixelRatio || 1))));
    context.imageSmoothingEnabled = false;
    context.drawImage(image, at.left, at.top, side, side);
    context.font = `${Math.min(13, Math.max(10, at.step * 0.6))}px ${style.fontFamily}`;
    context.textBaseline = "middle";
    const every = Math.ceil(12 / at.step);
    const write = (k, isRow, color) => {
      context.save();
      context.translate(isRow ? at.left - 6 : at.left + (k + 0.5) * at.step, isRow ? at.top + (k + 0.5) * at.step : at.top - 6);
      if (!isRow) context.rotate(-Math.PI / 3);
      context.fillStyle = color;
      context.textAlign = isRow ? "right" : "left";
      context.fillText(clip(tokens[k], 11), 0, 0, isRow ? at.left - 8 : 70);
      context.restore();
    };
    for (let k = 0; k < size; k++) {
      for (const isRow of [true, false]) {
        const chosen = cell && cell[isRow ? 0 : 1] === k;
        const crowded = cell && every > 1 && Math.abs(cell[isRow ? 0 : 1] - k) < every;
        if (chosen || (k % every === 0 && !crowded)) write(k, isRow, chosen ? accent : cell ? muted : ink);
      }
    }
    if (!cell) return say("");
    for (const [color, wide] of [["#ffffff", 5], [accent, 2.5]]) {
      context.strokeStyle = color;
      context.lineWidth = wide;
      context.strokeRect(at.left + cell[1] * at.step, at.top + cell[0] * at.step, at.step, at.step);
    }
    say(`${tokens[cell[0]]} → ${tokens[cell[1]]} ${share(weights.at(...cell))}`);
  }
  return {
    el, redraw,
    fill(next) { record = next; cell = null; },
    show(next) { weights = next; image = undefined; redraw(); },
    resize() { image = undefined; redraw(); },
  };
}

function paintOn(weights, side) {
  const canvas = h("canvas", { width: side, height: side });
  canvas.getContext("2d").putImageData(pixels(weights, side), 0, 0);
  return canvas;
}

const clip = (token, longest) => ([...token].length > longest ? `${[...token].slice(0, longest - 1).join("")}…` : token);

// ---- words ------------------------------------------------------------------------------------------------------

function saying({ stats, landmarks }, sort, k) {
  const value = stats[sort][k];
  if (sort === "entropy") return `mean entropy ${formatNumber(value)} nats`;
  if (sort === "distance") return `looks ${formatNumber(value, 1)} tokens away`;
  return `${Math.round(100 * value)}% to ${landmarks[sort === "first" ? 0 : 1]}`;
}

function sortNames({ landmarks: [first, last] }) {
  return [["model", "as in the model"], ["entropy", "by entropy, sharpest first"], ["distance", "by distance, farthest first"],
    ["first", `by attention to ${first}`], ["last", `by attention to ${last}`]];
}

function sorted(record, sort) {
  const order = Array.from({ length: record.layers * record.heads }, (_, k) => k);
  const values = record.stats[sort];
  return values ? order.sort((a, b) => SORTS[sort] * (values[a] - values[b]) || a - b) : order;
}

// The whole matrix while it can be read; then what each token looks at most.
function tableRows(record, weights) {
  const { tokens } = record;
  if (!weights) return [["token"]];
  const rows = tokens.map((_, i) => tokens.map((_, j) => weights.at(i, j)));
  if (tokens.length <= 20) return [["looks ↓ at →", ...tokens], ...rows.map((row, i) => [tokens[i], ...row.map(share)])];
  return [["token", "looks most at", "weight", "then at", "weight", "then at", "weight"], ...rows.map((row, i) => {
    const best = row.map((_, j) => j).sort((a, b) => row[b] - row[a]).slice(0, 3);
    return [tokens[i], ...best.flatMap((j) => [tokens[j], share(row[j])])];
  })];
}

// ---- asking the kernel --------------------------------------------------------------------------------------------

// One question at a time; what was typed meanwhile is asked when the answer is here.
function asker(model, box, notice) {
  let waiting = 0, typing = 0;
  const ask = (name, value) => {
    model.set(name, value);
    model.set("asked", model.get("asked") + 1);
    model.save_changes();
    waiting = setTimeout(() => {
      waiting = 0;
      notice(`The kernel has not answered for ${PATIENCE} seconds. It may be busy with a cell, or stopped: run the cell again.`);
    }, PATIENCE * 1000);
  };
  const send = () => {
    clearTimeout(typing);
    if (!waiting && box.value !== model.get("text")) ask("text", box.value);
  };
  return {
    send,
    ask,
    soon() { clearTimeout(typing); typing = setTimeout(send, 60); },
    answered() { clearTimeout(waiting); waiting = 0; send(); },
    stop() { clearTimeout(waiting); clearTimeout(typing); },
  };
}

// ---- the widget ---------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const live = model.get("kernel") !== false;
  const stored = live ? [] : model.get("stored") ?? [];
  const { root, say, notice, dispose } = frame(el, "Head atlas");
  let record = null;

  const readout = h("p", { class: "atlas-readout" });
  const speak = (text) => { readout.textContent = text || " "; if (text) say(text); };
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
      : h("div", { class: "atlas-bar" }, examples.el, h("p", { class: "llm-muted llm-small" }, "Any other sentence can be tried where Python runs: open this lesson in JupyterLab or Colab.")),
    h("div", { class: "atlas-body" },
      h("div", { class: "atlas-left" }, h("div", { class: "llm-row" }, sort.el), thumbs.el,
        order,
        legend("weight", 0, "the largest in each picture", String).el),
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
    const isNew = layer !== model.get("layer");
    set("head", head);
    set("layer", layer);
    if (isNew && !record.packs.has(-1) && !record.packs.has(layer)) model.save_changes();  // the kernel sends it
    showHead();
  }

  function showHead() {
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
    views.lines.show(weights);
    views.heatmap.show(weights);
    table.refresh();
  }

  function showView() {
    for (const [name, { el: part, redraw }] of Object.entries(views)) {
      part.hidden = name !== model.get("view");
      redraw();
    }
    scale.el.classList.toggle("atlas-ramp", model.get("view") === "lines");
    speak("");
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
    views.lines.fill(record);
    views.heatmap.fill(record);
    const cut = record.truncated ? ` The text has ${record.truncated.toLocaleString("en")} tokens; the model reads the first ${record.size}.` : "";
    const cost = live ? `, computed on ${record.device} in ${record.ms} ms` : ", stored when the lesson was run";
    status.textContent = `${record.model}: ${record.layers} layers of ${record.heads} heads, ${record.size} tokens${cost}.${cut}`;
    arrange();
  }

  const open = (k) => showRecord(makeRecord(stored[k].answer, stored[k].packed));

  function receive() {
    const answer = model.get("answer");
    if (!answer?.tokens || (record && answer.asked < record.asked)) return;
    if (record && answer.layer >= 0 && record.serial === answer.serial) {
      record.packs.set(answer.layer, asBytes(model.get("packed")));
      return showHead();
    }
    if (document.activeElement !== box && !box.value.startsWith(answer.text.slice(0, -1))) box.value = model.get("text");
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
  const recolor = () => { views.lines.redraw(); views.heatmap.resize(); };
  const watcher = new ResizeObserver(oncePerFrame(() => {
    if (width === root.clientWidth) return;
    width = root.clientWidth;
    thumbs.draw();
    recolor();
  }));
  watcher.observe(root);
  const themes = new MutationObserver(recolor);
  themes.observe(el, { attributes: true, attributeFilter: ["data-llm-theme"] });

  showView();
  notice(model.get("error") ?? "");
  if (live) receive();
  else if (stored.length) open(0);
  else notice(model.get("error") || "No sentence is stored in this figure: open the lesson in JupyterLab or Colab to compute one.");

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
