// How the head atlas draws: all heads as small pictures, one head as lines between tokens or as a heatmap.
import { h, oncePerFrame } from "./kit.js";
import { clip, pixels, quote, reading, saying, share, strongest, thumbOf, title } from "./atlas_data.js";

const ROW = 22;  // px: one token in the lines view
const SLICE = 10;  // ms of drawing before the browser gets its turn
const [TOP, LEAN] = [66, 34];  // px around the heatmap: for the names above it, and for the last, which leans out

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

const colorOf = (el, name) => getComputedStyle(el).getPropertyValue(`--llm-${name}`);

// Small pictures in a grid of buttons: one tab stop, arrow keys pick. One canvas lies behind all of them.
export function thumbnails(onPick) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const grid = h("div", { class: "atlas-grid", role: "grid", "aria-label": "Heads" });
  const el = h("div", { class: "atlas-thumbs" }, canvas, grid);
  let record, order, cells = [], picked = -1, run = 0;

  const place = (k) => [Math.floor(order[k] / record.heads), order[k] % record.heads];
  grid.addEventListener("click", (event) => {
    const k = cells.indexOf(event.target.closest("button"));
    if (k >= 0) onPick(...place(k));
  });
  grid.addEventListener("keydown", (event) => {
    const k = cells.indexOf(event.target);
    const next = { ArrowLeft: k - 1, ArrowRight: k + 1, ArrowUp: k - record.heads, ArrowDown: k + record.heads, Home: 0, End: cells.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (!cells[next]) return;
    cells[next].focus();  // before anything moves, or it costs a layout
    onPick(...place(next));
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
        context.putImageData(pixels(thumbOf(record, ...place(k)), side), ...spots[k].map((x) => Math.round(x * dense)));
      }
      next(k);
    };
    const next = (k) => k < cells.length && requestAnimationFrame(() => mine === run && slice(k));
    next(0);
  }
  return { el, fill, mark, draw };
}

// Tokens left and right, a line for every look. A token under the pointer, or chosen by key, shows only its own, with numbers.
export function linesView(say) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const lists = ["Tokens that look", "Tokens looked at"].map((label) => h("div", { role: "listbox", tabindex: "0", "aria-label": label, class: "atlas-tokens" }));
  const middle = h("div", { class: "atlas-middle" }, canvas);
  const el = h("div", { class: "atlas-lines" }, lists[0], middle, lists[1]);
  const ids = `atlas-${Math.random().toString(36).slice(2)}`;
  const redraw = oncePerFrame(draw);
  let record, weights, look = {}, options = [[], []], held = null, pointed = null, numbered = false;

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
  let scrolled = 0;  // kept: asking for it costs a layout
  el.addEventListener("scroll", () => { scrolled = el.scrollTop; redraw(); }, { passive: true });

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
    el.scrollTop = scrolled = 0;
    weights = null;
    hold(null);
    measure();
  }

  // Only when it may have changed: asking for a size makes the browser lay out the page.
  function measure() {
    if (!record) return;
    look = { width: middle.clientWidth, height: Math.min(el.clientHeight, options[0].length * ROW), color: colorOf(el, "accent") };
  }

  function draw() {
    const { width, height } = look;
    if (!weights || !width) return;
    const focus = pointed ?? held;
    if (focus || numbered) number(focus);
    const context = sized(canvas, width, height);
    const paths = Array.from({ length: 12 }, () => new Path2D());
    const y = (k) => k * ROW + ROW / 2 - scrolled;
    for (const [i, j, weight] of strongest(weights, focus)) {
      if (Math.max(y(i), y(j)) < 0 || Math.min(y(i), y(j)) > height) continue;
      const path = paths[Math.max(0, Math.ceil((12 * weight) / weights.top) - 1)];
      path.moveTo(0, y(i));
      path.bezierCurveTo(width * 0.4, y(i), width * 0.6, y(j), width, y(j));
    }
    context.strokeStyle = look.color;
    paths.forEach((path, k) => {
      context.globalAlpha = ((k + 1) / 12) ** 1.3;
      context.lineWidth = 0.5 + (3 * (k + 1)) / 12;
      context.stroke(path);
    });
  }

  function number(focus) {
    options.forEach((list, side) => list.forEach((option, k) => {
      const across = focus && focus.side !== side;
      const weight = across ? weights.at(...(side ? [focus.token, k] : [k, focus.token])) : 0;
      option.lastChild.textContent = across && weight >= 2 ? share(weight) : "";
      option.classList.toggle("atlas-faint", Boolean(across ? weight < 13 : focus && focus.token !== k));
    }));
    numbered = Boolean(focus);
    say(focus ? reading(record, weights, focus) : "");
  }
  return {
    el,
    refit() { measure(); draw(); },
    show(ofRecord, next) {
      if (record !== ofRecord) fill(ofRecord);
      weights = next;
      draw();
    },
  };
}

