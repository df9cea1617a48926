// The scale lab: random queries and keys of width d, and what softmax makes of their scores.
// The draws are made once, a few at a time so that nothing waits; a slider only asks for another look at them.

import { QUERIES, WIDTHS, divisor, makeDraws, measure } from "./draws.js";
import { softmax } from "./math.js";
import { asTable, button, choice, formatNumber, frame, h, oncePerFrame, slider, speaker } from "./kit.js";

const TEMPERATURES = [0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10];
const FIELDS = ["d", "temperature", "num_keys", "seed", "rule", "question", "guess"];
const RULES = [["raw", "q·k"], ["root", "q·k / √d"], ["d", "q·k / d"]];
const GUESSES = ["they even out", "nothing", "one takes all"];
const EDGE = 64;  // the score axis ends here, always, so that what moves is the scores

const WIDE = 330, HIGH = 132, LEFT = 30, RIGHT = 46, TOP = 8, FLOOR = 108;
const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const label = (x, y, text, anchor = "middle") => h("text", { x, y, "text-anchor": anchor }, text);

// A panel: a title, a number, and a picture that a screen reader hears as one sentence.
function panel(title, about, ...marks) {
  const number = h("span", { class: "sl-number" });
  const svg = h("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" }, h("line", { class: "sl-axis", x1: LEFT, x2: WIDE - RIGHT, y1: FLOOR, y2: FLOOR }), marks);
  return { el: h("div", { class: about ? "sl-panel sl-wordy" : "sl-panel" }, h("div", { class: "sl-title" }, h("span", {}, title), number), about && h("p", { class: "sl-about" }, about), svg), number, svg };
}

function histogram() {
  const right = WIDE - 8;
  const x = (score) => LEFT + ((score + EDGE) / (2 * EDGE)) * (right - LEFT);
  const bars = h("path", { class: "sl-bars" });
  const curve = h("path", { class: "sl-curve" });
  const beyond = label(right, TOP + 8, "", "end");
  const view = panel(["Scores ", h("i", {}, "s")], null, bars, curve, beyond, [-64, -32, 0, 32, 64].map((tick) => label(x(tick), FLOOR + 16, formatNumber(tick, 0))));
  view.svg.querySelector("line").setAttribute("x2", right);
  const draw = (draws, d, factor, sigma) => {
    const width = Math.min(8, Math.max(0.5, 2 ** Math.round(Math.log2(sigma / 3))));
    const counts = new Float64Array(Math.round((2 * EDGE) / width));
    const size = draws.count * draws.keys;
    const scores = draws.at.get(d);
    let outside = 0;
    for (let n = 0; n < size; n++) {
      const bin = Math.floor((scores[n] * factor + EDGE) / width);
      if (bin >= 0 && bin < counts.length) counts[bin] += 1;
      else outside += 1;
    }
    const spread = sigma * sigma + (width * width) / 12;  // a bar averages the curve over its width
    const peak = (size * width) / Math.sqrt(2 * Math.PI * spread);
    const y = (count) => FLOOR - Math.min(1.12, count / peak) * (FLOOR - TOP) * 0.86;
    bars.setAttribute("d", [...counts].map((count, bin) => count && `M${x(bin * width - EDGE).toFixed(1)} ${FLOOR}V${y(count).toFixed(1)}h${(((right - LEFT) * width) / (2 * EDGE)).toFixed(2)}V${FLOOR}Z`).filter(Boolean).join(""));
    const reach = Math.min(EDGE, 4 * Math.sqrt(spread));
    curve.setAttribute("d", path(Array.from({ length: 81 }, (_, i) => {
      const s = -reach + (2 * reach * i) / 80;
      return [x(s), y(peak * Math.exp(-(s * s) / (2 * spread)))];
    })));
    beyond.textContent = outside / size > 0.005 ? `${Math.round((100 * outside) / size)}% lie outside` : "";
  };
  return { ...view, draw };
}

