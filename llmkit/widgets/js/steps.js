// The steps of attention on a handful of tokens: their numbers, their formulas, and the arithmetic spelled out in words.

import { mix, products, softmax } from "./math.js";
import { formatNumber, h } from "./kit.js";

export const STEPS = ["multiply", "sum", "scale", "mask", "softmax", "weighted sum"];
export const FORMULAS = ["q_{ic} × k_{jc}", "q_i · k_j = Σ_c q_{ic} k_{jc}", "s_{ij} = q_i · k_j / √d", "s_{ij} = −∞  if j > i", "α_{ij} = e^{s_{ij}} / Σ_l e^{s_{il}}", "o_i = Σ_j α_{ij} v_j"];

// Whether tokens and numbers fit together.
export function agrees({ tokens, query, key, value }) {
  return [query, key, value].every((rows) => rows.length === tokens.length) && query[0].length === key[0].length;
}

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
  const found = text.match(/[_^]\{(?:[^{}]|\{[^{}]*\})*\}|[_^].|[a-zα]+|[^_^a-zα]+/g) ?? [];
  return found.map((part) => {
    if (/^[_^]/.test(part)) return h(part[0] === "_" ? "sub" : "sup", {}, formula(part.slice(1).replace(/^\{(.*)\}$/, "$1")));
    return /^[a-zα]+$/.test(part) && part !== "if" ? h("i", {}, part) : part;
  });
}

export function explain(step, state) {
  const d = state.key[0].length;
  if (step === 1) return "Each number of a query meets the same number of a key.";
  if (step === 2) return "Add the products: one score for each pair. A high one: the key offers what the query looks for.";
  if (step === 3) return `Divide by √${d} ${equals(Math.sqrt(d))}, or scores grow with the number of dimensions.`;
  if (step === 4) return state.causal ? "A word may not look at the words after it: those scores become −∞." : "The mask is off, so every score stays. Tick “causal mask” to see this step at work.";
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
  const exponential = (score) => ["e", h("sup", {}, shift ? `${short(score)} − ${inner(shift)}` : short(score))];
  const open = row.filter((score) => score > -Infinity).length;
  const share = (w) => (open > 1 && (w === 0 || w === 1) ? `≈ ${w}` : w);  // no exponential is exactly 0, only too small to store
  const lines = tokens.map((token, j) => {
    if (step === 1) return [token, query[i].map((x, c) => `${inner(x)} × ${inner(key[j][c])}`).join(",   "), m.parts[i][j]];
    if (step === 2) return [token, m.parts[i][j].map(inner).join(" + "), m.raw[i][j]];
    if (step === 3) return [token, `${short(m.raw[i][j])} / √${query[i].length}`, m.scaled[i][j]];
    if (step === 4) return [token, row[j] === -Infinity ? "comes later, so" : "may be looked at", row[j]];
    if (step === 5) return [token, [exponential(row[j]), ` / ${short(total)}`], row[j] === -Infinity ? 0 : share(m.weights[i][j])];
    return [token, `${short(m.weights[i][j])} × ${vector(value[j])}`, value[j].map((x) => x * m.weights[i][j])];
  });
  if (step === 5) lines.push([null, `${short(total)} is the sum of all exponentials`, 1]);
  if (step === 6) lines.push([null, "the sum, and so the output", m.output[i]]);
  return lines;
}

// What became of a guess, said with the numbers at hand: which word the chosen row looks at most, and why not at the guessed one.
export function verdict(state, m, said) {
  const { tokens, row, query, key } = state;
  const weights = m.weights[row];
  const top = Math.max(...weights) - 1e-9;
  const best = weights[said] > top ? said : weights.findIndex((w) => w > top);
  const share = ["gets ", h("b", {}, short(weights[best])), " of the attention. "];
  if (weights.filter((w) => w > top).length > 1) return [best === said ? "Yes, but not alone: " : "Not quite: ", "several scores are highest alike. Each of them ", share];
  const offers = [name(tokens[best]), ` offers ${vector(key[best])}`];
  if (best === said) return ["Yes: ", name(tokens[row]), ` looks for ${vector(query[row])}, `, offers, " and ", share];
  const itself = said === row;
  const part = partOf(m, row, said, best, query[row], key);
  const score = m.masked[row][said];
  const why = part ? [`has ${part} of what `, itself ? "it" : name(tokens[row]), " looks for. "] : score === -Infinity ? "is behind the mask. " : `scores ${short(score)}. `;
  return ["Not ", itself ? "itself" : name(tokens[said]), `: its key ${vector(key[said])} `, why, offers, part ? " and " : `, scores ${short(m.masked[row][best])} and `, share];
}

const PARTS = { 0: "nothing", 3: "only a quarter", 4: "only a third", 6: "only half", 8: "only two thirds", 9: "only three quarters" };

// How much of what a query looks for the guessed key offers, in words; undefined where the scores would not bear that out.
function partOf(m, row, said, best, query, key) {
  const asked = query.map((_, c) => c).filter((c) => query[c] > 0);
  const met = (j) => asked.filter((c) => key[j][c] > 0).length;
  const isPlain = [query, key[said], key[best]].flat().every((x) => x >= 0) && met(best) === asked.length;
  const bearsOut = Math.abs(m.raw[row][said] * asked.length - m.raw[row][best] * met(said)) < 1e-9;
  return isPlain && bearsOut && m.masked[row][said] > -Infinity ? PARTS[(12 * met(said)) / asked.length] : undefined;
}

// Every number of every step, with six decimals: a line for each pair, then one for the output.
export function tableRows({ tokens, query, key, value }, m) {
  const six = (x) => [x].flat().map((number) => formatNumber(number, 6)).join("  ");
  const pair = (i, j) => [query[i], key[j], m.parts[i][j], m.raw[i][j], m.scaled[i][j], m.masked[i][j], m.weights[i][j], value[j].map((x) => x * m.weights[i][j])];
  return [["pair", "query", "key", "products", "score", "scaled", "masked", "weight", "weight × value"], ...tokens.flatMap((asks, i) => [
    ...tokens.map((answers, j) => [`${shown(asks)} → ${shown(answers)}`, ...pair(i, j).map(six)]),
    [`${shown(asks)}, output`, "", "", "", "", "", "", "", six(m.output[i])],
  ])];
}
