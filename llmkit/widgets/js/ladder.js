// The ladder: what models that count one to five tokens, and a small network, expect next, and what a text costs each.
// The counting is done here, in every home; the network answers through a thinker, the kernel's or the page's own.
import { makeTokenizer } from "./bpe.js";
import { asTable, button, choice, frame, h, oncePerFrame, percent, select, speaker } from "./kit.js";
import { softmax, uniform } from "./math.js";
import { ORDERS, likeliest, makeNgrams, unpack } from "./ngram.js";
import { kernelThinker, pageThinker } from "./thinkers.js";

const BEGIN = 1, END = 2, DISCOUNT = 0.75;  // as in llmkit/widgets/ladder.py
const NETWORK = ORDERS;
const LONGEST = 1000;  // characters
const SHOWN = 150;  // tokens at the end of the text
const ROWS = 5;
const REST = 50;  // ms without a key before the network is asked
const SLICE = 6;  // ms of counting in a frame
const MOST = 8;  // nats: a surprise of the strongest tint
const NAMES = ["n = 1", "n = 2", "n = 3", "n = 4", "n = 5", "the network"];
const GUESSES = ["n = 5", "the network", "both"];
const TRIES = [["the tale of the bucket"], ["the first words of another", "One warm morning, Nora the"],
  ["a claim about physics", "The speed of light in a vacuum is the same for all"], ["another alphabet", "从前有一只狐狸 🦊 说"]];

// One model: its name, what it sees of the text, its likeliest tokens, and what the text has cost it.
function card(m, onPick) {
  const sees = h("bdi", { class: "ld-sees" }), cost = h("span", { class: "ld-cost" });
  const rows = Array.from({ length: ROWS }, (_, rank) => {
    const [bar, name, share] = [h("span", { class: "ld-bar" }), h("bdi", { class: "ld-name" }), h("span", { class: "ld-share" })];
    return { el: h("button", { type: "button", class: "ld-row", onclick: () => onPick(m, rank) }, bar, name, share), bar, name, share };
  });
  const el = h("div", { class: "ld-card", role: "group", "aria-label": NAMES[m] },
    h("div", { class: "ld-head" }, h("b", {}, NAMES[m]), cost), h("p", { class: "ld-context" }, "sees ", sees), rows.map((row) => row.el));
  function show(best, names, isHidden) {
    el.classList.toggle("ld-hidden", isHidden);
    rows.forEach((row, rank) => {
      const [id, share] = best?.[rank] ?? [];
      if (row.el.disabled !== (isHidden || id == null)) row.el.disabled = isHidden || id == null;
      const [name, says] = isHidden ? ["?", ""] : id == null ? ["…", ""] : [names([id])[0], percent(share)];
      write(row.name, name);
      write(row.share, says);
      const width = isHidden || id == null ? 0 : share;
      if (row.width !== width) row.bar.style.transform = `scaleX(${row.width = width})`;
    });
  }
  return { el, show, sees, cost };
}