function bars() {
  const right = WIDE - RIGHT;
  const y = (w) => FLOOR - w * (FLOOR - TOP - 6);
  const holder = h("g");
  const even = h("line", { class: "sl-even", x1: LEFT, x2: right });
  const evenLabel = label(right + 5, 0, "", "start");
  const view = panel(["Weights ", h("i", {}, "α"), " of one query"], null, holder, even, evenLabel, label(LEFT - 6, y(0) + 4, "0", "end"), label(LEFT - 6, y(1) + 4, "1", "end"));
  const draw = (weights) => {
    const step = (right - LEFT) / weights.length;
    if (holder.childElementCount !== weights.length) holder.replaceChildren(...weights.map((_, j) => h("rect", { x: LEFT + j * step + step * 0.12, width: step * 0.76 })));
    weights.forEach((w, j) => {
      const bar = holder.children[j];
      bar.setAttribute("y", y(w));
      bar.setAttribute("height", FLOOR - y(w));
      bar.setAttribute("class", w === Math.max(...weights) ? "sl-best" : "sl-bar");
    });
    const level = y(1 / weights.length);
    even.setAttribute("y1", level);
    even.setAttribute("y2", level);
    evenLabel.setAttribute("y", level + 4);
    evenLabel.textContent = `1/${weights.length}`;
  };
  return { ...view, draw };
}

// One quantity against d, for the three rules; a dot stands at the present d.
function curves(title, about, key, top, ticks) {
  const right = WIDE - RIGHT;
  const x = (d) => LEFT + (Math.log2(d) / 10) * (right - LEFT);
  const y = (value) => FLOOR - (Math.min(value, top()) / top()) * (FLOOR - TOP);
  const lines = RULES.map(([rule]) => h("path", { class: `sl-line sl-${rule}` }));
  const ends = RULES.map(([rule]) => h("text", { class: `sl-${rule}`, x: right + 8 }, { raw: "raw", root: "÷ √d", d: "÷ d" }[rule]));
  const dot = h("circle", { r: 5, class: "sl-dot" });
  const hair = h("line", { class: "sl-hair", y1: TOP, y2: FLOOR });
  const marks = ticks().map(() => label(LEFT - 6, 0, "", "end"));
  const view = panel(title, about, hair, lines, dot, ends, marks, [1, 4, 16, 64, 256, 1024].map((d) => label(x(d), FLOOR + 16, String(d))), label(right + 20, FLOOR + 16, "d", "start"));
  const draw = (rows, d, value) => {
    ticks().forEach((tick, i) => {
      marks[i].textContent = formatNumber(tick, Number.isInteger(tick) ? 0 : key === "entropy" ? 2 : 1);
      marks[i].setAttribute("y", y(tick) + 4);
    });
    lines.forEach((line, r) => line.setAttribute("d", rows?.[r].length ? path(rows[r].map((row) => [x(row.d), y(row[key])])) : ""));
    let floor = Infinity;  // names of lines that end close together are moved apart, from the bottom up
    const order = rows ? ends.map((end, r) => [y(rows[r].at(-1)?.[key] ?? 0) + 4, end]).sort((a, b) => b[0] - a[0]) : [];
    for (const [wanted, end] of order) end.setAttribute("y", floor = Math.min(wanted, floor - 13));
    ends.forEach((end) => { end.style.display = rows ? "" : "none"; });
    for (const [mark, at] of [[dot, { cx: x(d), cy: y(value) }], [hair, { x1: x(d), x2: x(d) }]]) Object.entries(at).forEach((pair) => mark.setAttribute(...pair));
  };
  return { ...view, draw };
}

