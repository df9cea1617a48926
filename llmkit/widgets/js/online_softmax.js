// The online-softmax stepper: one query reads its keys a tile at a time. Nothing of a tile is kept
// but three numbers: the largest score, the sum of the exponentials, and the mix of the values.

import { mix, softmax } from "./math.js";
import { readTiles } from "./online.js";
import { asTable, button, formatNumber, frame, h, oncePerFrame, slider, speaker } from "./kit.js";

const LARGEST = 10_000, MOST = 8;
const FIELDS = ["scores", "values", "tile", "step", "question", "guess"];
const GUESSES = ["nothing, they are done", "they are made smaller", "begin again at the first key"];

const plain = (x) => (Math.abs(x) >= 1e5 ? formatNumber(x) : String(Number(x.toFixed(3))).replace("-", "−"));
const small = (x) => (x !== 0 && Math.abs(x) < 0.0005 ? "<0.001" : plain(x));
const power = (from, to) => [h("i", {}, "e"), h("sup", {}, `${from === -Infinity ? "−∞" : plain(from)} − ${to < 0 ? `(${plain(to)})` : plain(to)}`)];

function render({ model, el }) {
  const { root, say, notice, notes, dispose } = frame(el, "online softmax");
  let state = null, seen = [], columns = [], whole = 0;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const goTo = (step) => keep({ step: Math.min(Math.max(step, 0), seen.length - 1), question: false });

  const read = slider({ label: "tiles read", min: 0, max: 4, step: 1, value: 0, onInput: goTo });
  const back = button("‹", () => goTo(state.step - 1), { "aria-label": "One tile back", title: "One tile back" });
  const next = button("›", () => goTo(state.step + 1), { "aria-label": "Read the next tile", title: "Read the next tile" });
  const tile = slider({ label: "keys in a tile", min: 1, max: MOST, step: 1, value: 2, onInput: (size) => keep({ tile: size, step: Math.min(Math.floor((state.step * state.tile) / size), Math.ceil(state.scores.length / size)), question: false }) });
  const words = h("div", { class: "os-words" });
  const speech = speaker(words);
  const keys = h("div", { class: "os-keys", role: "group", "aria-label": "The keys: a score, which can be changed, and a value each" });
  const cards = [["os-top", "largest score m"], ["os-total", "sum ℓ"], ["os-mix", "mix õ"]].map(([name, title]) => {
    const number = h("b"), how = h("span", { class: "os-how" });
    return { el: h("div", { class: `os-card ${name}` }, h("span", { class: "os-title" }, title), number, how), number, how };
  });
  const result = h("p", { class: "os-result" });
  const table = asTable("What is remembered after each tile", () => [["tiles read", "largest m", "old sums times", "sum ℓ", "mix õ", "õ / ℓ"],
    ...seen.slice(0, state.question && state.guess < 0 ? state.step + 1 : seen.length).map((one, n) => [n, formatNumber(one.top, 7), n > 1 ? formatNumber(one.shrink, 7) : "–", formatNumber(one.total, 7), formatNumber(one.mix, 7), n ? formatNumber(one.output, 7) : "–"])]);
  root.append(h("div", { class: "os" }, words, h("div", { class: "os-controls" }, h("div", { class: "os-steps" }, back, next), read.el, tile.el), keys,
    h("div", { class: "os-cards" }, cards.map((card) => card.el)), result, notes, table.el));

  function build() {
    columns = state.scores.map((_, j) => {
      const bar = h("i", { class: "os-bar" }), value = h("span", { class: "os-value" });
      const input = h("input", { type: "number", step: "0.5", min: -LARGEST, max: LARGEST, "aria-label": `score of key ${j + 1}` });
      input.addEventListener("input", () => edit(j, input));
      input.addEventListener("blur", () => { input.value = String(Number(state.scores[j].toFixed(6))); notice(""); });
      return { el: h("div", { class: "os-key" }, h("div", { class: "os-room" }, bar), input, value), bar, input, value };
    });
    keys.replaceChildren(h("div", { class: "os-names", "aria-hidden": "true" }, h("span", {}, "score"), h("span", {}, "value")), ...columns.map((column) => column.el));
    keys.style.setProperty("--keys", state.scores.length);
  }

  function edit(j, input) {
    const x = input.value.trim() === "" ? NaN : Number(input.value);
    if (!Number.isFinite(x) || Math.abs(x) > LARGEST) {
      notice(`That is not a number from −10,000 to 10,000, so key ${j + 1} keeps its score ${plain(model.get("scores")[j])}.`);
      return;
    }
    notice("");
    keep({ scores: model.get("scores").map((old, k) => (k === j ? x : old)), question: false });
  }

  const draw = oncePerFrame(() => {
    const given = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    const problem = wrong(given);
    if (problem || notes.textContent.endsWith("stays.")) notice(problem);
    if (problem) return;
    const count = Math.ceil(given.scores.length / given.tile);
    state = { ...given, step: Math.min(given.step, count) };
    const { scores, values, step } = state;
    if (columns.length !== scores.length) build();
    seen = readTiles(scores, values, state.tile);
    whole = mix([softmax(scores)], values.map((value) => [value]))[0][0];
    read.input.max = count;
    tile.input.max = scores.length;
    for (const [control, value] of [[read, step], [tile, state.tile]]) if (Number(control.input.value) !== value || !control.el.querySelector("output").textContent) control.set(value);
    read.el.querySelector("output").textContent = `${step} of ${count}`;
    back.disabled = step === 0;
    next.disabled = step === count;

    const low = Math.min(0, ...scores), span = Math.max(1, ...scores) - low;
    columns.forEach((column, j) => {
      const inTile = Math.floor(j / state.tile);
      column.el.className = `os-key${inTile < step ? (inTile === step - 1 ? " os-now" : " os-read") : ""}${inTile % 2 ? " os-odd" : ""}`;
      column.bar.style.height = `${Math.max(2, (100 * (scores[j] - low)) / span)}%`;
      const shown = String(Number(scores[j].toFixed(6)));
      if (document.activeElement !== column.input && column.input.value !== shown) column.input.value = shown;
      column.value.textContent = plain(values[j]);
    });
    remembered(seen[step], seen[step - 1]);
    tell(count);
    table.refresh();
  });

  function remembered(one, before) {
    const numbers = [one.top, one.total, one.mix];
    cards.forEach((card, n) => { card.number.textContent = n === 0 && one.top === -Infinity ? "−∞" : small(numbers[n]); });
    if (!before) {
      cards.forEach((card, n) => card.how.replaceChildren(n ? "nothing added yet" : "no key read yet"));
      return;
    }
    const start = (state.step - 1) * state.tile;
    const rest = state.values.slice(start, start + state.tile);
    const sum = one.powers.reduce((total, p) => total + p, 0), mixed = one.powers.reduce((total, p, n) => total + p * rest[n], 0);
    cards[0].how.replaceChildren(before.top === -Infinity ? "the largest of this tile" : one.top > before.top ? `was ${plain(before.top)}: a new one` : "no larger one in this tile");
    const shrunk = (old) => (before.top === -Infinity ? [] : [h("span", { class: one.shrink < 1 ? "os-shrink" : "" }, one.shrink < 1 ? [power(before.top, one.top), ` = ${small(one.shrink)}`] : "1"), ` × ${small(old)} + `]);
    cards[1].how.replaceChildren(...shrunk(before.total), small(sum));
    cards[2].how.replaceChildren(...shrunk(before.mix), small(mixed));
  }

  function tell(count) {
    const { step, scores } = state, one = seen[step], after = seen[step + 1];
    const apart = Math.abs(one.output - whole);
    result.replaceChildren(step === 0 ? "õ / ℓ: nothing yet" : h("span", {}, "õ / ℓ = ", h("b", {}, small(one.output)), step < count ? `, the answer over the ${Math.min(step * state.tile, scores.length)} keys read so far` : `. Softmax over all ${scores.length} keys at once: ${small(whole)}, apart by ${apart < 1e-12 * Math.max(1, Math.abs(whole)) ? "less than 10⁻¹²" : apart.toExponential(1).replace("-", "−")}`));
    if (state.question && state.guess < 0 && after) {
      const read = Math.min(step * state.tile, scores.length);
      return void speech.ask(`${read} keys have been read and thrown away; only the three numbers below are left. The next tile holds the largest score so far. What happens to the two sums?`, GUESSES, (i) => keep({ guess: i, step: step + 1 }));
    }
    const text = state.question && state.guess >= 0 ? answer(one) : comment(one, count);
    speech.tell(text);
    say(`${text} Largest ${plain(one.top)}, sum ${small(one.total)}, mix ${small(one.mix)}.`);
  }

  const answer = (one) => `${state.guess === 1 ? "Yes" : "Look again"}: they are made smaller. Every exponential in them was taken from the old largest score. One factor, ${small(one.shrink)}, makes them all what they would have been from the new one. Nothing has to be read again.`;

  function comment(one, count) {
    const { step, tile: size, scores } = state;
    if (step === 0) return "Before the first key: the largest of no scores is −∞, and both sums are 0.";
    if (step === count) return size >= scores.length ? "One tile holds all keys: this is the ordinary softmax." : `All keys have been read, at most ${size} at a time, and the answer is the same as that of a softmax that sees them all. Try another tile size; give a key a score of 1000.`;
    if (step === 1) return "The first tile: exponentials are taken from its own largest score, so none is larger than 1, and none can overflow.";
    if (one.shrink < 1) return `A larger score came. Both sums were made from the old largest, so both are multiplied by ${small(one.shrink)}; then the tile is added. Mix and sum shrink alike: their ratio changes only by what is new.`;
    return "No larger score in this tile: the old sums stay as they are, and the tile is added.";
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

// What is wrong with a state, in a sentence; "" when nothing is. Python refuses the same.
function wrong({ scores, values, tile, step }) {
  const fit = (list) => Array.isArray(list) && list.length >= 2 && list.length <= MOST && list.every((x) => Number.isFinite(x) && Math.abs(x) <= LARGEST);
  if (!fit(scores) || !fit(values) || scores.length !== values.length) return "Each of 2 to 8 keys needs a score and a value from −10,000 to 10,000. The last good state stays.";
  if (!Number.isInteger(tile) || tile < 1 || tile > MOST) return "A tile holds 1 to 8 keys. The last good state stays.";
  if (!Number.isInteger(step) || step < 0 || step > MOST) return "The number of tiles read must be from 0 to all of them. The last good state stays.";
  return "";
}

export default { render };
