// The steps of attention on a handful of tokens: their numbers, their formulas, and the arithmetic spelled out in words.

import { mix, products, softmax } from "./math.js";
import { formatNumber, h } from "./kit.js";

export const STEPS = ["multiply", "sum", "scale", "mask", "softmax", "weighted sum"];
export const FORMULAS = ["q_{ic} × k_{jc}", "q_i · k_j = Σ_c q_{ic} k_{jc}", "s_{ij} = q_i · k_j / √d", "s_{ij} = −∞  if j > i", "w_{ij} = e^{s_{ij}} / Σ_j e^{s_{ij}}", "o_i = Σ_j w_{ij} v_j"];

// Every step of attention on plain arrays; tests compare it with llmkit.attention.attend.
export function trace({ query, key, value, causal }) {
  const parts = query.map((q) => key.map((k) => q.map((x, c) => x * k[c])));
  const raw = products(query, key);
  const scaled = raw.map((row) => row.map((score) => score / Math.sqrt(key[0].length)));
  const masked = scaled.map((row, i) => row.map((score, j) => (causal && j > i ? -Infinity : score)));
  const weights = masked.map(softmax);
  return { parts, raw, scaled, masked, weights, output: mix(weights, value) };
}

// ---- numbers and formulas as text: exact numbers stay exact ("4"), rounded ones say so ("≈ 2.83") ---------------

const isExact = (x) => x === -Infinity || Math.abs(x - Number(x.toFixed(2))) <= 1e-12 * Math.abs(x);
export const short = (x) => (isExact(x) ? formatNumber(x).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : formatNumber(x));
const inner = (x) => (x < 0 ? `(${short(x)})` : short(x));
export const vector = (numbers) => `(${numbers.map(short).join(", ")})`;
export const equals = (x) => (typeof x === "string" ? x : `${[x].flat().every(isExact) ? "=" : "≈"} ${Array.isArray(x) ? vector(x) : short(x)}`);
export const name = (token) => h("bdi", { class: "ms-token" }, shown(token));
export const shown = (token) => token.replace(/^\s+|\s+$/g, (space) => "␣".repeat(space.length)) || "∅";

// "s_{ij} = e^x" as HTML: letters in italics, _ below, ^ above; braces hold more than one sign.
export function formula(text) {
  const found = text.match(/[_^]\{(?:[^{}]|\{[^{}]*\})*\}|[_^].|[a-z]+|[^_^a-z]+/g) ?? [];
  return found.map((part) => {
    if (/^[_^]/.test(part)) return h(part[0] === "_" ? "sub" : "sup", {}, formula(part.slice(1).replace(/^\{(.*)\}$/, "$1")));
    return /^[a-z]+$/.test(part) && part !== "if" ? h("i", {}, part) : part;
  });
}

export function explain(step, state) {
  const d = state.key[0].length;
  if (step === 1) return "Each number of a query meets the same number of a key.";
  if (step === 2) return "Add the products: one score for each pair. High means “you are what I need”.";
  if (step === 3) return `Divide by √${d} ${equals(Math.sqrt(d))}, or scores grow with the number of dimensions.`;
  if (step === 4) return state.causal ? "A word may not look at the words after it: those scores become −∞." : "The mask is off: every word may look at every word.";
  if (step === 5) return "Turn each row into shares that are positive and sum to 1.";
  return "Mix the values by those shares. This is what the word takes with it.";
}

// The chosen word's row, spelled out: [token, how, result] for each key, and a last line where the row comes together.
export function work(step, state, m, i) {
  const { tokens, query, key, value } = state;
  const row = m.masked[i];
  const top = Math.max(...row);
  const shift = Math.abs(top) > 10 ? top : 0;
  const total = row.reduce((sum, score) => sum + Math.exp(score - shift), 0);
  const power = (score) => ["e", h("sup", {}, shift ? `${short(score)} − ${inner(shift)}` : short(score))];
  const open = row.filter((score) => score > -Infinity).length;
  const share = (w) => (open > 1 && (w === 0 || w === 1) ? `≈ ${w}` : w);  // no power is exactly 0, only too small to store
  const lines = tokens.map((token, j) => {
    if (step === 1) return [token, query[i].map((x, c) => `${inner(x)} × ${inner(key[j][c])}`).join(",   "), m.parts[i][j]];
    if (step === 2) return [token, m.parts[i][j].map(inner).join(" + "), m.raw[i][j]];
    if (step === 3) return [token, `${short(m.raw[i][j])} / √${query[i].length}`, m.scaled[i][j]];
    if (step === 4) return [token, row[j] === -Infinity ? "comes later, so" : "may be looked at", row[j]];
    if (step === 5) return [token, [power(row[j]), ` / ${short(total)}`], row[j] === -Infinity ? 0 : share(m.weights[i][j])];
    return [token, `${short(m.weights[i][j])} × ${vector(value[j])}`, value[j].map((x) => x * m.weights[i][j])];
  });
  if (step === 5) lines.push([null, `${short(total)} is the sum of all powers`, 1]);
  if (step === 6) lines.push([null, "the sum, and so the output", m.output[i]]);
  return lines;
}
