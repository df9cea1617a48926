// The mask painter: a grid of who may look at whom. Strokes open and close cells, the weights follow,
// and three columns at the right say who notices when one word changes: after one layer, after two, after three.

import { flipped, heard, madeUp, maskedWeights, preset } from "./masks.js";
import { asTable, button, choice, formatNumber, frame, h, legend, oncePerFrame, paint, slider, speaker } from "./kit.js";

const LAYERS = 3;
const FIELDS = ["tokens", "target", "kind", "size", "strokes", "changed", "empty", "question", "guess"];
const KINDS = [["all", "all"], ["causal", "causal"], ["padding", "padding"], ["prefix", "prefix"], ["window", "window"], ["cross", "cross"]];
const SIZES = { padding: "padding", prefix: "prefix", window: "window" };
const EMPTY = [["zeros", "zeros"], ["nan", "NaN"], ["mean", "a mean"]];
const GUESSES = ["only the one that sees it", "that one and all before it", "that one and all after it"];

const shown = (token) => token.trim() || "␣";
const name = (token) => h("bdi", { class: "mp-token" }, shown(token));
const share = (weight) => (Number.isNaN(weight) ? "NaN" : weight === 1 ? "1" : formatNumber(weight).replace(/^0/, ""));

function render({ model, el }) {
  const { root, say, notice, notes, dispose } = frame(el, "mask painter");
  let state = null, grid = null, now = null;
  let at = [0, 0], painting = null, done = "";

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const move = (changes) => keep({ ...changes, question: false });

  const kind = choice({ label: "mask", options: KINDS, value: "causal", onChange: (key) => move({ kind: key, strokes: [] }) });
  const size = slider({ label: "window", min: 1, max: 8, step: 1, value: 3, onInput: (count) => move({ size: count, strokes: [] }) });
  const clear = button("Clear strokes", () => move({ strokes: [] }), { class: "mp-clear" });
  const empty = choice({ label: "a row that may see nothing gets", options: EMPTY, value: "zeros", onChange: (key) => move({ empty: key }) });
  const words = h("div", { class: "mp-words" });
  const speech = speaker(words);
  const plate = h("div", { class: "mp-plate" });
  const scale = legend("weight");
  const table = asTable("Attention weights; hidden cells are marked with a dash", () => [
    ["query", ...state.tokens.map(shown), ...now.heard.map((_, l) => `notices, layer ${l + 1}`)],
    ...state.queries.map((token, i) => [shown(token), ...now.weights[i].map((weight, j) => (now.mask[i][j] || state.empty !== "zeros" && !now.mask[i].includes(true) ? formatNumber(weight, 7) : "–")), ...now.heard.map((rows) => (hidden() ? "?" : rows[i] ? "yes" : "no"))]),
  ]);
  root.append(h("div", { class: "mp" }, words, h("div", { class: "mp-controls" }, kind.el, size.el), plate,
    h("div", { class: "mp-under" }, empty.el, scale.el), notes, table.el));

  const hidden = () => state.question && state.guess < 0 && state.kind === "causal" && state.strokes.length === 1;

  // ---- painting: a press turns a cell over, and a drag gives its new value to every cell it meets ---------------

  const cellOf = (node) => {
    const cell = node?.closest?.(".mp-cell");
    return cell && plate.contains(cell) ? [Number(cell.dataset.i), Number(cell.dataset.j)] : null;
  };
  const set = ([i, j], open) => {
    if (now.mask[i][j] === open) return;
    const strokes = model.get("strokes");
    const without = strokes.filter(([row, column]) => row !== i || column !== j);
    move({ strokes: without.length < strokes.length ? without : [...strokes, [i, j]] });
    now.mask[i][j] = open;  // for the next cell of a drag, which may come before the next frame
    done = `${shown(rowName(i))} ${open ? "may see" : "may not see"} ${shown(columnName(j))}. `;
  };
  plate.addEventListener("pointerdown", (event) => {
    const cell = cellOf(event.target);
    if (!cell || event.button) return;
    painting = !now.mask[cell[0]][cell[1]];
    at = cell;
    set(cell, painting);
  });
  plate.addEventListener("pointermove", (event) => {
    if (painting === null) return;
    const cell = cellOf(document.elementFromPoint(event.clientX, event.clientY));
    if (cell) set(cell, painting);
  });
  const lift = () => { painting = null; };
  addEventListener("pointerup", lift);
  addEventListener("pointercancel", lift);
  plate.addEventListener("click", (event) => {  // a screen reader presses without a pointer
    const cell = cellOf(event.target);
    if (cell && event.detail === 0) set(cell, !now.mask[cell[0]][cell[1]]);
  });
  plate.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = cellOf(event.target);
    if (!step || !cell) return;
    event.preventDefault();
    const [i, j] = [cell[0] + step[0], cell[1] + step[1]];
    if (!grid.cells[i]?.[j]) return;
    grid.cells[at[0]][at[1]].tabIndex = -1;
    at = [i, j];
    grid.cells[i][j].tabIndex = 0;
    grid.cells[i][j].focus();
  });

  // ---- drawing --------------------------------------------------------------------------------------------------

  // Built when words or sizes change; afterwards only colors and texts do.
  function build() {
    const { queries, tokens } = state;
    const heads = tokens.map((_, j) => h("button", { type: "button", class: "mp-head", onclick: () => keep({ changed: j }) }, h("bdi", {})));
    const cells = queries.map((_, i) => tokens.map((_, j) => h("button", { type: "button", class: "mp-cell", tabindex: "-1", "data-i": i, "data-j": j })));
    const marks = queries.map(() => Array.from({ length: now.heard.length }, () => h("i", { class: "mp-mark" })));
    const columns = now.heard.map((_, l) => h("span", { class: "mp-layer" }, String(l + 1)));
    grid = { key: keyOf(), heads, cells, marks, old: new Map() };
    at = [Math.min(at[0], queries.length - 1), Math.min(at[1], tokens.length - 1)];
    cells[at[0]][at[1]].tabIndex = 0;
    grid.notices = h("span", { class: "mp-notices" });
    const board = h("div", { class: "mp-grid", role: "group", "aria-label": "Rows look, columns are looked at. Arrow keys move between cells, Space opens or closes one." },
      clear, grid.notices,
      h("span", { class: "mp-corner" }, "may look at"), heads, h("span", { class: "mp-gap" }), columns,
      queries.map((token, i) => [h("span", { class: "mp-row" }, name(rowName(i))), cells[i], h("span", { class: "mp-gap" }), marks[i]]));
    board.style.setProperty("--keys", tokens.length);
    board.style.setProperty("--layers", now.heard.length);
    plate.style.setProperty("--words", tokens.length);  // room for the tallest kind
    heads.forEach((head, j) => head.firstChild.append(shown(columnName(j))));
    plate.replaceChildren(board);
  }
  const isPad = (j) => state.kind === "padding" && j >= state.tokens.length - state.size;
  const columnName = (j) => (isPad(j) ? "[PAD]" : state.tokens[j]);
  const rowName = (i) => (state.kind === "cross" ? state.queries[i] : columnName(i));
  const keyOf = () => JSON.stringify([state.tokens, state.queries, state.kind === "padding" && state.size, state.kind === "cross"]);

  function compute() {
    const next = Object.fromEntries(FIELDS.map((field) => [field, model.get(field)]));
    const problem = wrong(next);
    if (notes.textContent !== problem) notice(problem);
    if (problem) return false;
    state = { ...next, queries: next.kind === "cross" ? next.target : next.tokens };
    state.size = Math.min(state.size, state.tokens.length);
    const [rows, columns] = [state.queries.length, state.tokens.length];
    const rule = preset(state.kind, state.size, rows, columns);
    const mask = flipped(rule, state.strokes);
    const hears = (cells) => {
      const wide = state.empty === "mean" ? cells.map((row) => (row.includes(true) ? row : row.map(() => true))) : cells;
      return state.kind === "cross" ? [wide.map((row) => row[state.changed])] : heard(wide, state.changed, LAYERS);
    };
    now = { rule, mask, weights: maskedWeights(madeUp(rows, columns), mask, state.empty), heard: hears(mask), allowed: hears(rule) };
    return true;
  }

  const draw = oncePerFrame(() => {
    if (!compute()) return;
    if (grid?.key !== keyOf()) build();
    const { queries, tokens, changed } = state;
    const bare = queries.map((_, i) => !now.mask[i].includes(true));
    kind.set(state.kind);
    empty.set(state.empty);
    clear.disabled = !state.strokes.length;
    size.input.max = tokens.length;
    if (Number(size.input.value) !== state.size || !size.el.querySelector("output").textContent) size.set(state.size);
    size.el.classList.toggle("mp-away", !SIZES[state.kind]);
    size.input.disabled = !SIZES[state.kind];
    size.el.firstChild.textContent = SIZES[state.kind] ?? "window";

    queries.forEach((token, i) => tokens.forEach((_, j) => {
      const open = now.mask[i][j], weight = now.weights[i][j];
      const look = `${open} ${weight} ${now.rule[i][j]}`;
      const cell = grid.cells[i][j];
      if (grid.old.get(cell) === look) return;
      grid.old.set(cell, look);
      const seen = open || (bare[i] && state.empty === "mean");
      if (seen) paint(cell, weight);
      else cell.style.background = cell.style.color = "";
      cell.className = `mp-cell${seen ? "" : " mp-off"}${open !== now.rule[i][j] ? " mp-turned" : ""}`;
      cell.textContent = seen || Number.isNaN(weight) ? share(weight) : "";
      cell.setAttribute("aria-pressed", open);
      cell.setAttribute("aria-label", `${shown(rowName(i))} ${open ? `sees ${shown(columnName(j))}, weight ${formatNumber(weight)}` : `may not see ${shown(columnName(j))}`}`);
    }));
    const asked = hidden();
    grid.heads.forEach((head, j) => {
      head.setAttribute("aria-pressed", j === changed);
      head.setAttribute("aria-label", `Change ${shown(columnName(j))}, to see who notices`);
    });
    const spoiled = state.empty === "nan" && bare.includes(true);
    const lost = (i, l) => spoiled && (l > 0 || bare[i]);
    queries.forEach((token, i) => grid.marks[i].forEach((mark, l) => {
      const hears = now.heard[l][i], leak = hears && !now.allowed[l][i];
      mark.className = `mp-mark${asked ? "" : lost(i, l) ? " mp-nan" : leak ? " mp-leak" : hears ? " mp-hears" : ""}`;
      mark.textContent = asked ? "?" : lost(i, l) ? "NaN" : "";
      mark.title = asked ? "" : `${shown(rowName(i))} ${lost(i, l) ? "is not a number" : hears ? `notices${leak ? ", and should not" : ""}` : "does not notice"}`;
    }));
    grid.notices.replaceChildren(name(columnName(changed)), state.kind === "cross" ? " changes. Who notices?" : " changes. Noticed after layer");
    tell(asked, bare);
    table.refresh();
  });

  function tell(asked, bare) {
    if (asked) {
      const [row, column] = state.strokes[0], [seer, seen] = [row, column].map((at) => `“${shown(state.tokens[at])}”`);
      return void speech.ask(`A causal mask with one cell open by mistake: ${seer} can see ${seen}. In a model of three layers, whose output changes when ${seen} becomes another word?`, GUESSES, (i) => keep({ guess: i, changed: column }));
    }
    const text = state.question && state.guess >= 0 ? answer() : comment(bare);
    speech.tell(text);
    say(done + text);
    done = "";
  }

  const listed = (indices) => indices.map((i) => `“${shown(rowName(i))}”`).join(", ");
  const leaking = (l) => state.queries.map((_, i) => i).filter((i) => now.heard[l][i] && !now.allowed[l][i]);

  function answer() {
    if (!state.strokes.length) return comment([]);
    const [row, column] = state.strokes[0].map((token) => shown(state.tokens[token]));
    return `${state.guess === 2 ? "Yes" : "Look again"}: “${row}” and all after it. In layer 1 only “${row}” sees “${column}”. In layer 2 everyone who may look at “${row}” hears of it from there. Close the cell: press it. Then drag over others.`;
  }

  function comment(bare) {
    const empties = bare.flatMap((is, i) => (is ? [i] : []));
    if (empties.length) {
      const who = `${listed(empties)} may see nothing: `;
      if (state.empty === "zeros") return `${who}softmax would divide 0 by 0. This book and PyTorch’s scaled_dot_product_attention answer with zeros, so nothing is added to the word.`;
      if (state.empty === "nan") return `${who}0 divided by 0 is not a number. In the next layer every row multiplies it by a weight, and 0 × NaN is NaN: no mask keeps it out.`;
      return `${who}with −1,000,000,000 in place of −∞ all its scores are alike, and softmax shares evenly. The row sees all that was hidden, and nobody is told.`;
    }
    const leaks = now.heard.map((_, l) => leaking(l));
    const last = leaks.at(-1);
    if (last.length) {
      const first = leaks[0].length ? `after one layer ${listed(leaks[0])}` : "nobody after one layer";
      return `A leak: ${first}${leaks.length > 1 && last.length > leaks[0].length ? `, after three ${listed(last)}` : ""} ${last.length > 1 ? "notice" : "notices"} “${shown(columnName(state.changed))}”, which the ${state.kind} mask forbids.`;
    }
    if (state.strokes.length) return `Your mask, made from ${state.kind}: nobody notices “${shown(columnName(state.changed))}” who should not. Choose another word above a column, or go on painting.`;
    const { size: count } = state;
    return {
      all: "Everyone sees everyone, as in BERT: whatever changes, all notice at once. Press a word above a column to change that one.",
      causal: "Each word sees itself and what came before. However many layers, nobody notices a later word: a model can learn to write from every place of a text at once.",
      padding: `Texts of a batch are filled up to one length. Nobody sees the ${count === 1 ? "last token" : `last ${count} tokens`}, so what stands there changes no word; what the padding’s own rows compute is thrown away.`,
      prefix: `The first ${count} see each other both ways, a question that is given; what follows is written one word at a time, and causal.`,
      window: count === 1 ? "Each word sees itself alone. Nothing moves, in any number of layers." : `Each word sees the last ${count}, itself among them. Layers add up: after one it hears from ${count - 1} back, after two from ${2 * (count - 1)}, after three from ${3 * (count - 1)}. Press an early word and see.`,
      cross: "Queries come from a text that is being written, keys from another: a translation looks at its source. A row for each word that looks, a column for each that is looked at.",
    }[state.kind];
  }

  FIELDS.forEach((field) => model.on(`change:${field}`, draw));
  draw();
  return () => {
    dispose();
    removeEventListener("pointerup", lift);
    removeEventListener("pointercancel", lift);
    FIELDS.forEach((field) => model.off(`change:${field}`, draw));
  };
}

