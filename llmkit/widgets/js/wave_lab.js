// The wave lab: a table of positions as waves, as colors, as dot products, and as clocks that turn.
// All pictures share one axis, the position, and one mark on it, p.

import { dot } from "./math.js";
import { PLACES, apart, rates, turned, waves } from "./waves.js";
import { asTable, choice, cividis, formatNumber, frame, h, legend, oncePerFrame, slider, speaker } from "./kit.js";

const WIDTHS = [2, 4, 8, 16, 32, 64, 128];
const BASES = [10, 100, 1000, 10_000, 100_000, 1_000_000];
const REACH = 16;  // the longest step
const FIELDS = ["width", "base", "position", "shift", "pair", "formula", "question", "guess"];
const NAMES = [["pairs", "the paper’s"], ["columns", "wrong: a frequency per column"], ["times", "wrong: multiplied"]];
const GUESSES = ["it slides along", "it changes its shape", "it flattens"];

const COLORS = new Uint32Array(new Uint8Array(Array.from({ length: 256 }, (_, i) => [...cividis(i / 255), 255]).flat()).buffer);
const x = (place) => (100 * (place + 0.5)) / PLACES;  // percent of a strip
const line = (name) => h("path", { class: name, "vector-effect": "non-scaling-stroke" });
const trace = (values, y) => values.map((value, place) => `${place ? "L" : "M"}${x(place).toFixed(2)} ${y(value).toFixed(2)}`).join("");
const place = (element, left, top) => { element.style.left = `${left}%`; element.style.top = `${top}%`; };

// One picture over all positions: a title, a number, and marks at p and p + k that HTML places, so that they stay round.
function strip(name, ...inside) {
  const title = h("span"), number = h("span", { class: "wl-number" });
  const marks = [h("i", { class: "wl-hair" }), h("i", { class: "wl-hair wl-then" })];
  const field = h("div", { class: `wl-field wl-${name}`, role: "img" }, inside, marks);
  const ticks = h("div", { class: "wl-ticks", "aria-hidden": "true" });
  const tick = (text, top) => {
    const mark = h("span", {}, text);
    mark.style.top = `${top}%`;
    return mark;
  };
  return {
    el: h("div", { class: "wl-strip" }, h("div", { class: "wl-title" }, title, number), h("div", { class: "wl-plot" }, ticks, field)),
    field,
    tell(text, told) {
      title.textContent = text;
      number.textContent = told;
      field.setAttribute("aria-label", told ? `${text}: ${told}` : text);
    },
    scale(list) { ticks.replaceChildren(...list.map(([text, top]) => tick(text, top))); },
    mark(...places) {
      places.forEach((at, i) => {
        marks[i].hidden = at >= PLACES;
        marks[i].style.left = `${x(at)}%`;
      });
    },
  };
}

