// What is known about one answer: its ranking, its numbers as arrays, and the words for them.
import { percent } from "./kit.js";
import { ranking } from "./sampling.js";
import { fromHalf } from "./tinylm.js";

export const ROWS = 12;  // likeliest tokens with a bar of their own, as in llmkit/widgets/next_token.py

// Numbers as they come from a kernel (DataView), from a Worker (Float32Array), or stored in half precision.
export function toNumbers(data, half) {
  if (data instanceof Float32Array) return data;
  const bytes = data ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : new ArrayBuffer(0);
  return half ? fromHalf(new Uint16Array(bytes)) : new Float32Array(bytes);
}

// { order: ids from the likeliest down, ranked: their logits, names: of the first of them, ... } and what the answer holds
export function makeThought(answer) {
  const logits = toNumbers(answer.logits, answer.half);
  const order = answer.order ?? ranking(logits);
  return { ...answer, order, ranked: Float32Array.from(order, (id) => logits[id]), names: new Map(answer.top), attention: toNumbers(answer.attention) };
}

// (T): how much the last token looks at each, in one head, or on average where layer or head is -1.
export function attentionOf({ attention, layers, heads, tokens }, layer, head) {
  const size = tokens.length;
  const sums = new Float64Array(size);
  if (!attention.length) return sums;
  const all = (count, picked) => (picked >= 0 && picked < count ? [picked] : Array.from({ length: count }, (_, i) => i));
  const pairs = all(layers, layer).flatMap((l) => all(heads, head).map((k) => (l * heads + k) * size));
  for (const at of pairs) for (let t = 0; t < size; t++) sums[t] += attention[at + t] / pairs.length;
  return sums;
}

export const nameOf = (thought, rank) => thought.names.get(thought.order[rank]) ?? `token ${thought.order[rank]}`;

const few = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

// "tales-gpt-mini on CPU, 1 thread: 12 new tokens in 9.1 ms"
export function whoAnswered({ model, device, where, steps, ms }, isTiny) {
  if (!device && !where) return `${model}, computed with Python when this page was made.${isTiny ? " It runs here too: type, or press a button." : ""}`;
  const time = ms < 10 ? ms.toFixed(1) : String(Math.round(ms));
  return `${model} ${where ?? `on ${device}`}: ${few(steps, "token")} read in ${time} ms.`;
}

// What the reader must know about the text, or nothing.
export function limits({ start, ids, context, tokens, cut }) {
  const parts = cut ? ["Only the last 20,000 characters of the text are read."] : [];
  if (start) parts.push(`The text has ${few(ids.length, "token")} and the model reads at most ${context}, so its window has slid: it holds the last ${tokens.length}.`);
  return parts.join(" ");
}

// For a screen reader: "Next: fair 62%, race 10%, …"
export const summary = (thought, after) => `Next: ${[0, 1, 2].filter((rank) => after[rank] > 0).map((rank) => `${nameOf(thought, rank)} ${percent(after[rank])}`).join(", ")}.`;

export function tableOfTokens(thought, { before, after }, counts, total) {
  const rows = Array.from({ length: Math.min(50, thought.order.length) }, (_, rank) => [
    nameOf(thought, rank), thought.order[rank], before[rank].toFixed(5), after[rank].toFixed(5), ...(total ? [counts[rank] ?? 0] : [])]);
  return [["token", "id", "at this temperature", "after the cuts", ...(total ? [`of ${total.toLocaleString("en")} drawn`] : [])], ...rows];
}

export function tableOfText({ tokens, surprise, start, lead, lens }, attention) {
  const rows = tokens.map((token, t) => [start && t >= lead ? t + start : t, token, surprise[t] == null ? "–" : surprise[t].toFixed(3), attention[t].toFixed(4)]);
  return [["place", "token", "surprise, nats", "attention of the last token"], ...rows,
    ...lens.map(({ name, share }, l) => [`after layer ${l}`, name, "–", `its probability: ${share.toFixed(4)}`])];
}