function render({ model, el }) {
  const live = model.get("kernel") !== false;
  const { root, say, notice, dispose } = frame(el, "Next-token ladder");
  if (!model.get("tokenizer")?.vocab) {
    notice(model.get("error") || "There is nothing to count here.");
    return dispose;
  }
  const raw = model.get("tokenizer");
  const merges = Array.from({ length: raw.merges.length / 2 }, (_, k) => [raw.vocab[raw.merges[2 * k]], raw.vocab[raw.merges[2 * k + 1]]]);
  const { encode, decode, names } = makeTokenizer({ ...raw, merges });
  let ngrams = null, slice = SLICE;
  const opening = setTimeout(() => {  // in a task of its own
    ngrams = makeNgrams(unpack(model.get("counted")), BEGIN, raw.vocab.length, DISCOUNT);
    draw();
  });
  const story = model.get("text"), next = uniform(1);
  let ids = [], network = null, now = [], best = [], costs = [], from = 0, charged = [], chargedFrom = 0, isCounting = false, asking = 0;

  // ---- the network -----------------------------------------------------------------------------------------------
  const heard = {
    answer(answer) {
      if (!answer?.ids) return;
      network = { ...answer, shares: softmax(Array.from(numbers(answer.logits))) };
      notice("");
      draw();
    },
    problem(sentence) { notice(sentence); },
  };
  const thinker = live ? kernelThinker(model, heard) : pageThinker(heard);
  const canAsk = live || Boolean(model.get("tiny"));
  const isFresh = () => network?.ids.length === ids.length && network.ids.every((id, t) => id === ids[t]);
  const waits = () => model.get("asks") && model.get("guess") < 0;  // for the reader's guess
  const tidy = (text) => text.replace(/ +$/, "");  // a token carries the space before it, so the last one waits for its word

  // ---- what the reader does --------------------------------------------------------------------------------------
  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const box = h("textarea", { rows: "4", "aria-label": "Your text", autocomplete: "off", spellcheck: "false", dir: "auto", maxlength: LONGEST });
  const typed = () => {
    if (waits()) model.set("asks", false);
    clearTimeout(asking);
    if (canAsk) asking = setTimeout(() => thinker.ask({ text: tidy(box.value) }), REST);
    draw();
  };
  box.addEventListener("input", (event) => { if (!event.isComposing) typed(); });
  box.addEventListener("compositionend", typed);
  const put = (text) => {
    if (text.length > LONGEST) return notice(`A text may have at most ${LONGEST.toLocaleString("en")} characters here. Take some away.`);
    box.value = text;
    typed();
    box.scrollTop = 1e6;
  };
  function append(id) {
    const piece = decode([id]);
    if (id === END) return say("The tale ends here.");
    if (id === BEGIN || piece.includes("\ufffd")) return notice("This token is a part of a character and cannot stand alone.");
    notice("");
    put(tidy(box.value) + piece);
  }
  const pick = (m, rank) => { if (best[m]?.[rank]) append(best[m][rank][0]); };
  function drawOne() {
    const shares = now[model.get("picked")];
    if (!shares) return say("The network is still reading.");
    let place = next(), id = 0;
    while (id < shares.length - 1 && (place -= shares[id]) >= 0) id++;
    if (id === END) return notice("This model has drawn the end of the tale. Draw again, or type on.");
    append(id);
  }
  const tries = select({ label: "text", options: [...TRIES.map(([label], k) => [k, label]), ["", "your own"]], value: 0, onChange: (k) => {
    if (k) put(TRIES[k][1] ?? story);
    tries.set(k);
  } });
  const writer = button("Draw a token", drawOne, { title: "Draw the next token from the model picked below, and append it" });

  // ---- the picture -----------------------------------------------------------------------------------------------
  const words = h("div", { class: "ld-words" });
  const speech = speaker(words);
  const cards = NAMES.map((_, m) => card(m, pick));
  const picker = choice({ label: "surprise of", options: NAMES.map((name, m) => [String(m), name]), value: String(model.get("picked")), onChange: (m) => keep({ picked: Number(m) }) });
  const strip = h("div", { class: "ld-strip", tabindex: "0", role: "group", "aria-label": "The text as tokens, tinted by surprise" });
  const about = h("p", { class: "ld-about" }), status = h("p", { class: "ld-status" });
  const costTable = asTable("Surprise of every token, in nats", tableOfCosts, "Surprise as table");
  const nextTable = asTable("The likeliest next tokens of each model", tableOfNext, "Next tokens as table");
  strip.addEventListener("pointerover", ({ target }) => {
    const t = [...strip.children].indexOf(target);
    if (t >= 0) target.title = NAMES.map((name, m) => `${name}: ${(costs[m][t] ?? NaN).toFixed(2)} nats`).join("\n");
  });
  root.append(h("div", { class: "ld" }, words, box, h("div", { class: "ld-bar-of-controls" }, tries.el, writer),
    h("div", { class: "ld-cards" }, cards.map((one) => one.el)),
    h("div", { class: "ld-picker" }, picker.el, h("span", { class: "ld-key" }, "0", h("i", {}), `${MOST} nats`)), strip, about, status, h("div", { class: "ld-tables" }, costTable.el, nextTable.el)));

  const chips = [];
  const draw = oncePerFrame(() => {
    if (!ngrams) return;
    ids = [BEGIN, ...encode(tidy(box.value))];
    from = Math.max(1, ids.length - SHOWN);
    const fresh = isFresh();
    now = [...ngrams.after(ids), fresh ? network.shares : null];
    charge(fresh);
    slice = isCounting ? 1.3 * slice : SLICE;
    if (isCounting) draw();  // the rest in the next frame, what is known by then at once
    best = now.map((shares) => (shares ? likeliest(shares, ROWS) : null));
    const asked = waits();
    cards.forEach((one, m) => {
      one.show(best[m], names, asked && m > 1);
      write(one.sees, seen(m));
      write(one.cost, asked && m > 1 ? "" : mean(costs[m]));
    });
    if (tries.input.value && box.value !== (TRIES[tries.input.value][1] ?? story)) tries.set("");
    cards[NETWORK].el.classList.toggle("ld-waiting", !fresh);
    picker.set(model.get("picked"));
    drawStrip();
    speak(asked);
    write(status, who(fresh));
    costTable.refresh();
    nextTable.refresh();
  });

  // What each token has cost each model; what was charged before serves again as far as the text is the same.
  function charge(fresh) {
    let same = 0;
    while (same < charged.length && charged[same] === ids[same]) same++;
    const keep = from === chargedFrom ? Math.max(0, Math.min(same - from, costs[0]?.length ?? 0)) : 0;
    costs = NAMES.map((_, m) => (m < NETWORK ? costs[m]?.slice(0, keep) ?? [] : []));
    const until = performance.now() + slice;
    for (let t = from; t < ids.length; t++) {
      const isNew = costs[0].length === t - from;
      if (isNew && performance.now() < until) ngrams.share(ids.slice(Math.max(0, t - ORDERS + 1), t), ids[t]).forEach((share, m) => costs[m].push(-Math.log(share)));
      costs[NETWORK].push(fresh ? network.surprise[t - network.start] : null);
    }
    [charged, chargedFrom] = [ids, from];
    isCounting = costs[0].length < ids.length - from;
  }

  const drawStrip = oncePerFrame(() => {  // in the frame after the cards
    const tokens = names(ids).slice(from), mine = costs[model.get("picked")];
    const grew = chips.length < tokens.length;
    while (chips.length > tokens.length) chips.pop().remove();
    while (chips.length < tokens.length) {
      chips.push(h("bdi", { class: "ld-chip" }));
      strip.append(chips.at(-1));
    }
    tokens.forEach((token, t) => {  // only what has changed is touched
      if (chips[t].token !== token) chips[t].textContent = chips[t].token = token;
      const tint = mine[t] == null ? 0 : Math.round(20 * Math.min(1, mine[t] / MOST)) * 2;
      if (chips[t].tint !== tint) chips[t].style.background = `color-mix(in srgb, var(--llm-accent) ${chips[t].tint = tint}%, transparent)`;
    });
    if (grew) strip.scrollTop = 1e6;
    const worst = mine.reduce((top, cost, t) => (cost != null && cost > (mine[top] ?? -1) ? t : top), 0);
    const name = NAMES[model.get("picked")];
    write(about, !tokens.length ? "Nothing is written yet. The bars show what a tale begins with."
      : mine[worst] == null || isCounting ? "Reading …"
      : `The greatest surprise to ${name}: ${tokens[worst]}, which it had given ${percent(Math.exp(-mine[worst]))}, so ${mine[worst].toFixed(2)} nats.${from > 1 ? ` The last ${SHOWN} tokens are shown.` : ""}`);
  });

  const seen = (m) => {
    if (m === NETWORK) return "everything before";
    const last = ids.slice(Math.max(0, ids.length - m)), start = ids.length > m ? "" : "(the beginning) ";
    return m === 0 ? "nothing" : start + decode(last.filter((id) => id !== BEGIN)).trim();
  };
  const mean = (list) => (list.length && list.length === ids.length - from && list.at(-1) != null ? `${(list.reduce((sum, x) => sum + x, 0) / list.length).toFixed(2)} nats` : "");
  const who = (fresh) => {
    const counting = `n = 1 to 5: counted in ${model.get("number")} tales, in this page. `;
    if (!canAsk) return `${counting}The network cannot run here.`;
    if (!fresh) return `${counting}The network is reading …`;
    const where = network.where ?? (network.device ? `on ${network.device}` : "when this page was made. It runs here too: type");
    return `${counting}The network: ${network.model} ${where}.`;
  };

  function speak(asked) {
    const isStory = tidy(box.value) === tidy(story) && model.get("asks");
    const kind = asked ? "asked" : isStory ? `told ${model.get("guess")} ${now[NETWORK] ? 1 : 0}` : "free";
    if (words.dataset.kind === kind) return void (kind === "free" && said());
    words.dataset.kind = kind;
    if (asked) return void speech.ask("Nina has dented Carl’s blue bucket. “Look what I did to your …” Which model will say blue?", GUESSES, (i) => keep({ guess: i }));
    speech.tell(isStory ? verdict() : "Type. Press a token to append it. Six models read along, and each is charged for every token it did not expect.");
    said();
  }

  function verdict() {
    const blue = encode(" blue")[0];
    const [counts, net] = [now[4][blue], now[NETWORK]?.[blue] ?? 0];
    const [top, share] = best[4][0];
    const right = model.get("guess") === 1 ? "Yes" : "Look again";
    return `${right}. Five-token counts see “${seen(4)}” and no further back: ${names([top])[0]} gets ${percent(share)}, blue ${percent(counts)}. The network looks over the whole tale and gives blue ${percent(net)}.`;
  }
  const said = () => say(cards.map((_, m) => (best[m] ? `${NAMES[m]}: ${names([best[m][0][0]])[0]} ${percent(best[m][0][1])}` : "")).filter(Boolean).join("; "));

  function tableOfCosts() {
    const tokens = names(ids).slice(from);
    return [["token", ...NAMES], ...tokens.map((token, t) => [token, ...costs.map((list) => (list[t] == null ? "–" : list[t].toFixed(6)))])];
  }
  function tableOfNext() {
    return [["model", "token", "id", "probability"], ...best.flatMap((list, m) => (waits() && m > 1 ? [[NAMES[m], "?", "", ""]] : (list ?? []).map(([id, share]) => [NAMES[m], names([id])[0], id, share.toFixed(6)])))];
  }

  const reread = () => { if (tidy(box.value) !== tidy(model.get("text")) && document.activeElement !== box) { box.value = model.get("text"); draw(); } };
  const listen = { picked: draw, asks: draw, guess: draw, text: reread };
  for (const [name, callback] of Object.entries(listen)) model.on(`change:${name}`, callback);
  box.value = story;
  if (canAsk) for (const event of ["focusin", "pointerdown"]) root.addEventListener(event, thinker.wake, { once: true });
  if (model.get("error")) notice(model.get("error"));
  if (model.get("answer")?.ids) heard.answer(model.get("answer"));
  draw();
  requestAnimationFrame(() => { box.scrollTop = 1e6; });

  return () => {
    clearTimeout(opening);
    clearTimeout(asking);
    for (const [name, callback] of Object.entries(listen)) model.off(`change:${name}`, callback);
    thinker.stop();
    dispose();
  };
}

// Logits as they come from a Worker, or as bytes from a kernel or with the page.
function numbers(data) {
  return data instanceof Float32Array ? data : new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
}

function write(element, text) {
  if (element.written !== text) element.textContent = element.written = text;
}

export default { render };
