// An encoder and a decoder, both GRUs, with attention or without, in plain JavaScript and double precision.
// tests/widgets/test_alignment_page.py compares it with llmkit.recurrence on the same weights.
import { dot, softmax } from "./math.js";

const POWERS = Array.from({ length: 32 }, (_, power) => 2 ** (Math.max(1, power) - 25));

// Half-precision numbers, two bytes each, as doubles.
export function halves(view, from, count) {
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const bits = view.getUint16(2 * (from + i), true), power = (bits >> 10) & 31, rest = bits & 1023;
    const size = POWERS[power] * (power ? 1024 + rest : rest);
    numbers[i] = bits >> 15 ? -size : size;
  }
  return numbers;
}

// { name: rows of a matrix, or one vector } from the bytes and [[name, ...shape], ...] in their order: those whose name
// begins with `start`, without it.
export function readWeights(view, shapes, start = "") {
  const found = {};
  let at = 0;
  for (const [name, rows, columns] of shapes) {
    if (name.startsWith(start)) {
      found[name.slice(start.length)] = columns ? Array.from({ length: rows }, (_, row) => halves(view, at + row * columns, columns)) : halves(view, at, rows);
    }
    at += rows * (columns ?? 1);
  }
  return found;
}

// Four sums at once, which do not wait for each other. Rows are as long as a multiple of four.
function times(matrix, vector, bias) {
  const product = new Float64Array(matrix.length);
  for (let i = 0; i < matrix.length; i++) {
    const row = matrix[i];
    let a = bias ? bias[i] : 0, b = 0, c = 0, d = 0;
    for (let j = 0; j < row.length; j += 4) {
      a += row[j] * vector[j];
      b += row[j + 1] * vector[j + 1];
      c += row[j + 2] * vector[j + 2];
      d += row[j + 3] * vector[j + 3];
    }
    product[i] = a + b + c + d;
  }
  return product;
}
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// A GRU whose input is one of a few letters: what it reads of each is worked out once. Returns step(letter, state) -> state.
function makeGru(weights, name, embedding) {
  const [ih, hh, bi, bh] = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"].map((part) => weights[`${name}.${part}`]);
  const read = embedding.map((row) => times(ih, row, bi));
  return (letter, state) => {
    const width = state.length, x = read[letter], kept = times(hh, state, bh);
    const next = new Float64Array(width);
    for (let i = 0; i < width; i++) {
      const reset = sigmoid(x[i] + kept[i]), update = sigmoid(x[width + i] + kept[width + i]);
      const proposal = Math.tanh(x[2 * width + i] + reset * kept[2 * width + i]);
      next[i] = (1 - update) * proposal + update * state[i];
    }
    return next;
  };
}

// write(letters) -> { letters, chances, weights }: as many letters as were read, each time the likeliest, which is then read back.
export function makeWriter(weights) {
  const embedding = weights["embedding.weight"], begin = embedding.length - 1;
  const reader = makeGru(weights, "reader", embedding), writer = makeGru(weights, "writer", embedding);
  const match = weights["match.weight"], width = weights["mix.weight"].length;
  let last = [], known = [];  // the letters read last time, and the state after each: what begins alike is not read again
  return (read) => {
    const alike = read.findIndex((one, t) => one !== last[t]);
    const states = known.slice(0, alike < 0 ? read.length : alike);
    let state = states.at(-1) ?? new Float64Array(width), letter = begin;
    for (const one of read.slice(states.length)) states.push((state = reader(one, state)));
    [last, known] = [read, states];
    const written = { letters: [], chances: [], weights: [] };
    for (let t = 0; t < read.length; t++) {
      state = writer(letter, state);
      const asked = match && times(match, state);
      const looks = match ? softmax(states.map((seen) => dot(asked, seen))) : states.map((_, s) => (s === states.length - 1 ? 1 : 0));
      const both = new Float64Array(2 * width);
      both.set(state, width);
      looks.forEach((share, s) => { if (share) for (let i = 0; i < width; i++) both[i] += share * states[s][i]; });
      const chances = softmax(Array.from(times(weights["head.weight"], times(weights["mix.weight"], both, weights["mix.bias"]).map(Math.tanh), weights["head.bias"])));
      letter = chances.indexOf(Math.max(...chances));
      written.letters.push(letter);
      written.chances.push(chances);
      written.weights.push(looks);
    }
    return written;
  };
}

// ---- any 26 signs ----------------------------------------------------------------------------------------------

const cutter = globalThis.Intl?.Segmenter && new Intl.Segmenter(undefined, { granularity: "grapheme" });

// What a reader calls one character each: a letter with its accents, an emoji with its skin.
export function signs(text) {
  return cutter ? Array.from(cutter.segment(text), (part) => part.segment) : [...text];
}

// The models know the letters a to z as 26 signs. Any other sign borrows a letter that the text does not use.
// Returns { ids, names }: a number for each sign, and what each of the 26 numbers is called here; null when there are too many.
export function borrow(list) {
  const names = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));
  const free = names.filter((letter) => !list.includes(letter)), given = new Map();
  for (const sign of list) {
    if (/^[a-z]$/.test(sign) || given.has(sign)) continue;
    if (!free.length) return null;
    given.set(sign, free.shift());
  }
  const ids = list.map((sign) => (given.get(sign) ?? sign).charCodeAt(0) - 97);
  for (const [sign, letter] of given) names[letter.charCodeAt(0) - 97] = sign;
  return { ids, names };
}
