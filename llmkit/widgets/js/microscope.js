// The q·k microscope: attention over a handful of tokens, one step at a time, on numbers that can be changed.
// Keys stand above the columns and values below them, queries left of the rows and outputs right of them:
// every cell sits where its row and its column meet, so where it came from can be seen.

import { FORMULAS, STEPS, agrees, equals, explain, formula, name, short, shown, tableRows, trace, vector, verdict, work } from "./steps.js";
import { asTable, button, checkbox, choice, frame, h, legend, oncePerFrame, paint, wantsStillness } from "./kit.js";

const LARGEST = 100;  // as in microscope.py
const FIELDS = ["tokens", "query", "key", "value", "causal", "step", "row", "question", "guess"];

function render({ model, el }) {
  const { root, say, notice, notes, dispose } = frame(el, "q·k microscope");
  const read = () => Object.fromEntries(FIELDS.map((key) => [key, model.get(key)]));
  const first = read();
  let state = first;
  let m = trace(state);
  let at = null;      // the cell under the pointer or the focus: [row, column]
  let timer = 0, grid;

  const keep = (changes) => {
    if (!notes.hidden) notice("");
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const goTo = (step) => {
    keep({ step: Math.min(Math.max(step, 1), STEPS.length), question: false });
    say(`Step ${step} of 6: ${STEPS[step - 1]}. ${explain(step, state)}`);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    draw();
  };
  const play = () => {
    if (timer) return stop();
    if (state.question || state.step === STEPS.length) goTo(1);
    timer = setInterval(() => (state.step < STEPS.length ? goTo(state.step + 1) : stop()), 1800);
    draw();
  };
  const guess = (j) => {
    keep({ guess: j, step: 5 });
    say(verdict(state, m, j).flat(Infinity).map((part) => part.textContent ?? part).join(""));
  };

  const steps = choice({
    label: "Step", value: state.step, onChange: (step) => { stop(); goTo(step); },
    options: STEPS.map((title, i) => [i + 1, [h("b", {}, String(i + 1)), h("em", {}, ` ${title}`)]]),
  });
  const back = button("‹", () => { stop(); goTo(state.step - 1); }, { "aria-label": "Previous step", title: "Previous step" });
  const next = button("›", () => { stop(); goTo(state.step + 1); }, { "aria-label": "Next step", title: "Next step" });
  const playButton = button("Play", play, { class: "llm-button ms-play" });
  playButton.hidden = wantsStillness();
  const showHow = button("Show how", play, { class: "ms-link" });
  const bar = h("div", { class: "ms-bar" }, steps.el, h("div", { class: "ms-moves" }, back, next, playButton));
  const ask = h("div", { class: "ms-ask" });
  const line = h("div", { class: "ms-line" });
  const causal = checkbox({ label: "causal mask", value: state.causal, onChange: (on) => keep({ causal: on }) });
  const scale = legend("", 0, 1, short);
  const reset = button("Reset", () => keep({ query: first.query, key: first.key, value: first.value, causal: first.causal }), { class: "ms-link", title: "Bring the first numbers back" });
  const plate = h("div", { class: "ms-plate" });
  const panel = h("div", { class: "ms-work" });
  const table = asTable("Every number of every step", () => tableRows(state, m));
  const holder = h("div", { class: "ms" }, h("div", { class: "ms-top" }, ask, bar), h("div", { class: "ms-says" }, line, notes), plate, panel, table.el);
  root.append(holder);

  const edit = (which, r, c, input) => {
    const x = input.value.trim() === "" ? NaN : Number(input.value);
    if (!Number.isFinite(x) || Math.abs(x) > LARGEST) {
      notice(`That is not a number from −${LARGEST} to ${LARGEST}, so the ${which} of “${shown(state.tokens[r])}” keeps ${short(state[which][r][c])}.`);
      return;
    }
    keep({ [which]: model.get(which).map((row, i) => (i === r ? row.map((old, e) => (e === c ? x : old)) : row)) });
  };

  // The grid is built when the number of tokens or dimensions changes; afterwards only texts and colors change.
  function build() {
    const size = state.tokens.length;
    const numbers = (which, r) => h("div", { class: `ms-vector ms-${which}` }, state[which][r].map((x, c) => {
      const input = h("input", { type: "number", step: "0.5", min: -LARGEST, max: LARGEST });
      input.addEventListener("input", () => edit(which, r, c, input));
      input.addEventListener("blur", () => { input.value = tidy(state[which][r][c]); notice(""); });
      return input;
    }));
    const place = (element, row, column) => {
      element.style.gridRow = row;
      element.style.gridColumn = column;
      return element;
    };
    const cells = state.tokens.map((_, i) => [...state.tokens, ...state.value[0]].map((_, j) =>
      h("button", { type: "button", class: j < size ? "ms-cell" : "ms-cell ms-out", tabindex: "-1", "data-i": i, "data-j": j })));
    grid = {
      cells, shape: shapeOf(state),
      heads: state.tokens.map((_, j) => place(h("span", { class: "ms-head" }), 1, 3 + j)),
      rows: state.tokens.map((_, i) => place(h("button", { type: "button", class: "ms-name", onclick: () => keep({ row: i }) }), 4 + i, 1)),
      key: state.tokens.map((_, j) => place(numbers("key", j), 2, 3 + j)),
      query: state.tokens.map((_, i) => place(numbers("query", i), 4 + i, 2)),
      value: state.tokens.map((_, j) => place(numbers("value", j), 5 + size, 3 + j)),
    };
    const caption = (which, says) => h("div", { class: `ms-caption ms-${which}-caption` }, h("b", {}, which), " ", h("span", {}, says));
    const board = h("div", { class: "ms-grid", role: "group", "aria-label": "Each row is a word that asks, each column a word that answers. Arrow keys move between cells." },
      place(h("div", { class: "ms-about" }, caption("key", "what it offers"), caption("query", "what it looks for")), "1 / 3", "1 / 3"),
      grid.heads, grid.key, place(causal.el, 1, 3 + size), place(caption("output", ""), 2, 3 + size),
      state.tokens.map((_, i) => [grid.rows[i], grid.query[i],
        cells[i].slice(0, size).map((cell, j) => place(cell, 4 + i, 3 + j)),
        place(h("div", { class: "ms-vector ms-outputs" }, cells[i].slice(size)), 4 + i, 3 + size)]),
      place(caption("value", "what it hands over"), 5 + size, "1 / 3"), grid.value,
      place(h("div", { class: "ms-end" }, scale.el, reset), 5 + size, 3 + size));
    holder.classList.toggle("ms-wide", Math.max(state.key[0].length, state.value[0].length) > 2);
    holder.classList.toggle("ms-many", size > 5);
    board.style.setProperty("--tokens", size);
    cells[state.row][0].tabIndex = 0;
    plate.replaceChildren(board);
  }

  const cellOf = (event) => event.target.closest(".ms-cell");
  const look = (cell) => { at = cell && [Number(cell.dataset.i), Number(cell.dataset.j)]; draw(); };
  const focused = () => (plate.contains(document.activeElement) && document.activeElement.matches(".ms-cell:focus-visible") ? document.activeElement : null);
  plate.addEventListener("pointerover", (event) => look(cellOf(event) ?? focused()));
  plate.addEventListener("pointerleave", () => look(focused()));
  plate.addEventListener("focusin", (event) => look(cellOf(event)));
  plate.addEventListener("focusout", () => look(null));
  plate.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    const [i, j] = [Number(cell.dataset.i), Number(cell.dataset.j)];
    if (asking(state) && i === state.row && j < state.tokens.length) guess(j);
    else keep({ row: i });
  });
  plate.addEventListener("keydown", (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = cellOf(event);
    if (!move || !cell) return;
    event.preventDefault();
    const to = grid.cells[Number(cell.dataset.i) + move[0]]?.[Number(cell.dataset.j) + move[1]];
    if (!to) return;
    grid.cells.flat().forEach((other) => { other.tabIndex = -1; });
    to.tabIndex = 0;
    to.focus();
    say(to.getAttribute("aria-label"));
  });

  const draw = oncePerFrame(() => {
    const seen = read();
    if (!agrees(seen)) return;  // several values are on their way from Python; the last of them draws
    state = seen;
    m = trace(state);
    if (!grid || grid.shape !== shapeOf(state)) { at = null; build(); }
    const step = asking(state) ? 0 : state.step;
    const i = at ? at[0] : Math.min(state.row, state.tokens.length - 1);
    if (root.dataset.step !== String(step)) reserve();
    root.dataset.step = step;
    steps.set(state.step);
    back.disabled = state.step === 1;
    next.disabled = state.step === STEPS.length;
    causal.set(state.causal);
    drawTop(step);
    drawGrid(step, i);
    drawWork(step, i);
    table.refresh();
  });

  function drawTop(step) {
    const { tokens, row } = state;
    bar.hidden = !step;
    ask.hidden = Boolean(step);
    if (!step) {
      ask.replaceChildren(h("p", {}, "Which word will ", name(tokens[row]), " look at most?"),
        h("div", { class: "ms-options" }, tokens.map((token, j) => button(name(token), () => guess(j))),
          button("skip", () => keep({ question: false, step: 1 }), { class: "ms-link" })));
      line.replaceChildren(h("p", {}, "Compare what ", name(tokens[row]), " looks for, ", h("b", {}, vector(state.query[row])), ", with what each word offers. Then choose."));
      return;
    }
    playButton.textContent = timer ? "Pause" : "Play";
    if (state.question) return line.replaceChildren(h("p", {}, verdict(state, m, state.guess), showHow));
    const parts = sayStep(step, state);
    if (line.textContent !== parts.map((part) => part.textContent).join("")) line.replaceChildren(...parts);
  }

  function nameAll(tokens) {
    grid.tokens = tokens;
    tokens.forEach((token, i) => {
      grid.heads[i].replaceChildren(name(token));
      grid.heads[i].title = token;
      grid.rows[i].replaceChildren(name(token));
      grid.rows[i].setAttribute("aria-label", `Spell out the row of ${shown(token)}`);
      for (const which of ["query", "key", "value"]) {
        [...grid[which][i].children].forEach((input, c) => input.setAttribute("aria-label", `${which} of ${shown(token)}, number ${c + 1}`));
      }
      grid.cells[i].forEach((cell) => { cell.fact = null; });
    });
  }

  function drawGrid(step, row) {
    const { tokens, query, key, value } = state;
    const size = tokens.length;
    const column = at ? at[1] : -1;
    const all = m.raw.flat();
    const low = Math.min(0, ...all);
    const high = Math.max(...all, low + 1);
    const show = shownAt(step);
    scale.el.hidden = step < 2;
    scale.el.firstChild.textContent = step < 5 ? "score" : "weight";
    scale.set(...(step < 5 ? [low, high] : [0, 1]));
    if (grid.tokens !== tokens) nameAll(tokens);
    grid.rows.forEach((button, i) => {
      button.setAttribute("aria-pressed", i === state.row);
      button.classList.toggle("ms-lit", i === row);
    });
    for (const which of ["query", "key", "value"]) {
      grid[which].forEach((holder, r) => [...holder.children].forEach((input, c) => {
        if (input !== document.activeElement && input.value !== tidy(state[which][r][c])) input.value = tidy(state[which][r][c]);
        const lit = which === "query" ? r === row && column < size : which === "key" ? r === column : c === column - size;
        input.classList.toggle("ms-lit", lit);
      }));
    }
    grid.cells.forEach((cells, i) => cells.forEach((cell, j) => {
      const isOutput = j >= size;
      const x = isOutput ? (step === 6 ? m.output[i][j - size] : undefined) : show?.[i][j];
      const off = x === -Infinity || (!isOutput && step > 4 && m.masked[i][j] === -Infinity);
      cell.classList.toggle("ms-lit", i === row && (isOutput ? j === column : j === column || column >= size));
      const fact = [step, x, i === state.row, low, high, query[i], key[j]].join();
      if (cell.fact === fact) return;  // most cells stay as they are when one number changes
      cell.fact = fact;
      if (Array.isArray(x)) cell.replaceChildren(...x.map((part) => h("span", {}, short(part))));
      else cell.textContent = x === undefined ? (!step && i === state.row && !isOutput ? "?" : "") : short(x);
      if (isOutput || off || step < 2) cell.style.background = cell.style.color = "";
      else paint(cell, step < 5 ? (x - low) / (high - low) : x);
      cell.classList.toggle("ms-off", off);
      cell.setAttribute("aria-label", describe(step, i, j));
    }));
  }

  const shownAt = (step) => [null, m.parts, m.raw, m.scaled, m.masked, m.weights, m.weights][step];

  function describe(step, i, j) {
    const { tokens, query, key } = state;
    const size = tokens.length;
    if (j >= size) return `output of ${shown(tokens[i])}, number ${j - size + 1}: ${step === 6 ? short(m.output[i][j - size]) : "not reached yet"}`;
    const pair = `${shown(tokens[i])} asks ${shown(tokens[j])}`;
    if (!step) return i === state.row ? `Guess: ${shown(tokens[i])} looks at ${shown(tokens[j])} most` : `${pair}: hidden until you guess`;
    return `${pair}: ${["products", "score", "scaled score", "masked score", "weight", "weight"][step - 1]} ${equals(shownAt(step)[i][j])}, from query ${vector(query[i])} and key ${vector(key[j])}`;
  }

  const sayStep = (step, given) => [h("span", { class: "ms-formula" }, formula(step === 4 && !given.causal ? "s_{ij}" : FORMULAS[step - 1])), h("p", {}, explain(step, given))];

  const spell = (step, i) => [h("p", {}, "The row of ", h("br"), name(state.tokens[i]), ", by hand"), h("dl", {}, work(step, state, m, i).map(([token, how, result], j) =>
    h("div", { class: `${token === null ? "ms-sum" : ""}${at && Math.min(at[1], state.tokens.length) === j ? " ms-lit" : ""}` },
      h("dt", {}, token === null ? "" : name(token)), h("dd", {}, how), h("dd", {}, equals(result)))))];

  // What stands above and below the grid keeps the height of its tallest step (measured out of sight), so the page below stays.
  let reserved = "", unmeasured = [], tallest;
  const reserve = oncePerFrame(() => {
    const { tokens, query, key, value, causal: masked, question } = state;
    const now = JSON.stringify([holder.clientWidth, document.fonts.status, tokens, query, key, value, masked, question]);
    if (now !== reserved) [reserved, unmeasured, tallest] = [now, STEPS.map((_, s) => s + 1), [0, 0]];
    if (!unmeasured.length || document.fonts.status === "loading") return;
    const step = unmeasured.pop();
    const lines = [true, false].map((on) => sayStep(step, { ...state, causal: on }));
    if (question && step === 1) lines.push(...tokens.map((_, j) => h("p", {}, verdict(state, m, j), "Show how")));
    const tall = [lines.map((parts) => h("div", { class: "ms-line" }, parts)), tokens.map((_, i) => h("div", { class: "ms-work" }, spell(step, i)))];
    const probe = h("div", { class: "ms-probe", "aria-hidden": "true" }, tall);
    holder.append(probe);
    tallest = tallest.map((height, n) => Math.max(height, ...tall[n].map((one) => one.offsetHeight)));
    probe.remove();
    if (unmeasured.length) reserve();
    else [line, panel].forEach((element, n) => { element.style.minHeight = `${tallest[n]}px`; });
  });

  function drawWork(step, i) {
    if (!step) {
      panel.replaceChildren(h("p", {}, "Every word carries three short lists of numbers. Its ", h("b", {}, "query"), " says what it looks for, its ", h("b", {}, "key"), " what it offers, and its ",
        h("b", {}, "value"), " is what it hands over to those who look at it. They are small enough to check with a pencil, and you can change any of them."));
      return;
    }
    panel.replaceChildren(...spell(step, i));
  }

  FIELDS.forEach((key) => model.on(`change:${key}`, draw));
  const sizes = new ResizeObserver(reserve);
  sizes.observe(holder);
  document.fonts.addEventListener("loadingdone", reserve);
  draw();
  return () => {
    clearInterval(timer);
    sizes.disconnect();
    document.fonts.removeEventListener("loadingdone", reserve);
    dispose();
    FIELDS.forEach((key) => model.off(`change:${key}`, draw));
  };
}

const asking = (state) => state.question && state.guess < 0;
const tidy = (x) => String(Number(x.toFixed(2)));
const shapeOf = ({ tokens, key, value }) => [tokens.length, key[0].length, value[0].length].join();

export default { render };
