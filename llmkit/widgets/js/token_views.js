// What the next-token widget is drawn with: bars for what may come, the tokens that were read, and the logit lens.
import { h, percent } from "./kit.js";
import { ROWS, nameOf } from "./thought.js";

export const MOST = 8;  // nats: a surprise that fills its bar
const TINTS = Array.from({ length: 21 }, (_, step) => `color-mix(in srgb, var(--llm-accent) ${2 * step}%, transparent)`);

// One button for each of the likeliest tokens, then a line for all others. A press chooses the token.
export function barsView(onPick) {
  const rows = Array.from({ length: ROWS + 1 }, (_, rank) => {
    const [name, bar, tick, number] = [h("bdi", { class: "nt-name" }), h("span", { class: "nt-bar" }), h("span", { class: "nt-tick" }), h("span", { class: "nt-share" })];
    const parts = [name, h("span", { class: "nt-track", "aria-hidden": "true" }, bar, tick), number];
    const el = rank < ROWS ? h("button", { type: "button", class: "nt-row", onclick: () => onPick(rank) }, parts) : h("div", { class: "nt-row nt-rest" }, parts);
    return { el, name, bar, tick, number };
  });
  const key = h("span", {});
  const list = h("div", { class: "nt-bars", role: "group", "aria-label": "What may come next. Press a token to choose it." }, rows.map((row) => row.el));
  const el = h("div", { class: "nt-part" }, h("div", { class: "nt-head" }, h("p", { class: "nt-title" }, "What comes next"), key), list);

  function show(thought, { before, after, kept }, counts, total, drawn) {
    write(key, total ? `the line: its share of ${total.toLocaleString("en")} drawn` : "");
    const rest = { before: 1, after: 1, count: total };
    rows.forEach((row, rank) => {
      const isRest = rank === ROWS;
      if (!isRest && rank >= thought.order.length) return void (row.el.hidden = true);
      row.el.hidden = false;
      const [was, is, seen] = isRest ? [rest.before, rest.after, rest.count] : [before[rank], after[rank], counts[rank] ?? 0];
      if (!isRest) { rest.before -= was; rest.after -= is; rest.count -= seen; }
      const isCut = rank >= kept;
      const share = Math.max(0, isCut ? was : is);
      const name = isRest ? `${(thought.order.length - ROWS).toLocaleString("en")} others` : nameOf(thought, rank);
      const says = isCut ? `cut (${percent(share)})` : percent(share);
      row.el.classList.toggle("nt-cut", isCut);
      row.el.classList.toggle("nt-drawn", rank === drawn);
      row.bar.style.transform = `scaleX(${share})`;
      row.tick.hidden = !seen;
      row.tick.style.left = `${total ? (100 * seen) / total : 0}%`;
      write(row.name, name);
      write(row.number, total && (seen || !isCut) ? `${says} · ${seen}` : says);
      if (!isRest) row.el.setAttribute("aria-label", `${name}, ${says}${total ? `, drawn ${seen} of ${total}` : ""}`);
    });
  }
  return { el, show };
}

// The tokens that were read. Their tint is the attention of the last token, the bar under each its surprise.
export function stripView() {
  const el = h("div", { class: "nt-strip", tabindex: "0", role: "group", "aria-label": "The text as tokens" });
  let chips = [], shown = { tokens: [] }, looks = [];
  el.addEventListener("pointerover", ({ target }) => {
    const t = chips.findIndex((chip) => chip.el === target);
    const nats = shown.surprise?.[t];
    if (t >= 0) target.title = `${shown.tokens[t]}: attention ${looks[t].toFixed(2)}${nats == null ? "" : `, surprise ${nats.toFixed(2)} nats, probability ${percent(Math.exp(-nats))}`}`;
  });
  function show(thought, attention) {
    [shown, looks] = [thought, attention];
    const top = Math.max(1e-9, ...attention);
    const grew = chips.length < thought.tokens.length;
    while (chips.length > thought.tokens.length) chips.pop().el.remove();
    while (chips.length < thought.tokens.length) {
      chips.push({ el: h("bdi", { class: "nt-chip" }) });
      el.append(chips.at(-1).el);
    }
    thought.tokens.forEach((token, t) => {  // only what has changed is touched: a long text changes at every token
      const chip = chips[t];
      const tint = Math.round((20 * attention[t]) / top);
      const nats = thought.surprise[t];
      if (chip.token !== token) chip.el.textContent = chip.token = token;
      if (chip.tint !== tint) chip.el.style.backgroundColor = TINTS[chip.tint = tint];
      if (chip.surprise !== nats) chip.el.style.setProperty("--s", Math.min(1, ((chip.surprise = nats) ?? 0) / MOST));
    });
    if (grew) el.scrollTop = 1e6;
    return top;
  }
  return { el, show };
}

// After each layer: the token the model would say if it stopped there, and how sure it is.
export function lensView() {
  const list = h("ol", { class: "nt-lens" });
  const el = h("div", { class: "nt-part" }, h("p", { class: "nt-title" }, "If it stopped after layer …"), list);
  let rows = [];
  function show({ lens }) {
    el.hidden = !lens.length;
    if (rows.length !== lens.length) {
      rows = lens.map((_, l) => ({ name: h("bdi", { class: "nt-name" }), bar: h("span", { class: "nt-bar" }), share: h("span", { class: "nt-share" }), layer: h("span", { class: "nt-layer" }, String(l)) }));
      list.replaceChildren(...rows.map(({ layer, name, bar, share }) => h("li", {}, layer, name, h("span", { class: "nt-track", "aria-hidden": "true" }, bar), share)));
    }
    lens.forEach(({ name, share }, l) => {
      write(rows[l].name, name);
      write(rows[l].share, percent(share));
      rows[l].bar.style.transform = `scaleX(${share})`;
    });
  }
  return { el, show };
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
