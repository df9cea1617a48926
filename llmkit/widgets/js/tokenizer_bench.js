// The tokenizer bench: byte-level BPE learns from the reader's text, and cuts a sentence with what it has learned so far.
// All of it runs here, a few milliseconds at a time; with a kernel too.

import { bytesOf, follow, makeTrainer, stateAt } from "./bpe_train.js";
import { asTable, button, formatNumber, frame, h, oncePerFrame, select, slider, speaker, wantsStillness } from "./kit.js";
import { directionOf, piecesOf } from "./token_pieces.js";

const LONGEST_TEXT = 4000, LONGEST_SENTENCE = 300;  // bytes; as in llmkit/widgets/tokenizer_bench.py
const FIELDS = ["text", "sentence", "step", "question", "guess"];
const TINTS = 6, MOST_TICKS = 12, RECENT = 5, BEAT = 320;
const OWN = "own";
const ASKED = "风筝", GUESSES = ["1, like kite", "2, one per character", "6, one per byte"], RIGHT = 2;
const WIDE = 330, HIGH = 138, LEFT = 34, RIGHT_EDGE = 252, TOP = 10, FLOOR = 112;

const label = (x, y, text, anchor = "middle") => h("text", { x, y, "text-anchor": anchor }, text);
const grouped = new Intl.NumberFormat("en");  // asked for anew at each number, it takes longer than the rest of a sentence
const count = (n, word) => `${grouped.format(n)} ${word}${n === 1 ? "" : "s"}`;

// Tokens per byte against merges: of the text it learns from, and of the sentence.
function chart() {
  const x = (made, all) => LEFT + (all ? made / all : 0) * (RIGHT_EDGE - LEFT);
  const y = (share) => FLOOR - share * (FLOOR - TOP);
  const [learned, cut, hair] = [h("path", { class: "tb-learned" }), h("path", { class: "tb-cut" }), h("line", { class: "tb-hair", y1: TOP, y2: FLOOR })];
  const dot = h("circle", { class: "tb-dot", r: 5 });
  const [first, second, last] = [h("text", { x: RIGHT_EDGE + 8 }, "the text"), h("text", { class: "tb-name", x: RIGHT_EDGE + 8 }, "your sentence"), label(RIGHT_EDGE, FLOOR + 16, "")];
  const el = h("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" }, h("line", { class: "tb-axis", x1: LEFT, x2: RIGHT_EDGE, y1: FLOOR, y2: FLOOR }), hair, learned, cut, dot, first, second, last,
    label(LEFT - 10, y(1) + 4, "1", "end"), label(LEFT - 10, y(0.5) + 4, "½", "end"), label(LEFT - 10, y(0) + 4, "0", "end"), label(LEFT, FLOOR + 16, "0"), label((LEFT + RIGHT_EDGE) / 2, FLOOR + 16, "merges"));
  let drawn = null;
  function show(of, made, isHidden) {
    for (const mark of [learned, cut, first, second]) mark.style.display = isHidden ? "none" : "";
    const all = of.merges.length;
    const ofText = [of.total, ...of.merges.map((merge) => merge.total)].map((tokens) => tokens / Math.max(1, of.bytes));
    const steps = of.states.map(({ from, tokens }) => [from, tokens.length / Math.max(1, of.size)]);
    if (drawn !== of) {
      drawn = of;
      learned.setAttribute("d", ofText.map((share, m) => `${m ? "L" : "M"}${x(m, all).toFixed(1)} ${y(share).toFixed(1)}`).join(""));
      cut.setAttribute("d", `${steps.map(([from, share], i) => `${i ? "H" : "M"}${x(from, all).toFixed(1)}${i ? "V" : " "}${y(share).toFixed(1)}`).join("")}H${x(all, all).toFixed(1)}`);
    }
    const now = stateAt(of.states, made).length / Math.max(1, of.size);
    for (const [mark, at] of [[dot, { cx: x(made, all), cy: y(now) }], [hair, { x1: x(made, all), x2: x(made, all) }]]) Object.entries(at).forEach((pair) => mark.setAttribute(...pair));
    const ends = [y(ofText.at(-1)) + 4, y(steps.at(-1)[1]) + 4];
    const apart = Math.max(0, 14 - Math.abs(ends[0] - ends[1])) * (ends[0] < ends[1] ? 1 : -1);
    first.setAttribute("y", Math.min(ends[0] - apart / 2, FLOOR));
    second.setAttribute("y", Math.min(ends[1] + apart / 2, FLOOR));
    last.textContent = all ? String(all) : "";
    el.setAttribute("aria-label", `Tokens per byte: text ${formatNumber(ofText[made])}, your sentence ${formatNumber(now)} after ${count(made, "merge")} of ${all}`);
  }
  return { el, show };
}