function render({ model, el }) {
  const { root, say, dispose } = frame(el, "scale lab");
  const widths = [...WIDTHS], temperatures = [...TEMPERATURES];
  let state = {}, draws, curveRows = RULES.map(() => []), curvesOf = "", stale = [], timer = 0;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const drag = (changes) => keep(model.get("guess") < 0 ? changes : { ...changes, question: false });  // the answer has been read
  const wide = slider({ label: "width d", min: 0, max: widths.length - 1, step: 1, value: 0, show: (i) => String(widths[i]), onInput: (i) => drag({ d: widths[i] }) });
  const warm = slider({ label: "temperature τ", min: 0, max: temperatures.length - 1, step: 1, value: 0, show: (i) => String(temperatures[i]), onInput: (i) => drag({ temperature: temperatures[i] }) });
  const rule = choice({ label: "score", options: RULES, value: "raw", onChange: (key) => keep({ rule: key, question: false }) });
  const again = button("Draw again", () => keep({ seed: (model.get("seed") + 1) % 2 ** 31 }), { title: "New random queries and keys" });
  const words = h("div", { class: "sl-words" });
  const speech = speaker(words);
  const seen = histogram(), weights = bars();
  const most = () => Math.log(state.num_keys);
  const soft = curves(["Entropy ", h("i", {}, "H")], "how undecided the weights are; 0: one key takes all", "entropy", () => most() * 1.08, () => [0, most()]);
  const steep = curves(["Response of the weights, ‖", h("i", {}, "J"), "‖"], "how far the weights move when the scores are nudged; 0: they cannot learn", "response", () => 0.5, () => [0, 0.5]);
  const table = asTable("Over the random queries, at this temperature: variance of the scores, mean entropy H, median ‖J‖", tableRows);
  root.append(h("div", { class: "sl" }, words, h("div", { class: "sl-controls" }, wide.el, rule.el, warm.el, again),
    h("div", { class: "sl-panels" }, seen.el, weights.el, soft.el, steep.el), table.el));

  // A few milliseconds of drawing at a time, then the page may do something else.
  function start() {
    clearTimeout(timer);
    draws = makeDraws(state.seed, state.num_keys, widths);
    curvesOf = "";
    const go = () => {
      const until = performance.now() + 6;
      do draws.more(); while (draws.count < QUERIES && performance.now() < until);
      if (draws.count < QUERIES) timer = setTimeout(go);
      else root.dataset.ready = "true";
      draw();
    };
    delete root.dataset.ready;
    go();
  }

  const include = (list, value, control) => {
    if (!list.includes(value)) {
      list.push(value);
      list.sort((a, b) => a - b);
      control.input.max = list.length - 1;
    }
    if (Number(control.input.value) !== list.indexOf(value)) control.set(list.indexOf(value));
  };

  const draw = oncePerFrame(() => {
    const before = state;
    state = Object.fromEntries(FIELDS.map((key) => [key, model.get(key)]));
    const isNewWidth = !widths.includes(state.d);
    include(widths, state.d, wide);
    include(temperatures, state.temperature, warm);
    rule.set(state.rule);
    if (!draws || isNewWidth || before.seed !== state.seed || before.num_keys !== state.num_keys) return start();
    const { d, temperature, num_keys: keys } = state;
    const by = divisor(state.rule, d) * temperature;
    const now = measure(draws, d, 1 / by);
    const example = softmax([...draws.at.get(d).subarray(0, keys)].map((score) => score / by));
    const asked = state.question && state.guess < 0;
    if (!asked) compare();
    seen.draw(draws, d, 1 / by, Math.sqrt(d) / by);
    weights.draw(example);
    soft.draw(asked ? null : curveRows, d, now.entropy);
    steep.draw(asked ? null : curveRows, d, now.response);
    const predicted = d / by ** 2;
    tell(seen, ["Var(s) = ", h("b", {}, figure(now.variance)), ", ", h("span", { class: "sl-predicted" }, `predicted ${figure(predicted)}`)]);
    tell(weights, ["largest of ", String(keys), ": ", h("b", {}, formatNumber(Math.max(...example)))]);
    tell(soft, [h("b", {}, formatNumber(now.entropy)), ` of ln ${keys} = ${formatNumber(most())} nats`]);
    tell(steep, ["typical (median) ", h("b", {}, size(now.response))]);
    speak(asked, now);
    table.refresh();
  });

  // The curves depend on temperature and draws, not on d. When those change, one curve is measured per frame.
  function compare() {
    const key = `${state.temperature}/${Math.floor(Math.log2(draws.count))}`;
    if (curvesOf !== key) stale = [...new Set([...stale, ...RULES.keys()])];
    curvesOf = key;
    if (!stale.length) return;
    const r = stale.shift();
    curveRows[r] = measureRule(RULES[r][0]);
    if (stale.length) draw();
  }

  const measureRule = (name) => widths.map((d) => ({ d, ...measure(draws, d, 1 / (divisor(name, d) * state.temperature)) }));

  function tell(view, parts) {
    view.number.replaceChildren(...parts);
    view.svg.setAttribute("aria-label", [...view.el.firstChild.children].map((part) => part.textContent).join(": "));
  }

  function speak(asked, now) {
    if (asked) return void speech.ask("What happens to the weights when you drag d up?", GUESSES, (i) => keep({ guess: i }));
    const text = state.question ? answer() : comment(now);
    speech.tell(text);
    say(`${text} At d = ${state.d}: entropy ${formatNumber(now.entropy)}, response ${size(now.response)}.`);
  }

  function answer() {
    const raw = measureRule("raw");
    const high = raw.at(-1);
    const right = high.entropy < raw[0].entropy ? 2 : 0;
    return `${state.guess === right ? "Yes" : "Look again"}: a raw score is a sum of d products, so its variance is d. At d = ${high.d} one of ${state.num_keys} keys holds ${formatNumber(high.largest)} of the weight on average. Drag d, then divide by √d.`;
  }

  function comment(now) {
    const warmth = state.temperature === 1 ? "" : ` τ = ${state.temperature} divides every score once more, and the variance by τ².`;
    if (state.rule === "root") return `Divided by √d, the variance no longer depends on d, so entropy (${formatNumber(now.entropy)}) and response (${size(now.response)}) stay where they are. Drag d: nothing collapses.${warmth}`;
    if (state.rule === "d") return `Divided by d, the variance falls to 1/d: the larger d, the closer every weight comes to 1/${state.num_keys}, and the less a query can choose.${warmth}`;
    return `Raw scores have variance d: the larger d, the more one key takes all, until a nudge of the scores hardly moves the weights. For a typical query ‖J‖ is ${size(now.response)}.${warmth}`;
  }

  function tableRows() {
    const all = RULES.map(([name]) => measureRule(name));
    const head = ["d", ...RULES.flatMap(([, name]) => [`Var, ${name}`, `H, ${name}`, `‖J‖, ${name}`])];
    return [head, ...widths.map((d, i) => [d, ...all.flatMap((rows) => [figure(rows[i].variance, 6), formatNumber(rows[i].entropy, 6), formatNumber(rows[i].response, 6)])])];
  }

  FIELDS.forEach((key) => model.on(`change:${key}`, draw));
  draw();
  return () => {
    clearTimeout(timer);
    dispose();
    FIELDS.forEach((key) => model.off(`change:${key}`, draw));
  };
}

// Three significant digits, or more on request, all of them before the point, and no exponent where one can do without.
const figure = (x, digits = 3) => (x >= 1e5 || x < 1e-4 ? x.toExponential(1) : String(Number(x.toPrecision(x >= 1000 ? Math.max(4, digits) : digits)))).replace("-", "−");

// Sizes from 0 to 0.5 that may be far below: 0.33, 2.1 × 10⁻⁵; too small to tell from 0 after rounding: < 10⁻⁶.
const size = (x) => {
  if (x >= 0.01) return formatNumber(x);
  const [digits, power] = x.toExponential(1).split("e-");
  return x < 1e-6 ? "< 10⁻⁶" : `${digits} × 10⁻${"⁰¹²³⁴⁵⁶"[power]}`;
};

export default { render };