// What is wrong with a state, in a sentence; "" when nothing is. Python refuses the same.
function wrong({ tokens, target, kind, size, strokes, changed, empty }) {
  const stays = " The last good state stays.";
  const isText = (list, least) => Array.isArray(list) && list.length >= least && list.length <= 8 && list.every((token) => typeof token === "string");
  if (!isText(tokens, 2) || !isText(target, 1)) return `There must be 2 to 8 words, and 1 to 8 in the other text.${stays}`;
  if (!KINDS.some(([key]) => key === kind)) return `There is no mask of that kind.${stays}`;
  if (!EMPTY.some(([key]) => key === empty)) return `An empty row gets zeros, NaN or a mean.${stays}`;
  if (!Number.isInteger(size) || size < 1 || size > 8) return `The size must be from 1 to 8.${stays}`;
  const rows = kind === "cross" ? target.length : tokens.length;
  const inside = (cell) => Array.isArray(cell) && cell.length === 2 && cell.every((n, k) => Number.isInteger(n) && n >= 0 && n < [rows, tokens.length][k]);
  if (!Array.isArray(strokes) || !strokes.every(inside)) return `A stroke must be a cell of the mask.${stays}`;
  if (!Number.isInteger(changed) || changed < 0 || changed >= tokens.length) return `The word that changes must be one of the ${tokens.length}.${stays}`;
  return "";
}

export default { render };
