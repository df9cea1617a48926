// Two GRUs write a string backwards, letter by letter: one from a single state, one that looks back at every letter it read.

import { borrow, makeWriter, readWeights, signs } from "./gru.js";
import { asTable, button, formatNumber, frame, h, legend, oncePerFrame, percent, select, slider, speaker, wantsStillness, cividis } from "./kit.js";

const LONGEST = 24, TRAINED = 16, BEAT = 220;  // signs; letters in training; ms for a letter when it plays
const KINDS = ["without", "with"];
const INKS = new Uint32Array(Uint8Array.from(Array.from({ length: 256 }, (_, i) => [...cividis(i / 255), 255]).flat()).buffer);  // a pixel for each of 256 weights
const TITLES = { without: "Without attention", with: "With attention" };
const FIELDS = ["text", "written", "row", "question", "guess"];
const GUESSES = ["the first letters it writes", "the last letters it writes", "all of them"];
const TRIES = [["a short one", "attend"], ["sixteen letters", "encoderdecoderab"], ["twenty-four", "abcdefghijklmnopqrstuvwx"], ["all alike", "aaaaaaaaaaaa"], ["another script", "从前有一只狐狸🦊说你好"]];

// One model's matrix: a column for each letter read, a row for each letter written.
function panel(kind, onRow) {
  const canvas = h("canvas", { class: "al-canvas", width: LONGEST, height: LONGEST });
  const columns = h("div", { class: "al-columns", "aria-hidden": "true" });
  const rows = h("div", { class: "al-rows", "aria-hidden": "true" });
  const mark = h("i", { class: "al-mark" });
  const hidden = h("span", { class: "al-hidden" }, "Guess first.");
  const field = h("div", { class: "al-field", role: "img" }, canvas, mark, hidden);
  const tally = h("span", { class: "al-tally" });
  const line = h("p", { class: "al-line" });
  const el = h("div", { class: "al-panel", role: "group", "aria-label": TITLES[kind] },
    h("div", { class: "al-head" }, h("b", {}, TITLES[kind]), tally),
    h("div", { class: "al-grid" }, h("i", {}), columns, rows, field), line);
  for (const type of ["pointermove", "pointerdown"]) {
    field.addEventListener(type, (event) => {
      const box = field.getBoundingClientRect();
      onRow(Math.floor(((event.clientY - box.top) / box.height) * field.count));
    });
  }
  const labels = (place, list) => {
    while (place.children.length > list.length) place.lastChild.remove();
    while (place.children.length < list.length) place.append(h("bdi", {}));
    list.forEach(([text, style], i) => {
      const one = place.children[i];
      if (one.textContent !== text) one.textContent = text;
      if (one.className !== style) one.className = style;
    });
  };
  function draw(found, state, shown, row, waits) {
    const { list } = state, n = list.length;
    field.count = n;
    el.style.setProperty("--letter", `${Math.min(Math.max(Math.floor(220 / n), 9), 15)}px`);
    hidden.hidden = !waits;
    labels(columns, list.map((sign, s) => [sign, s === n - 1 - row && !waits ? "al-right" : ""]));
    labels(rows, found.letters.map((letter, t) => [waits || t >= shown ? "" : state.names[letter], waits || t >= shown ? "" : `${letter === state.ids[n - 1 - t] ? "" : "al-wrong"}${t === row ? " al-here" : ""}`]));
    canvas.style.width = canvas.style.height = `${(100 * LONGEST) / n}%`;  // of its squares, those that are in use fill the field
    const image = new ImageData(n, n), colors = new Uint32Array(image.data.buffer);
    if (!waits) found.weights.slice(0, shown).forEach((shares, t) => shares.forEach((share, s) => { colors[t * n + s] = INKS[Math.round(255 * share)]; }));
    canvas.getContext("2d").putImageData(image, 0, 0);
    mark.hidden = waits || row < 0;
    mark.style.top = `${(100 * row) / n}%`;
    mark.style.height = `${100 / n}%`;
    const right = found.letters.slice(0, shown).filter((letter, t) => letter === state.ids[n - 1 - t]).length;
    tally.textContent = waits ? "" : `${right} of ${shown} right`;
    line.replaceChildren(...(waits || row < 0 ? ["\u00a0"] : told(found, state, row)));
    field.setAttribute("aria-label", waits ? "Hidden until you guess" : `${right} of ${shown} letters right. ${line.textContent}`);
  }
  return { el, field, draw, line };
}