const drawing = (...marks) => h("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, marks);
const dots = () => [h("i", { class: "wl-dot" }), h("i", { class: "wl-dot wl-then" })];

function wavesView() {
  const sine = line("wl-sine"), cosine = line("wl-cosine"), zero = line("wl-zero");
  zero.setAttribute("d", "M0 50H100");
  const view = strip("waves", drawing(zero, sine, cosine));
  view.scale([["1", 6], ["0", 50], ["−1", 94]]);
  const y = (value) => 50 - 44 * value;
  view.draw = (rows, pair) => {
    sine.setAttribute("d", trace(rows.map((row) => row[2 * pair]), y));
    cosine.setAttribute("d", trace(rows.map((row) => row[2 * pair + 1]), y));
  };
  return view;
}

function heatView() {
  const canvas = h("canvas", { width: PLACES, height: 2 });
  const band = h("i", { class: "wl-band" });
  const view = strip("heat", canvas, band);
  view.paint = (rows) => {
    const width = rows[0].length;
    canvas.height = width;
    const context = canvas.getContext("2d");
    const image = context.createImageData(PLACES, width);
    const pixels = new Uint32Array(image.data.buffer);
    for (let column = 0; column < width; column++) {
      for (let at = 0; at < PLACES; at++) pixels[column * PLACES + at] = COLORS[Math.round(127.5 * (rows[at][column] + 1))];
    }
    context.putImageData(image, 0, 0);
    view.scale([["0", Math.min(50 / width, 6)], [String(width - 1), Math.max(100 - 50 / width, 94)]]);
  };
  view.choose = (pair, width) => {
    band.style.top = `${(200 * pair) / width}%`;
    band.style.height = `${200 / width}%`;
  };
  return view;
}

function dotsView() {
  const curve = line("wl-curve"), zero = line("wl-zero");
  const points = dots();
  const hidden = h("span", { class: "wl-hidden" }, "Guess first: the curve is hidden.");
  const view = strip("dots", drawing(zero, curve), points, hidden);
  let low = 0, high = 1;
  const y = (value) => 100 - (100 * (value - low)) / (high - low);
  view.frame = (rows) => {  // fixed while p moves, so that what moves is the curve
    const half = rows[0].length / 2;
    let most = half, least = 0;
    rows.forEach((row, p) => {
      for (let q = 0; q <= p; q++) {
        const product = dot(row, rows[q]);
        if (product > most) most = product;
        if (product < least) least = product;
      }
    });
    high = most * 1.08;
    low = least < -half / 4 ? -half * 1.08 : -half / 4;
    zero.setAttribute("d", `M0 ${y(0).toFixed(2)}H100`);
    view.scale([[formatNumber(half, 0), y(half)], ["0", y(0)]]);
  };
  view.draw = (products, at, then, asked) => {
    hidden.hidden = !asked;
    curve.setAttribute("d", asked ? "" : trace(products, y));
    [at, then].forEach((q, i) => {
      points[i].hidden = asked || q >= PLACES;
      if (!points[i].hidden) place(points[i], x(q), y(products[q]));
    });
  };
  return view;
}

// One pair of columns as the hand of a clock: sine to the right, cosine up, so position 0 is at twelve.
function clockView() {
  const at = (sine, cosine) => [100 + 80 * sine, 100 - 80 * cosine];
  const trail = h("g", { class: "wl-trail" });
  const hands = [h("line", { class: "wl-hand" }), h("line", { class: "wl-hand wl-then" })];
  const tips = [h("circle", { r: 5, class: "wl-tip" }), h("circle", { r: 5, class: "wl-tip wl-then" })];
  const names = [h("text", {}, "p"), h("text", { class: "wl-then" }, "p + k")];
  const told = h("circle", { r: 9, class: "wl-told" });
  const el = h("svg", { viewBox: "-24 -4 248 208", class: "wl-clock", role: "img" }, h("circle", { cx: 100, cy: 100, r: 80, class: "wl-rim" }), trail, hands, told, tips, names);
  const move = (element, names, [left, top]) => {
    element.setAttribute(names[0], left.toFixed(1));
    element.setAttribute(names[1], top.toFixed(1));
  };
  const spread = (rows, pair) => {
    if (!trail.childElementCount) trail.append(...Array.from({ length: PLACES }, () => h("circle", { r: 2 })));
    for (let q = 0; q < PLACES; q++) move(trail.children[q], ["cx", "cy"], at(rows[q][2 * pair], rows[q][2 * pair + 1]));
  };
  const draw = (row, then, predicted, pair) => {
    [row, then].forEach((one, i) => {
      const [sine, cosine] = [one[2 * pair], one[2 * pair + 1]];
      move(hands[i], ["x1", "y1"], [100, 100]);
      move(hands[i], ["x2", "y2"], at(sine, cosine));
      move(tips[i], ["cx", "cy"], at(sine, cosine));
      const [left, top] = at(1.19 * sine, 1.19 * cosine);
      move(names[i], ["x", "y"], [left, top + 4]);
      names[i].setAttribute("text-anchor", sine > 0.5 ? "start" : sine < -0.5 ? "end" : "middle");
    });
    move(told, ["cx", "cy"], at(predicted[2 * pair], predicted[2 * pair + 1]));
    const [a, b] = [names[0], names[1]].map((name) => [Number(name.getAttribute("x")), Number(name.getAttribute("y"))]);
    names[0].style.display = Math.hypot(a[0] - b[0], a[1] - b[1]) < 20 ? "none" : "";  // p + k says it for both
  };
  return { el, spread, draw };
}

function render({ model, el }) {
  const { root, say, dispose } = frame(el, "wave lab");
  const widths = [...WIDTHS], bases = [...BASES];
  let state = {}, speeds, rows, tableOf = "", trailOf = "", asked = false;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const move = (changes) => keep(model.get("guess") < 0 ? changes : { ...changes, question: false });  // the answer has been read
  const wide = slider({ label: "width C", min: 0, max: widths.length - 1, step: 1, value: 0, show: (i) => String(widths[i]), onInput: (i) => move({ width: widths[i], pair: Math.min(model.get("pair"), widths[i] / 2 - 1) }) });
  const slow = slider({ label: "base", min: 0, max: bases.length - 1, step: 1, value: 0, show: (i) => bases[i].toLocaleString("en"), onInput: (i) => move({ base: bases[i] }) });
  const formula = choice({ label: "formula", options: NAMES, value: "pairs", onChange: (key) => keep({ formula: key, question: false }) });
  const here = slider({ label: "position p", min: 0, max: PLACES - 1, step: 1, value: 0, onInput: (at) => move({ position: at }) });
  const pair = slider({ label: "pair", min: 0, max: 1, step: 1, value: 0, onInput: (number) => move({ pair: number }) });
  const step = slider({ label: "step k", min: 1, max: REACH, step: 1, value: 1, onInput: (places) => move({ shift: places }) });
  const words = h("div", { class: "wl-words" });
  const speech = speaker(words);
  const wave = wavesView(), heat = heatView(), products = dotsView(), clock = clockView();
  const about = h("p", { class: "wl-about" });
  const verdict = h("p", { class: "wl-verdict" });
  const key = legend("", -1, 1, (value) => formatNumber(value, 0));
  const table = asTable("The chosen pair at every position q, and the dot product of row p with row q", tableRows);
  const axis = h("div", { class: "wl-axis", "aria-hidden": "true" }, [0, 16, 32, 48, 63].map((at) => {
    const tick = h("span", {}, String(at));
    tick.style.left = `${x(at)}%`;
    return tick;
  }));
  here.el.classList.add("wl-here");
  heat.el.firstChild.append(key.el);
  root.append(h("div", { class: "wl" }, words, h("div", { class: "wl-controls" }, formula.el, wide.el, slow.el),
    h("div", { class: "wl-body" },
      h("div", { class: "wl-strips" }, wave.el, heat.el, products.el, axis, here.el),
      h("div", { class: "wl-side" }, h("div", { class: "wl-title" }, h("span", {}, "The pair as the hand of a clock")), clock.el, h("div", { class: "wl-sliders" }, pair.el, step.el), about, verdict)),
    table.el));

  // A press in a picture takes the position there; in the table of colors, the pair as well.
  const pointed = (event, field) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = field.getBoundingClientRect();
    const share = (offset, size) => Math.min(Math.max(offset / size, 0), 0.999);
    const changes = { position: Math.floor(share(event.clientX - box.left, box.width) * PLACES) };
    if (field === heat.field) changes.pair = Math.floor((share(event.clientY - box.top, box.height) * state.width) / 2);
    move(changes);
  };
  for (const view of [wave, heat, products]) for (const type of ["pointerdown", "pointermove"]) view.field.addEventListener(type, (event) => pointed(event, view.field));

  const include = (list, value, control) => {
    if (!list.includes(value)) {
      list.push(value);
      list.sort((a, b) => a - b);
      control.input.max = list.length - 1;
    }
    if (Number(control.input.value) !== list.indexOf(value)) control.set(list.indexOf(value));
  };

  const draw = oncePerFrame(() => {
    state = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    const { width, base, position: p, shift: k } = state;
    const number = Math.min(state.pair, width / 2 - 1);
    include(widths, width, wide);
    include(bases, base, slow);
    formula.set(state.formula);
    pair.input.max = width / 2 - 1;
    pair.input.disabled = width === 2;
    for (const [control, value] of [[here, p], [pair, number], [step, k]]) if (Number(control.input.value) !== value || !control.el.querySelector("output").textContent) control.set(value);
    asked = state.question && state.guess < 0;

    const wanted = `${width}/${base}/${state.formula}`;
    if (tableOf !== wanted) {
      tableOf = wanted;
      speeds = rates(width, base, state.formula);
      rows = waves(PLACES + REACH, speeds);
      const shown = rows.slice(0, PLACES);
      heat.paint(shown);
      products.frame(shown);
    }
    const shown = rows.slice(0, PLACES);
    if (trailOf !== `${wanted}/${number}`) {
      trailOf = `${wanted}/${number}`;
      wave.draw(shown, number);
      clock.spread(rows, number);
      heat.choose(number, width);
    }
    const predicted = turned(rows[p], speeds, k);
    const now = { p, k, number, dots: shown.map((row) => dot(row, rows[p])), then: dot(rows[p], rows[p + k]), miss: apart(predicted, rows[p + k]), own: Math.abs(norm(rows[p + k], number) - 1) };
    products.draw(now.dots, p, p + k, asked);
    clock.draw(rows[p], rows[p + k], predicted, number);
    for (const view of [wave, heat, products]) view.mark(p, p + k);
    tell(now);
    speak(now);
    table.refresh();
  });

  const norm = (row, number) => Math.hypot(row[2 * number], row[2 * number + 1]);

  function tell(now) {
    const { p, k, number } = now, rate = speeds[2 * number], other = speeds[2 * number + 1];
    const each = rate === other ? `wavelength ${amount((2 * Math.PI) / rate)}` : `but the cosine’s ${amount(other)}`;
    wave.tell(`Pair ${number}: sine and cosine`, `ω = ${amount(rate)}, ${each}`);
    heat.tell(`The table: ${state.width} numbers for each position`, "");
    products.tell("Dot products of row p", asked ? "with every row" : `with itself ${amount(now.dots[p])}, with row p + k ${amount(now.then)}`);
    about.textContent = `From p = ${p} to p + k = ${p + k}, the pair should turn by kω = ${amount(k * rate)} radians: the ring.`;
    verdict.replaceChildren("Over all pairs, row p turned by ", h("i", {}, "R"), ` misses row p + k by ${now.miss < 5e-4 ? "0.000" : "up to "}`, now.miss < 5e-4 ? "" : h("b", {}, formatNumber(now.miss, 3)), ".");
    clock.el.setAttribute("aria-label", `Clock of pair ${number}: the hand at position ${p} and at ${p + k}. ${about.textContent} ${verdict.textContent}`);
  }

  function speak(now) {
    if (asked) return void speech.ask("Row p is compared with every row by a dot product. What does that curve do when you drag p?", GUESSES, (i) => keep({ guess: i }));
    const text = state.question ? answer() : comment(now);
    speech.tell(text);
    say(`${text} At p = ${now.p}, k = ${now.k}: dot product ${amount(now.then)}, the rotation misses by ${formatNumber(now.miss, 3)}.`);
  }

  function answer() {
    if (state.formula !== "pairs") return comment({ dots: [1], then: 0, miss: 1, p: 0 });
    return `${state.guess === 0 ? "Yes" : "Look again"}: it slides along and keeps its shape, because a pair contributes cos((p − q)ω): only the distance counts. Drag p and see. Then choose a wrong formula and drag again.`;
  }

  function comment(now) {
    if (state.formula === "columns") return "Every column has a frequency of its own, so sine and cosine no longer belong together: the trail leaves the rim of the clock, no rotation leads from p to p + k, and the curve changes its shape as you drag p. A model still learns with it.";
    if (state.formula === "times") return `The base multiplies where it should divide. Every pair still turns, by angles of its own. But the slow waves are gone: row p and its neighbor agree no more than strangers, and to 64 positions the table is close to noise. A model still learns with it.`;
    return "Every pair turns by kω, wherever it starts, so one rotation leads from any position to the one k places on. The curve of dot products depends on the distance only: drag p, and it slides. Lower the base, and the slow waves wake up.";
  }

  function tableRows() {
    const number = Math.min(state.pair, state.width / 2 - 1);
    return [["q", `sine, pair ${number}`, `cosine, pair ${number}`, `row ${state.position} · row q`],
      ...rows.slice(0, PLACES).map((row, q) => [q, ...[row[2 * number], row[2 * number + 1]].map((value) => formatNumber(value, 7)), asked ? "?" : formatNumber(dot(row, rows[state.position]), 7)])];
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

// Three significant digits, all of them before the point; a power of ten where it must be.
const amount = (value) => {
  if (Math.abs(value) < 1e-9) return "0";
  if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) return String(Number(value.toPrecision(Math.abs(value) >= 1000 ? 6 : 3))).replace("-", "−");
  const [digits, power] = value.toExponential(1).split("e");
  return `${digits} × 10${[...power.replace("+", "")].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("")}`.replace("-", "−");
};

export default { render };
