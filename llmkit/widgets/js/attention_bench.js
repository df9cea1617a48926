// The attention bench: time, or memory, against length, for a GPU and a CPU, with what each could do at its best.
// With a kernel Python measures what is chosen; without one the stored runs are shown, with their hardware named.

import { STOPS, amount, held, least, limit } from "./roofline.js";
import { asTable, button, choice, frame, h, oncePerFrame, slider, speaker } from "./kit.js";

const KINDS = ["cpu", "gpu"];
const TITLES = { gpu: "GPU", cpu: "CPU" };
const HEADS = [1, 2, 4, 8, 16, 32, 64];
const FIELDS = ["length", "heads", "dtype", "backend", "shows", "asks", "guess", "stored", "costs", "devices", "reasons", "roofs", "runs", "refused", "busy", "done", "error"];
const CHOSEN = ["length", "heads", "dtype", "backend"];
const SHOW = {
  time: { name: "Time of one call", low: -5.5, high: 1.2, every: 1, unit: "s" },
  memory: { name: "Bytes held at once", low: 4.5, high: 13.5, every: 1, unit: "B" },
};
const SHARE = 0.8;  // of the free memory, as in clock.py
const GUESSES = ["about 4 times as long", "about 16 times as long", "about 64 times as long"];
const LATER = 350;  // ms of rest after the last move, before Python is asked

const x = (length) => (100 * (Math.log2(length) - 5.6)) / 11.8;
const count = (number) => number.toLocaleString("en");
const path = (name) => h("path", { class: name, "vector-effect": "non-scaling-stroke" });
const trace = (points) => points.map(([left, top], i) => `${i ? "L" : "M"}${left.toFixed(2)} ${top.toFixed(2)}`).join("");

