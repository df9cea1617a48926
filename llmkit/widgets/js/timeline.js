// The timeline: when each model was published, how large it was, and how much computing its training took, on a log scale.

import { asTable, button, choice, frame, h, oncePerFrame, slider, speaker } from "./kit.js";

const SPANS = { all: [1955, 2027], recent: [2012, 2027] };  // as in llmkit/widgets/timeline.py, like the next
const RANGES = { parameters: [3, 13], compute: [18, 26] };
const SHOWS = [["parameters", "parameters"], ["compute", "training compute"]];
const YEARS = [["all", "since 1955"], ["recent", "since 2012"]];
const FIELDS = ["shows", "span", "picked", "question", "guess"];
const GUESSES = ["ten thousand", "a million", "fifty million"];
const FIRST = "NETtalk", LAST = "Kimi K2";
const NAMED = { all: [FIRST, "Sequence to sequence", "GPT-3"], recent: ["Sequence to sequence", "GPT-2", "GPT-3"] };
const KINDS = { rules: "hand-written rules", network: "neural network", recurrent: "recurrent network", attention: "attention", transformer: "transformer" };
const UNITS = [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

// 1.54 billion; 18,629
export function amount(value) {
  const [size, name] = UNITS.find(([least]) => value >= least) ?? [];
  return size ? `${Number((value / size).toPrecision(3))} ${name}` : Math.round(value).toLocaleString("en");
}

// 3.1 × 10²³
export function scientific(value) {
  const power = Math.floor(Math.log10(value)), digits = [...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
  return `${(value / 10 ** power).toFixed(1)} × 10${digits}`;
}

const date = (when) => (when.includes("-") ? `${MONTHS[Number(when.slice(5)) - 1]} ${when.slice(0, 4)}` : when);
const figure = (point, shows) => (point[shows] == null ? "not published" : shows === "compute" ? `${scientific(point.compute)} operations${point.estimate ? ", estimated as 6ND" : ""}` : amount(point.parameters));

// Where a point stands, in percent from the left and from the top; one without a number stands in the band below.
export function place(point, shows, span) {
  const [first, last] = SPANS[span], [low, high] = RANGES[shows];
  const x = (100 * (point.year - first)) / (last - first);
  return [x, point[shows] == null ? null : 100 - (100 * (Math.log10(point[shows]) - low)) / (high - low)];
}

function render({ model, el }) {
  const { root, say, notice, dispose } = frame(el, "Timeline");
  const points = model.get("points");
  let state = {};

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const move = (changes) => keep(model.get("guess") < 0 ? { ...changes, question: false } : changes);
  const words = h("div", { class: "tl-words llm-words" });
  const speech = speaker(words);
  const shows = choice({ label: "height", options: SHOWS, value: "parameters", onChange: (key) => move({ shows: key }) });
  const span = choice({ label: "years", options: YEARS, value: "all", onChange: (key) => move({ span: key, picked: seen(key).includes(state.picked) ? state.picked : seen(key)[0] }) });
  const which = slider({ label: "milestone", min: 0, max: points.length - 1, step: 1, value: 0, show: (i) => points[i].name, onInput: (i) => move({ picked: i }) });
  const seen = (key) => points.map((_, i) => i).filter((i) => points[i].year >= SPANS[key][0]);

  const dots = points.map(() => h("i", { class: "tl-dot" }));
  const names = points.map((point) => h("span", { class: "tl-name" }, point.name));
  const lines = h("div", { class: "tl-lines" }), axis = h("div", { class: "tl-axis", "aria-hidden": "true" });
  const title = h("div", { class: "tl-title" });
  const area = h("div", { class: "tl-area" }, lines, dots, names);
  const field = h("div", { class: "tl-field", role: "img" }, area, h("div", { class: "tl-band" }, "no number published"), axis);
  const card = h("div", { class: "tl-card" });
  const key = h("div", { class: "tl-key" }, h("span", {}, h("i", { class: "tl-sign" }), "published"), h("span", {}, h("i", { class: "tl-sign tl-open" }), "estimated as 6ND"));
  const table = asTable("Every milestone, with what was published about it", rows);
  root.append(h("div", { class: "tl" }, words, h("div", { class: "tl-controls" }, shows.el, span.el), h("div", { class: "tl-head" }, title, key), field, h("div", { class: "tl-controls tl-under" }, which.el), card, table.el));

  field.addEventListener("pointerdown", (event) => {
    if (waits()) return;
    const near = points.map((point, i) => {
      const box = dots[i].getBoundingClientRect();
      return dots[i].hidden ? Infinity : Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
    });
    const best = near.indexOf(Math.min(...near));
    if (near[best] < 40) move({ picked: best });
  });

  const waits = () => model.get("question") && model.get("guess") < 0;
  const draw = oncePerFrame(() => {
    const next = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    const problem = wrong(next, points.length);
    notice(problem);
    if (problem) return;
    const drawn = state;
    state = next;
    const { shows: height, span: years, picked } = state, hides = waits();
    shows.set(height);
    span.set(years);
    which.set(picked);
    key.style.visibility = height === "compute" ? "visible" : "hidden";
    if (drawn.shows !== height || drawn.span !== years) grid(height, years);
    title.textContent = height === "parameters" ? "Parameters: every line is a hundred times the one below" : "Operations in training: every line is a hundred times the one below";
    points.forEach((point, i) => {
      const [x, y] = place(point, height, years), [dot, name] = [dots[i], names[i]];
      dot.hidden = x < 0 || (hides && point.year > 2000);
      name.hidden = dot.hidden || y === null || !(i === picked || NAMED[years].includes(point.name));
      const style = `tl-dot${i === picked ? " tl-picked" : ""}${y === null ? " tl-none" : height === "compute" && point.estimate ? " tl-open" : ""}`;
      if (dot.className !== style) dot.className = style;
      name.className = `tl-name${i === picked ? " tl-picked" : ""}${x > 60 ? " tl-left" : ""}`;
      for (const one of [dot, name]) {
        one.style.left = `${x}%`;
        one.style.top = y === null ? "calc(100% + 15px)" : `${y}%`;
      }
    });
    tell(points[picked]);
    field.setAttribute("aria-label", hides ? "Milestones by date; those after 2000 are hidden until you guess" : `${points.length} milestones by date and ${height === "compute" ? "training compute" : "parameters"}. Picked: ${points[picked].name}, ${figure(points[picked], height)}`);
    speak(hides);
    table.refresh();
  });

  function grid(height, years) {
    const [low, high] = RANGES[height], [first, last] = SPANS[years];
    const powers = Array.from({ length: (high - low) / 2 + 1 }, (_, i) => low + 2 * i);
    lines.replaceChildren(...powers.map((power) => h("span", { style: `top:${100 - (100 * (power - low)) / (high - low)}%` }, h("b", {}, height === "parameters" ? amount(10 ** power) : scientific(10 ** power).replace("1.0 × ", "")))));
    const step = years === "all" ? 10 : 2;
    const from = Math.ceil(first / step) * step;
    axis.replaceChildren(...Array.from({ length: Math.floor((last - from) / step) + 1 }, (_, i) => from + i * step).map((year) => h("span", { style: `left:${(100 * (year - first)) / (last - first)}%` }, String(year))));
  }

  function tell(point) {
    const facts = [["parameters", figure(point, "parameters") + (point.active ? `, ${amount(point.active)} at work for a token` : "")], ["training compute", figure(point, "compute") + (point.by ? ` (${point.by})` : "")]];
    card.replaceChildren(h("p", {}, h("b", {}, point.name), ` · ${date(point.when)} · ${KINDS[point.kind]}`), h("p", {}, point.what),
      h("p", { class: "tl-facts" }, facts.map(([name, value]) => h("span", {}, `${name}: `, h("b", {}, value))), h("a", { href: point.url, rel: "noopener" }, "source")));
  }

  function speak(hides) {
    const [old, young] = [FIRST, LAST].map((name) => points.find((point) => point.name === name));
    if (hides) return speech.ask(`${old.when}: NETtalk, a network that learned to read English aloud, had ${amount(old.parameters)} weights. How many times as many has ${LAST}, of ${young.when.slice(0, 4)}?`, GUESSES, (i) => keep({ guess: i, picked: points.indexOf(young) }));
    const times = young.parameters / old.parameters;
    const point = points[state.picked];
    const text = state.question && point === young ? `${state.guess === 2 ? "Yes" : "More"}: ${amount(times)} times as many, in ${Math.round(young.year - old.year)} years. On this scale the way there is nearly a straight line from 2014 on, and a gap before. Walk along with the slider below.`
      : "Half a century of ideas without much computing, then ten years of the same idea with ever more. Choose training compute to see what was spent.";
    speech.tell(text);
    say(`${point.name}, ${date(point.when)}: ${figure(point, state.shows)}.`);
  }

  function rows() {
    return [["date", "name", "kind", "parameters", "at work", "tokens", "compute", "", "source"],
      ...points.filter((point) => !waits() || point.year <= 2000).map((point) => [point.when, point.name, KINDS[point.kind], ...["parameters", "active", "tokens"].map((name) => point[name]?.toLocaleString("en") ?? "–"), point.compute?.toExponential(2) ?? "–", point.compute == null ? "" : point.estimate ? "6ND" : point.by ?? "published", point.source])];
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

// What is wrong with a state, in a sentence; "" when nothing is. Python refuses the same.
function wrong({ shows, span, picked }, count) {
  if (!RANGES[shows]) return "The height shows parameters or compute. The last good state stays.";
  if (!SPANS[span]) return "The years are all or recent. The last good state stays.";
  if (!(Number.isInteger(picked) && picked >= 0 && picked < count)) return `A milestone has a number from 0 to ${count - 1}. The last good state stays.`;
  return "";
}

export default { render };