function render({ model, el }) {
  const { root, say, notice, notes, dispose } = frame(el, "tokenizer bench");
  const examples = model.get("examples") ?? [], pattern = model.get("pattern");
  let of = null, making = null, timer = 0, saving = 0, playing = 0, pieces = [];

  // ---- learning: a few milliseconds at a time; what is shown stays until the new merges are there -------------------
  function read() {
    clearTimeout(timer);
    const text = model.get("text"), sentence = model.get("sentence");
    const bytes = bytesOf(text).length, size = bytesOf(sentence).length;
    const wrong = problem("text", text) || problem("sentence", sentence);
    if (wrong) return notice(wrong);
    if (of?.text === text) {
      making = null;
      if (of.sentence !== sentence) of = { ...of, sentence, size, states: follow(sentence, pattern, of.merges) };
      return draw();
    }
    delete root.dataset.ready;
    making = { text, bytes, sentence, size };
    timer = setTimeout(learn);
  }
  function learn() {
    const { trainer, ...about } = making;
    if (trainer) trainer.more(performance.now() + 5);
    else making.trainer = makeTrainer(about.text, pattern);
    if (!trainer?.isDone) return void (timer = setTimeout(learn));
    making = null;
    of = { ...about, merges: trainer.merges, names: trainer.names, total: trainer.total, states: follow(about.sentence, pattern, trainer.merges) };
    draw();
  }
  // Why this cannot be learned from or cut; an empty string when it can.
  function problem(key, value) {
    const size = bytesOf(value).length;
    const has = `has ${size.toLocaleString("en")}. The picture shows the one before.`;
    if (key === "text") {
      if (!value.trim()) return "There is nothing to learn from: type a few words. The picture shows the text before.";
      return size > LONGEST_TEXT ? `The bench learns from a text of at most ${LONGEST_TEXT.toLocaleString("en")} bytes, and this one ${has}` : "";
    }
    if (!value.trim()) return "There is no sentence to cut: type one. The picture shows the one before.";
    return size > LONGEST_SENTENCE ? `The sentence may have at most ${LONGEST_SENTENCE} bytes, and this one ${has}` : "";
  }

  // ---- what the reader does ---------------------------------------------------------------------------------------
  const tell = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 200);
  };
  const made = () => Math.min(model.get("step"), of?.merges.length ?? 0);
  const go = (step) => tell({ step: Math.max(0, Math.min(step, of?.merges.length ?? 0)), ...(model.get("guess") < 0 ? {} : { question: false }) });
  const isAsking = () => model.get("question") && model.get("guess") < 0 && model.get("text") === examples[0]?.[1] && model.get("sentence") === examples[0]?.[2];

  function stop() {
    clearInterval(playing);
    playing = 0;
    play.textContent = "Play";
  }
  function start() {
    if (playing) return stop();
    if (made() >= of.merges.length) go(0);
    if (wantsStillness()) return go(of.merges.length);
    play.textContent = "Pause";
    playing = setInterval(() => {
      go(made() + 1);
      if (made() >= of.merges.length) stop();
    }, BEAT);
  }

  const wrongs = { text: "", sentence: "" };  // what is wrong with a box: it then stays as it is, and the model keeps its last good text
  const area = (name, rows, key) => {
    const box = h("textarea", { rows, "aria-label": name, autocomplete: "off", spellcheck: "false", dir: "auto" });
    const typed = () => {
      stop();
      wrongs[key] = problem(key, box.value);
      notice(wrongs.text || wrongs.sentence);
      if (!wrongs[key]) tell({ [key]: box.value, question: false });
    };
    box.addEventListener("input", (event) => { if (!event.isComposing) typed(); });
    box.addEventListener("compositionend", typed);
    return box;
  };
  const text = area("The text it learns from", 3, "text");
  const sentence = area("Your sentence", 1, "sentence");
  const example = select({ label: "learn from", options: [...examples.map(([name], i) => [i, name]), [OWN, "your own text"]], value: 0, onChange: (i) => {
    stop();
    if (i === OWN) return text.focus();
    Object.assign(wrongs, { text: "", sentence: "" });
    notice("");
    tell({ text: examples[i][1], sentence: examples[i][2], step: 4000, question: false });
  } });
  const merges = slider({ label: "merges", min: 0, max: 1, step: 1, value: 0, show: (m) => `${m} of ${of?.merges.length ?? 0}`, onInput: (m) => { stop(); go(m); } });
  const [back, next, play] = [button("Back", () => { stop(); go(made() - 1); }, { title: "Undo the last merge" }), button("Next", () => { stop(); go(made() + 1); }, { title: "Make the next merge" }), button("Play", start, { title: "Merge after merge" })];

  // ---- the picture --------------------------------------------------------------------------------------------------
  const words = h("div", { class: "tb-words" });
  const speech = speaker(words);
  const strip = h("div", { class: "tb-strip", tabindex: "0", role: "group", "aria-label": "Your sentence as tokens" });
  const numbers = h("p", { class: "tb-numbers" });
  const recent = h("ol", { class: "tb-recent" });
  const picture = chart();
  const mergeTable = asTable("The merges, in the order they were learned", mergeRows, "Merges as table");
  const tokenTable = asTable("Your sentence, token by token", tokenRows, "Tokens as table");
  root.append(h("div", { class: "tb" }, words,
    h("div", { class: "tb-learn" }, example.el, text),
    h("div", { class: "tb-steps" }, merges.el, h("div", { class: "tb-buttons" }, back, next, play)),
    h("div", { class: "tb-sentence" }, h("span", { class: "tb-title", "aria-hidden": "true" }, "your sentence"), sentence), strip, numbers, notes,
    h("div", { class: "tb-body" }, h("div", {}, h("p", { class: "tb-title" }, "learned last"), recent), h("div", {}, h("p", { class: "tb-title" }, "tokens per byte"), picture.el)),
    h("div", { class: "tb-tables" }, mergeTable.el, tokenTable.el)));
  strip.addEventListener("pointerover", ({ target }) => {
    const i = [...strip.children].indexOf(target);
    if (i >= 0) target.title = about(i);
  });

  const sizes = (tokens) => tokens.map((id) => of.names[id].length);
  const nameOf = (id) => ((of.shown ??= [])[id] ??= piecesOfLetters(of.names[id]));
  const about = (i) => `id ${pieces[i].id}, ${count(pieces[i].size, "byte")}${pieces[i].says ? `: ${pieces[i].says}` : ""}`;

  // A token by itself: its bytes may be no whole characters.
  function piecesOfLetters(name) {
    const bytes = Uint8Array.from(name, (letter) => of.byteOf.get(letter));
    const shown = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    if (!shown.includes("\ufffd")) return piecesOf(shown, [bytes.length])[0].text;
    return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
  }

  const draw = oncePerFrame(() => {
    if (!of) return;
    of.byteOf ??= new Map(of.names.slice(0, 256).map((letter) => [letter, byteOfLetter(letter)]));
    const all = of.merges.length, m = made(), asks = isAsking();
    for (const [key, box] of [["text", text], ["sentence", sentence]]) {
      if (!wrongs[key] && (document.activeElement !== box || !box.value)) box.value = model.get(key);
    }
    const chosen = examples.findIndex(([, one]) => one === of.text);
    example.set(chosen < 0 ? OWN : chosen);
    merges.input.max = Math.max(1, all);
    merges.set(m);
    merges.input.disabled = play.disabled = asks || !all;
    back.disabled = asks || m === 0;
    next.disabled = asks || m >= all;
    const tokens = stateAt(of.states, m);
    drawStrip(tokens, m);
    const bytes = of.size;
    numbers.replaceChildren(h("b", {}, count(tokens.length, "token")), ` for ${count(bytes, "byte")}, ${count([...of.sentence].length, "character")}: `, h("b", {}, formatNumber(tokens.length / Math.max(1, bytes))), " tokens per byte");
    drawRecent(m);
    picture.show(of, m, asks);
    speak(asks, m, tokens);
    mergeTable.refresh();
    tokenTable.refresh();
    root.dataset.ready = "true";
  });

  function drawStrip(tokens, m) {
    pieces = piecesOf(of.sentence, sizes(tokens)).map((piece, i) => ({ ...piece, id: tokens[i] }));
    strip.dir = directionOf(of.sentence);
    let at = strip.firstChild;
    const drop = () => { const gone = at; at = at.nextSibling; gone.remove(); };
    const chips = pieces.map(({ start }) => {  // a token that begins where one began keeps its element: a merge touches little else
      while (at && at.start < start) drop();
      const chip = at?.start === start ? at : strip.insertBefore(h("bdi", { class: "tb-token" }), at);
      chip.start = start;
      at = chip.nextSibling;
      return chip;
    });
    while (at) drop();
    pieces.forEach((piece, i) => {
      const chip = chips[i];
      const kind = piece.id < 256 ? "" : piece.id === 255 + m ? " tb-new" : ` tb-tint-${(piece.id * 5) % TINTS}`;
      const name = `tb-token tb-bytes-${piece.size}${kind}${piece.isPart ? " tb-part" : ""}`;
      if (chip.className !== name) chip.className = name;
      if (chip.textContent !== piece.text) chip.textContent = piece.text;
      const ticks = piece.size > MOST_TICKS ? `${5 * piece.size - 2}px 3px` : "";  // of fewer the style sheet knows: with a style of each chip's own, styling took five times as long
      if (chip.style.backgroundSize !== ticks) chip.style.backgroundSize = ticks;
    });
  }

  function drawRecent(m) {
    const rows = Array.from({ length: RECENT }, (_, i) => m - i).filter((number) => number > 0);
    recent.replaceChildren(...rows.map((number) => {
      const { left, right, count: times } = of.merges[number - 1];
      return h("li", { class: number === m ? "tb-now" : null }, h("span", { class: "tb-number" }, String(number)),
        h("span", { class: "tb-pair" }, h("bdi", {}, nameOf(left)), " + ", h("bdi", {}, nameOf(right)), " → ", h("bdi", { class: "tb-made" }, nameOf(255 + number))), h("span", { class: "tb-times" }, `${times} times`));
    }));
    if (!rows.length) recent.replaceChildren(h("li", { class: "tb-none" }, "nothing yet: 256 bytes, each a token"));
  }

  function speak(asks, m, tokens) {
    if (asks) return void speech.ask(`It will learn from this English text alone. How many tokens will ${ASKED}, “kite”, then be?`, GUESSES, (i) => tell({ guess: i, step: of.merges.length }));
    const said = model.get("question") && model.get("guess") >= 0 ? answer() : comment(m);
    speech.tell(said);
    say(`${said} ${count(tokens.length, "token")} for ${count(of.size, "byte")}.`);
  }

  function answer() {
    const start = bytesOf(of.sentence.slice(0, of.sentence.indexOf(ASKED))).length;
    const cut = pieces.filter((piece) => piece.start >= start && piece.start < start + 6).length;
    const first = of.merges.findIndex((_, number) => nameOf(256 + number) === "·kite") + 1;
    return `${model.get("guess") === RIGHT ? "Yes" : "Look again"}: ${cut}, its bytes. The text has no Chinese, so nothing ever joined them, while ·kite became one token with merge ${first}. Now learn from “both”, and look at ${ASKED} again.`;
  }

  function comment(m) {
    const all = of.merges.length;
    if (!all) return "No two neighbors stand side by side twice in this text, so there is nothing to join: every byte stays a token.";
    if (!m) return "Nothing is learned yet: every byte is a token. A letter of ASCII is one byte, other characters are two, three or four. Press Next.";
    const { left, right, count: times } = of.merges[m - 1];
    const why = m === all ? "It was the last: now no pair stands side by side twice." : "No other pair stood side by side more often.";
    return `Merge ${m} joins ${nameOf(left)} and ${nameOf(right)}, seen ${times} times in the text. ${why}`;
  }

  function mergeRows() {
    return [["merge", "left", "right", "new token", "id", "count", "tokens of the text"], ...of.merges.map(({ left, right, count: times, total }, i) => [i + 1, nameOf(left), nameOf(right), nameOf(256 + i), 256 + i, times, total])];
  }
  function tokenRows() {
    const bytes = bytesOf(of.sentence);
    return [["token", "text", "id", "bytes", "part of"], ...pieces.map(({ text: shown, id, start: from, size, says }, i) => [i + 1, shown, id, Array.from(bytes.subarray(from, from + size), (byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" "), says])];
  }

  const listen = { text: read, sentence: read, step: draw, question: draw, guess: draw };
  for (const key of FIELDS) model.on(`change:${key}`, listen[key]);
  read();
  return () => {
    [timer, saving].forEach(clearTimeout);
    stop();
    dispose();
    for (const key of FIELDS) model.off(`change:${key}`, listen[key]);
  };
}

// The byte that a letter stands for: printable ones stand for themselves, the others follow from 256 on.
const HIDDEN = [...Array(33).keys(), ...Array.from({ length: 34 }, (_, i) => 127 + i), 173];
const byteOfLetter = (letter) => (letter.charCodeAt(0) < 256 ? letter.charCodeAt(0) : HIDDEN[letter.charCodeAt(0) - 256]);

export default { render };