// Rows look, columns are looked at. The pointer or the arrow keys choose a cell.
export function heatView(say) {
  const canvas = h("canvas", { role: "application", tabindex: "0", "aria-roledescription": "heatmap", "aria-label": "Weights of this head: arrow keys read cells out" });
  const el = h("div", { class: "atlas-heat" }, canvas);
  const redraw = oncePerFrame(draw);
  let record, weights, image, names, look = {}, cell = null;

  const choose = (row, column) => {
    cell = row < 0 || column < 0 || row >= record.size || column >= record.size ? cell : [row, column];
    redraw();
  };
  canvas.addEventListener("pointermove", (event) => choose(Math.floor((event.offsetY - TOP) / look.step), Math.floor((event.offsetX - look.left) / look.step)));
  canvas.addEventListener("focus", () => { if (!cell) choose(0, 0); });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move || !cell) return;
    event.preventDefault();
    choose(cell[0] + move[0], cell[1] + move[1]);
  });

  function measure() {
    const width = el.clientWidth;
    const left = Math.min(92, width / 4);
    const step = Math.min(32, (width - left - LEAN) / record?.size || 0);
    const [ink, accent, muted] = ["ink", "accent", "muted"].map((name) => colorOf(el, name));
    look = { left, step, ink, accent, muted, font: `${Math.min(13, Math.max(10, step * 0.6))}px ${getComputedStyle(el).fontFamily}` };
    image = names = null;
  }

  function writeNames(context) {
    context.font = look.font;
    context.textBaseline = "middle";
    const { left, step, ink, accent, muted } = look;
    const every = Math.ceil(12 / step);
    const write = (k, isRow, color) => {
      context.save();
      context.translate(isRow ? left - 6 : left + (k + 0.5) * step, isRow ? TOP + (k + 0.5) * step : TOP - 6);
      if (!isRow) context.rotate(-Math.PI / 3);
      context.fillStyle = color;
      context.textAlign = isRow ? "right" : "left";
      context.fillText(clip(record.tokens[k], 11), 0, 0, isRow ? left - 8 : 70);
      context.restore();
    };
    for (let k = 0; k < record.size; k++) {
      for (const isRow of [true, false]) {
        const chosen = cell && cell[isRow ? 0 : 1] === k;
        const crowded = cell && Math.abs(cell[isRow ? 0 : 1] - k) < every;
        if (chosen || (k % every === 0 && !crowded)) write(k, isRow, chosen ? accent : cell ? muted : ink);
      }
    }
  }

  function draw() {
    const { left, step, accent } = look;
    if (!weights || !(step > 0)) return;
    const { size, tokens } = record;
    const side = step * size, width = left + side + LEAN, height = TOP + side + 2;
    const context = sized(canvas, width, height);
    if (!image) {
      const cells = Math.min(size, Math.round(side * (window.devicePixelRatio || 1)));
      image = h("canvas", { width: cells, height: cells });
      image.getContext("2d").putImageData(pixels(weights, cells), 0, 0);
    }
    context.imageSmoothingEnabled = false;
    context.drawImage(image, left, TOP, side, side);
    if (!cell) {
      if (!names) writeNames(sized(names = h("canvas"), width, height));
      context.drawImage(names, 0, 0, width, height);
      return say("");
    }
    writeNames(context);
    for (const [color, wide] of [["#ffffff", 5], [accent, 2.5]]) {
      context.strokeStyle = color;
      context.lineWidth = wide;
      context.strokeRect(left + cell[1] * step, TOP + cell[0] * step, step, step);
    }
    say(`${quote(tokens[cell[0]])} → ${quote(tokens[cell[1]])} ${share(weights.at(...cell))}`);
  }
  return {
    el,
    refit() { measure(); draw(); },
    show(ofRecord, next) {
      if (record !== ofRecord) { [record, cell] = [ofRecord, null]; measure(); }
      [weights, image] = [next, null];
      draw();
    },
  };
}