// One row in words.
function told(found, state, row) {
  const n = state.list.length, letter = found.letters[row], right = state.ids[n - 1 - row] === letter;
  const looks = found.weights[row], most = looks.indexOf(Math.max(...looks));
  return [`Letter ${row + 1}: `, h("bdi", { class: right ? "" : "al-wrong" }, state.names[letter]), ` (${percent(found.chances[row][letter])}), `,
    ...(right ? ["right"] : ["should be ", h("bdi", {}, state.list[n - 1 - row])]), ". Looked at: ", h("bdi", {}, state.list[most]), `, read ${most + 1} of ${n}, ${percent(looks[most])}.`];
}

async function render({ model, el }) {
  const opening = model.get("text"), writers = {};
  for (const kind of KINDS) {  // each in a task of its own: a hundred thousand numbers take their time
    await new Promise((done) => setTimeout(done));
    writers[kind] = makeWriter(readWeights(model.get("weights"), model.get("shapes"), `${kind}.`));
  }
  const { root, say, notice, dispose } = frame(el, "Alignment");
  let state = null, found = {}, timer = 0;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const asked = () => model.get("question") && model.get("guess") < 0;
  const free = (changes) => keep(model.get("guess") < 0 ? { ...changes, question: false } : changes);

  const words = h("div", { class: "al-words llm-words" });
  const speech = speaker(words);
  const box = h("input", { type: "text", class: "al-box", "aria-label": "Your string", autocomplete: "off", spellcheck: "false", autocapitalize: "off", dir: "auto" });
  const typed = () => {
    stop();
    const problem = wrong(box.value);
    notice(problem);
    if (problem) return;
    think(box.value);  // while the frame is being waited for
    free({ text: box.value, written: state.list.length, row: -1 });
  };
  box.addEventListener("input", (event) => { if (!event.isComposing) typed(); });
  box.addEventListener("compositionend", typed);
  const tries = select({ label: "try", options: [["", "your own"], ["0", "the first string"], ...TRIES.map(([name], i) => [String(i + 1), name])], value: "0", onChange: (key) => {
    if (key) { box.value = key === "0" ? opening : TRIES[key - 1][1]; typed(); }
  } });
  const steps = slider({ label: "letters written", min: 0, max: 1, step: 1, value: 0, onInput: (value) => { stop(); free({ written: value, row: -1 }); } });
  const play = button("Play", () => {
    if (timer) return stop();
    if (wantsStillness()) return free({ written: state.list.length, row: -1 });
    free({ written: 0, row: -1 });
    timer = setInterval(() => {
      const next = model.get("written") + 1;
      if (next >= state.list.length) stop();
      keep({ written: Math.min(next, state.list.length) });
    }, BEAT);
    play.textContent = "Stop";
  });
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "Play"; };
  const look = slider({ label: "look at letter", min: 1, max: 1, step: 1, value: 1, onInput: (value) => keep({ row: value - 1 }) });
  const panels = Object.fromEntries(KINDS.map((kind) => [kind, panel(kind, (row) => { if (!asked() && row !== model.get("row")) keep({ row }); })]));
  const scale = legend("weight");
  const table = asTable("Every letter written, and the letter it looked at most", rows);
  root.append(h("div", { class: "al" }, words,
    h("div", { class: "al-controls" }, box, tries.el), h("div", { class: "al-controls" }, steps.el, play, look.el),
    h("div", { class: "al-panels" }, KINDS.map((kind) => panels[kind].el)), h("div", { class: "al-foot" }, table.el, scale.el)));

  function think(text) {
    const list = signs(text);
    state = { text, list, ...borrow(list) };
    found = Object.fromEntries(KINDS.map((kind) => [kind, writers[kind](state.ids)]));
  }

  const draw = oncePerFrame(() => {
    const text = model.get("text");
    if (state?.text !== text) {
      const problem = wrong(text);
      if (problem) return void notice(problem);
      think(text);
      box.value = text;
      notice("");
    }
    const n = state.list.length, waits = asked();
    const shown = Math.min(Math.max(0, model.get("written")), n), row = Math.min(model.get("row") < 0 ? shown - 1 : model.get("row"), shown - 1);
    steps.input.max = n;
    steps.set(shown);
    look.input.max = Math.max(1, shown);
    look.input.disabled = shown === 0 || waits;
    look.set(row + 1);
    for (const input of [steps.input, play]) input.disabled = waits;
    const key = text === opening ? "0" : String(TRIES.findIndex(([, one]) => one === text) + 1 || "");
    if (tries.input.value !== key) tries.set(key);
    for (const kind of KINDS) panels[kind].draw(found[kind], state, shown, row, waits);
    speak(waits, shown, row);
    table.refresh();
  });

  const score = (kind) => found[kind].letters.filter((letter, t) => letter === state.ids[state.list.length - 1 - t]).length;
  function speak(waits, shown, row) {
    const n = state.list.length;
    if (waits) return speech.ask(`A network has read these ${n} letters, one by one, and hands over 64 numbers. From these, another one writes the string backwards. Which letters will it get wrong?`, GUESSES, (i) => keep({ guess: i }));
    const [without, having] = KINDS.map(score);
    const told = model.get("question") && state.text === opening ? verdict(without, having) : comment(without, having);
    speech.tell(told);
    say(row < 0 ? told : `${told} ${TITLES.without}: ${panels.without.line.textContent} ${TITLES.with}: ${panels.with.line.textContent}`);
  }

  function verdict(without, having) {
    const n = state.list.length;
    const bad = found.without.letters.findIndex((letter, t) => letter !== state.ids[n - 1 - t]);
    return `${model.get("guess") === 1 ? "Yes" : "Look again"}: it goes wrong from letter ${bad + 1} on, ${without} of ${n} right. What was read last is fresh; what was read first has been written over. With attention, ${having} of ${n}: each letter gets a look of its own. Type a string.`;
  }

  function comment(without, having) {
    const n = state.list.length, both = `${without} of ${n} letters right without attention, ${having} with it.`;
    if (n > TRAINED) return `${both} In training no string had more than ${TRAINED} letters, and here is the trap: past that, looking back is no help if the model does not know where to look.`;
    if (without === n && having === n) return `${both} A string as short as this fits into 64 numbers. Make it longer.`;
    return `${both} The bright squares are where each letter was looked for: a line that runs backwards through the string.`;
  }

  function rows() {
    const n = state.list.length;
    return [["written", "right answer", ...KINDS.flatMap((kind) => [`${kind}: wrote`, "chance", "looked at", "weight"])],
      ...(asked() ? [] : state.list.map((_, t) => [t + 1, state.list[n - 1 - t], ...KINDS.flatMap((kind) => {
        const { letters, chances, weights } = found[kind], most = weights[t].indexOf(Math.max(...weights[t]));
        return [state.names[letters[t]], formatNumber(chances[t][letters[t]], 7), `${state.list[most]} (${most + 1})`, formatNumber(weights[t][most], 7)];
      })]))];
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    stop();
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

// What is wrong with a string, in a sentence; "" when nothing is.
function wrong(text) {
  const count = signs(text).length;
  if (!count) return "Type at least one letter. The last string stays.";
  if (count > LONGEST) return `At most ${LONGEST} letters fit here; this has ${count}. The last good string stays.`;
  return "";
}

export default { render };