function render({ model, el }) {
  const { root, say, notice, notes, dispose } = frame(el, "attention bench");
  const lengths = [...STOPS], heads = model.get("kernel") ? [...HEADS] : [1, 4, 16];
  let s = {}, asked = 0, timer = 0;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const move = (changes) => {
    keep({ asks: false, ...changes });
    if (!model.get("kernel")) return;
    clearTimeout(timer);
    timer = setTimeout(measure, LATER);
  };
  const measure = () => {
    asked = Math.max(asked, model.get("done")) + 1;
    keep({ question: { n: asked, ...Object.fromEntries(CHOSEN.map((name) => [name, model.get(name)])) } });
  };
  const stop = () => { clearTimeout(timer); keep({ question: { n: ++asked, stop: true } }); };

  // ---- what there is to draw ----
  const words = h("div", { class: "ab-words" }), speech = speaker(words);
  const names = model.get("costs").names, dtypes = model.get("costs").dtypes;
  const shown = choice({ label: "show", options: [["time", "time"], ["memory", "memory"]], value: "time", onChange: (key) => keep({ shows: key, asks: false }) });
  const backend = choice({ label: "backend", options: Object.entries(names).map(([key, name]) => [key, short(name)]), value: "plain", onChange: (key) => move({ backend: key }) });
  const dtype = choice({ label: "dtype", options: dtypes.map((name) => [name, name]), value: "float32", onChange: (key) => move({ dtype: key }) });
  const headed = slider({ label: "heads", min: 0, max: heads.length - 1, step: 1, value: 0, show: (i) => String(heads[i]), onInput: (i) => move({ heads: heads[i] }) });
  const long = slider({ label: "tokens", min: 0, max: lengths.length - 1, step: 1, value: 0, show: (i) => count(lengths[i]), onInput: (i) => move({ length: lengths[i] }) });
  long.el.classList.add("ab-long");
  const here = long.el.querySelector("output");
  const why = h("ul", { class: "ab-why" });
  const gray = h("details", { class: "llm-details" }, h("summary", {}, "Why some are gray"), why);
  const go = button("Measure on this machine", () => (s.busy ? stop() : measure()));
  const status = h("p", { class: "ab-status" });
  const title = h("span"), key = h("span", { class: "ab-key" });
  const marks = Object.fromEntries(KINDS.map((kind) => [kind, { roof: path(`ab-roof ab-${kind}`), line: path(`ab-line ab-${kind}`), spread: path(`ab-spread ab-${kind}`), most: path(`ab-most ab-${kind}`), dots: h("div", { class: `ab-dots ab-${kind}` }) }]));
  const longest = path("ab-longest"), grid = path("ab-grid");
  const hair = h("i", { class: "ab-hair" });
  const ticks = h("div", { class: "ab-ticks", "aria-hidden": "true" });
  const field = h("div", { class: "ab-field", role: "img" },
    h("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, grid, longest, KINDS.map((kind) => [marks[kind].most, marks[kind].roof, marks[kind].line, marks[kind].spread])),
    hair, KINDS.map((kind) => marks[kind].dots));
  const axis = h("div", { class: "ab-axis", "aria-hidden": "true" }, STOPS.filter((_, i) => i % 2 === 0).map((stop) => {
    const tick = h("span", {}, stop < 1024 ? String(stop) : `${stop / 1024}k`);
    tick.style.left = `${x(stop)}%`;
    return tick;
  }));
  const cards = Object.fromEntries(KINDS.map((kind) => {
    const parts = { name: h("span", { class: "ab-name" }), big: h("span", { class: "ab-big" }), rest: h("span", { class: "ab-rest" }), bar: h("i"), share: h("span"), note: h("p", { class: "ab-note" }) };
    parts.meter = h("div", { class: "ab-meter" }, h("span", { class: "ab-bar" }, parts.bar), parts.share);
    parts.el = h("div", { class: `ab-card ab-${kind}` }, h("div", { class: "ab-title" }, h("b", {}, TITLES[kind]), parts.name), h("div", {}, parts.big, parts.rest), parts.meter, parts.note);
    return [kind, parts];
  }));
  const table = asTable("Runs with these heads, this dtype and this backend", tableRows);
  root.append(h("div", { class: "ab" }, words,
    h("div", { class: "ab-body" },
      h("div", { class: "ab-left" }, h("div", { class: "ab-title" }, title, key), h("div", { class: "ab-plot" }, ticks, field), axis, long.el),
      h("div", { class: "ab-side" }, shown.el, backend.el, dtype.el, headed.el, model.get("kernel") ? go : null, status)),
    h("div", { class: "ab-cards" }, KINDS.map((kind) => cards[kind].el)), notes, gray, table.el));

  for (const type of ["pointerdown", "pointermove"]) {
    field.addEventListener(type, (event) => {
      if (type === "pointermove" && !event.buttons) return;
      const box = field.getBoundingClientRect();
      const at = 5.6 + (11.8 * (event.clientX - box.left)) / box.width;
      const length = 2 ** Math.min(Math.max(Math.round(at), 6), 17);
      if (length !== model.get("length")) move({ length });
    });
  }

  const include = (list, value, control) => {
    if (!list.includes(value)) {
      list.push(value);
      list.sort((a, b) => a - b);
      control.input.max = list.length - 1;
    }
    if (Number(control.input.value) !== list.indexOf(value) || control.told !== value) control.set(list.indexOf(value));
    control.told = value;
  };

  // A device of this machine once Python has looked, else the one of the stored runs; undefined where there is none.
  function device(kind) {
    const here = s.devices.find((one) => one.kind === kind);
    const entry = here ? { ...here, roofs: s.roofs[here.id] ?? {}, reasons: s.reasons[here.id] ?? {}, runs: s.runs[here.id] ?? [], said: s.refused[here.id] } : s.devices.length ? null : s.stored[kind];
    if (!entry) return undefined;
    const rows = entry.runs.filter((row) => row[0] === s.dtype && row[1] === s.backend && row[2] === s.heads).sort((a, b) => a[3] - b[3]);
    const cost = s.costs[kind][s.backend][s.dtype], roof = entry.roofs[s.dtype];
    const bounds = (length) => roof && least(cost, s.costs.flops, roof, length, s.heads);
    const row = rows.find((one) => one[3] === s.length);
    const found = { ...entry, kind, isStored: !here, rows, row, roof, bounds, need: (length) => held(cost, length, s.heads, entry.threads) };
    if (row && roof) found.verdict = limit(row[4], bounds(row[3]), rows[0][4], bounds(rows[0][3]));
    return found;
  }

  const draw = oncePerFrame(() => {
    s = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    include(lengths, s.length, long);
    include(heads, s.heads, headed);
    shown.set(s.shows);
    backend.set(s.backend);
    dtype.set(s.dtype);
    const found = KINDS.map(device).filter(Boolean);
    const question = asking(found);
    graph(found, question);
    for (const kind of KINDS) card(kind, found.find((one) => one.kind === kind), question);
    offer(found);
    go.textContent = s.busy ? "Stop" : "Measure on this machine";
    status.textContent = s.busy ? `Measuring ${s.busy}.` : standing(found);
    notice(s.error);
    speak(found, question);
    table.refresh();
  });

  // The question can be asked where a run of four times the length is there to answer it.
  function asking(found) {
    if (!s.asks || s.shows !== "time") return null;
    for (const one of found) {
      const later = one.rows.find((row) => row[3] === 4 * s.length);
      if (one.row && later) return { one, row: one.row, later, isOpen: s.guess < 0 };
    }
    return null;
  }

  function graph(found, question) {
    const { low, high, name, unit } = SHOW[s.shows];
    const y = (value) => 100 - (100 * (Math.log10(value) - low)) / (high - low);
    const powers = Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => Math.ceil(low) + i);
    grid.setAttribute("d", powers.map((power) => `M0 ${y(10 ** power).toFixed(2)}H100`).join(""));
    if (ticks.dataset.of !== s.shows) {
      ticks.dataset.of = s.shows;
      ticks.replaceChildren(...powers.map((power) => {
        const tick = h("span", {}, amount(10 ** power, unit));
        tick.style.top = `${y(10 ** power)}%`;
        return tick;
      }));
    }
    title.textContent = `${name}, ${short(names[s.backend])}, ${s.heads} head${s.heads > 1 ? "s" : ""} of width 64, ${s.dtype}`;
    key.textContent = s.shows === "time" ? "dashed: the roofline; dotted: the longest call that is made" : "dashed: predicted; thin: free memory";
    hair.style.left = here.style.left = `${x(s.length)}%`;
    longest.setAttribute("d", s.shows === "time" ? `M0 ${y(s.costs.longest).toFixed(2)}H100` : "");
    for (const kind of KINDS) {
      const one = found.find((each) => each.kind === kind), mark = marks[kind];
      const rows = (one?.rows ?? []).filter((row) => !question?.isOpen || row[3] <= s.length);
      const value = (row) => (s.shows === "time" ? row[4] : row[8]);
      const inside = (points) => points.filter(([, top]) => top >= -40 && top <= 140);
      const stops = one && !question?.isOpen ? STOPS : STOPS.filter((stop) => one && stop <= s.length);
      const floor = s.shows === "time" ? (one?.roof ? stops.map((stop) => [x(stop), y(Math.max(...one.bounds(stop)))]) : []) : stops.map((stop) => [x(stop), y(one.need(stop))]);
      mark.roof.setAttribute("d", trace(inside(floor)));
      mark.line.setAttribute("d", trace(rows.map((row) => [x(row[3]), y(value(row))])));
      mark.spread.setAttribute("d", s.shows === "time" ? rows.map((row) => `M${x(row[3]).toFixed(2)} ${y(row[5]).toFixed(2)}V${y(row[6]).toFixed(2)}`).join("") : "");
      mark.most.setAttribute("d", s.shows === "memory" && one ? `M0 ${y(one.free).toFixed(2)}H100` : "");
      while (mark.dots.childElementCount < rows.length) mark.dots.append(h("i"));
      [...mark.dots.children].forEach((dot, i) => {
        dot.hidden = i >= rows.length;
        if (dot.hidden) return;
        dot.style.left = `${x(rows[i][3])}%`;
        dot.style.top = `${y(value(rows[i]))}%`;
        dot.className = rows[i][3] === s.length ? "ab-now" : "";
      });
    }
    field.setAttribute("aria-label", `${title.textContent}, against the number of tokens. ${found.map((one) => `${TITLES[one.kind]}: ${one.row ? `${amount(one.row[4], "s")} and ${amount(one.row[8], "B")} at ${count(s.length)} tokens` : "no run at this length"}`).join(". ")}.`);
  }

  function card(kind, one, question) {
    const { name, big, rest, meter, bar, share, note } = cards[kind];
    cards[kind].el.classList.toggle("ab-none", !one);
    meter.hidden = !one?.verdict;
    big.textContent = one?.row ? amount(one.row[4], "s") : one ? "not measured" : "";
    name.textContent = one ? one.name : "";
    if (!one) {
      rest.textContent = "";
      note.textContent = s.devices.length ? "This machine has no GPU that torch can use." : "No GPU among the stored runs. A kernel on a machine with one adds its line.";
      return;
    }
    const need = one.need(s.length);
    rest.textContent = one.row ? ` half of ${one.row[7]} calls in ${amount(one.row[5], "s")} to ${amount(one.row[6], "s")}` : "";
    if (one.verdict) {
      bar.style.width = `${Math.min(100, 100 * one.verdict.share)}%`;
      share.textContent = `${Math.round(100 * one.verdict.share)}% of the roofline`;
    }
    const bytes = one.row ? `Holds ${amount(one.row[8], "B")}; predicted ${amount(one.row[9], "B")}.` : `Predicted to hold ${amount(need, "B")}; ${amount(one.free, "B")} ${one.isStored ? "were" : "are"} free.`;
    note.textContent = one.said ?? (one.row ? bytes : `${bytes} ${reason(one, need, question)}`);
  }

  // Why there is no run at this length, as far as the page can tell.
  function reason(one, need) {
    const why = one.reasons[s.dtype]?.[s.backend];
    if (why) return `${short(names[s.backend])} in ${s.dtype}: ${why}`;
    if (need > SHARE * one.free) return "It would not fit, so it is not run.";
    const last = one.rows.filter((row) => row[3] < s.length).at(-1);
    if (!last) return s.busy ? "" : "No run has this setting yet.";
    const expected = last[4] * (s.length / last[3]) ** 2;
    return `From ${count(last[3])} tokens, about ${amount(expected, "s")} a call${one.isStored ? " are predicted: too long to store" : s.busy ? "" : expected > s.costs.longest ? ": too long to run here" : ""}.`;
  }

  function offer(found) {
    const reasons = (dtype, backend) => found.map((one) => one.reasons[dtype]?.[backend] ?? "");
    const lines = [];
    Object.keys(names).forEach((key, i) => {
      const against = found.length ? reasons(s.dtype, key) : [];
      const isGray = against.length > 0 && against.every(Boolean);
      backend.inputs[i].disabled = isGray && key !== s.backend;
      backend.inputs[i].parentElement.classList.toggle("ab-gray", isGray);
      if (isGray) lines.push(`${names[key]}, ${s.dtype}: ${against[0]}`);
    });
    dtypes.forEach((name, i) => {
      const against = Object.keys(names).map((key) => reasons(name, key));
      const isGray = found.length > 0 && against.every((list) => list.every(Boolean));
      dtype.inputs[i].disabled = isGray && name !== s.dtype;
      dtype.inputs[i].parentElement.classList.toggle("ab-gray", isGray);
      if (isGray) lines.push(`${name}: ${against[0][0]}`);
    });
    gray.style.visibility = lines.length ? "" : "hidden";
    const text = lines.join("\n");
    if (why.dataset.of !== text) why.replaceChildren(...lines.map((line) => h("li", {}, line)));
    why.dataset.of = text;
  }

  function standing(found) {
    if (s.devices.length) return "Measured on this machine.";
    const from = found.map((one) => `${one.name}, torch ${one.torch}, ${one.date}`).join("; ");
    const then = model.get("kernel") ? "Move a control, and your machine is measured." : "With a kernel, the same controls measure your machine.";
    return from ? `Stored runs: ${from}. ${then}` : `There are no stored runs. ${then}`;
  }

  function speak(found, question) {
    if (question?.isOpen) {
      speech.ask(`${cap(short(names[s.backend]))} attention over ${count(s.length)} tokens took ${amount(question.row[4], "s")}. How long do ${count(4 * s.length)} tokens take?`, GUESSES, (i) => keep({ guess: i }));
      return;
    }
    const text = question ? answer(question) : all(found.filter((one) => one.verdict)) || "No run at this length: the notes below say why.";
    speech.tell(text);
    say(`${text} ${status.textContent}`);
  }

  function answer({ one, row, later }) {
    const times = later[4] / row[4], memory = later[8] / row[8];
    const nearest = [4, 16, 64].reduce((best, each, i) => (Math.abs(Math.log(times / each)) < Math.abs(Math.log(times / [4, 16, 64][best])) ? i : best), 0);
    return `${s.guess === nearest ? "Yes" : "Look again"}: ${amount(later[4], "s")}, ${times.toFixed(1)} times as long, and ${memory.toFixed(1)} times the memory. Every query meets every key, so four times the tokens make 16 times the scores${times > 20 ? "; what goes beyond that is no arithmetic: larger tensors are slower to reach" : ""}. ${all([one])}`;
  }

  const all = (list) => [...list.map(sentence), list.some((one) => one.verdict.limit !== "calls" && one.verdict.share < 0.4) ? "The rest goes into exponentials, sums and waiting." : ""].join(" ").trim();

  // What limits a run, in one sentence.
  function sentence(one) {
    const [bytes, operations] = one.bounds(s.length), { limit: what, share, floor } = one.verdict;
    const on = `On the ${TITLES[one.kind]}`, took = amount(one.row[4], "s");
    const work = what === "memory" ? `${amount(bytes * one.roof[0], "B")} read and written, at the ${amount(one.roof[0], "B/s")} of a copy` : `${amount(operations * one.roof[1], "FLOP")}, at the ${amount(one.roof[1], "FLOP/s")} of a matrix product`;
    if (what === "calls") return `${on} the fixed cost of its calls limits it: most of the ${took} would pass with next to nothing to compute.`;
    if (share > 1) return `${on} it beats its roofline: ${work}, would take ${amount(floor, "s")}, and it took ${took}. ${what === "memory" ? "What it reads again comes from a cache." : "Torch computes this dtype in another way than its matrix product."}`;
    return `${on} ${share < 0.4 ? "neither limit is near" : `${what} limits it`}: ${work}, need ${amount(floor, "s")} of its ${took}.`;
  }

  function tableRows() {
    const found = KINDS.map(device).filter(Boolean), isOpen = asking(found)?.isOpen;
    const rows = found.flatMap((one) => one.rows.filter((row) => !isOpen || row[3] <= s.length).map((row) => [one, row]));
    return [["tokens", "device", "median", "quartiles", "calls", "held", "predicted", "roofline"],
      ...rows.map(([one, row]) => [count(row[3]), `${TITLES[one.kind]}${one.isStored ? ", stored" : ""}`, amount(row[4], "s"), `${amount(row[5], "s")} to ${amount(row[6], "s")}`, row[7], amount(row[8], "B"), amount(row[9], "B"), one.roof ? amount(Math.max(...one.bounds(row[3])), "s") : "?"])];
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    clearTimeout(timer);
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

const short = (name) => name.replace(/^(the book's|SDPA) /, "").replace(" attention", "").replace(", tile by tile", "");
const cap = (text) => text[0].toUpperCase() + text.slice(1);

export default { render };
