// A stack of blocks forward and back, in plain JavaScript: llmkit/residual.py again, and the draws of block_explorer.py.
// A matrix is a Float64Array, row after row; its sizes are given beside it.

import { normal, uniform } from "./math.js";

export const WIDTH = 32, HEADS = 4, INNER = 128, DEEPEST = 16, MOST = 8;
export const PARTS = ["norm1", "attention", "add1", "norm2", "feed_forward", "add2"];
const SEED = 7, READOUT_SEED = 77, EPS = 1e-5, HEAD = WIDTH / HEADS;
const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";
const ALONE = "\\u3040-\\u30ff\\u3400-\\u9fff\\uf900-\\ufaff";

export const cut = (text) => text.match(new RegExp(`[${ALONE}]|[^${BLANK}${ALONE}]+`, "g")) ?? [];

const filled = (count, next) => Float64Array.from({ length: count }, () => next());

// The row that a word stands for, from a hash of its bytes (FNV-1a).
export function embedding(word) {
  let seed = 2166136261;
  for (const byte of new TextEncoder().encode(word)) seed = Math.imul(seed ^ byte, 16777619) >>> 0;
  return filled(WIDTH, normal(seed));
}

// layers(L): the weights of the first L blocks. They are drawn when they are first asked for.
export function makeLayers() {
  const next = uniform(SEED), drawn = [];
  const draw = (rows, columns) => {  // evenly from an interval, with variance 1 / rows
    const weight = new Float64Array(rows * columns), half = Math.sqrt(3 / rows);
    for (let i = 0; i < weight.length; i++) weight[i] = half * (2 * next() - 1);
    return weight;
  };
  return (count) => {
    while (drawn.length < count) {
      const [query, key, value, output] = [0, 0, 0, 0].map(() => draw(WIDTH, WIDTH));
      drawn.push({ query, key, value, output, inner: draw(WIDTH, INNER), outer: draw(INNER, WIDTH) });
    }
    return drawn.slice(0, count);
  };
}

// Each word is read out in a direction of its own, of length 1.
export function directions() {
  const next = normal(READOUT_SEED);
  return Array.from({ length: MOST }, () => {
    const row = filled(WIDTH, next);
    const length = Math.hypot(...row);
    return row.map((x) => x / length);
  });
}

// a (n, k) times b (k, m); with `back`, a (n, m) times the transpose of b (k, m). Four rows of b at a time: k is a multiple of 4.
function times(a, b, k, m, back) {
  const n = a.length / (back ? m : k), out = new Float64Array(n * (back ? k : m));
  for (let i = 0; i < n; i++) {
    const at = i * m;
    for (let j = 0; j < k; j += 4) {
      const r0 = j * m, r1 = r0 + m, r2 = r1 + m, r3 = r2 + m, here = i * k + j;
      if (back) {
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (let c = 0; c < m; c++) {
          const x = a[at + c];
          s0 += x * b[r0 + c];
          s1 += x * b[r1 + c];
          s2 += x * b[r2 + c];
          s3 += x * b[r3 + c];
        }
        out[here] = s0;
        out[here + 1] = s1;
        out[here + 2] = s2;
        out[here + 3] = s3;
      } else {
        const x0 = a[here], x1 = a[here + 1], x2 = a[here + 2], x3 = a[here + 3];
        for (let c = 0; c < m; c++) out[at + c] += x0 * b[r0 + c] + x1 * b[r1 + c] + x2 * b[r2 + c] + x3 * b[r3 + c];
      }
    }
  }
  return out;
}

const plus = (a, b) => a.map((x, i) => x + b[i]);

function rows(x, each) {
  for (let at = 0; at < x.length; at += WIDTH) each(at);
}

// LayerNorm, or RMSNorm, which subtracts no mean. `back(grad)` is the gradient of x.
function normed(x, kind) {
  const y = new Float64Array(x.length), by = [];
  rows(x, (at) => {
    let mean = 0, squares = 0;
    if (kind === "layer") for (let c = 0; c < WIDTH; c++) mean += x[at + c] / WIDTH;
    for (let c = 0; c < WIDTH; c++) squares += (x[at + c] - mean) * (x[at + c] - mean) / WIDTH;
    const root = Math.sqrt(squares + EPS);
    by.push(root);
    for (let c = 0; c < WIDTH; c++) y[at + c] = (x[at + c] - mean) / root;
  });
  const back = (grad) => {
    const out = new Float64Array(x.length);
    rows(x, (at) => {
      let mean = 0, along = 0;
      for (let c = 0; c < WIDTH; c++) {
        if (kind === "layer") mean += grad[at + c] / WIDTH;
        along += (grad[at + c] * y[at + c]) / WIDTH;
      }
      for (let c = 0; c < WIDTH; c++) out[at + c] = (grad[at + c] - mean - y[at + c] * along) / by[at / WIDTH];
    });
    return out;
  };
  return { y, back };
}

// Causal attention of all heads: each word looks at itself and at those before it.
function looked(x, w) {
  const [q, k, v] = [w.query, w.key, w.value].map((m) => times(x, m, WIDTH, WIDTH));
  const count = x.length / WIDTH, scale = 1 / Math.sqrt(HEAD), mixed = new Float64Array(x.length);
  const weights = new Float64Array(HEADS * count * count);
  const pairs = (each) => {
    for (let h = 0; h < HEADS; h++) for (let i = 0; i < count; i++) each(h * HEAD, i, (h * count + i) * count);
  };
  pairs((from, i, at) => {
    let top = -Infinity, total = 0;
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let c = from; c < from + HEAD; c++) sum += q[i * WIDTH + c] * k[j * WIDTH + c];
      weights[at + j] = sum * scale;
      top = Math.max(top, weights[at + j]);
    }
    for (let j = 0; j <= i; j++) total += weights[at + j] = Math.exp(weights[at + j] - top);
    for (let j = 0; j <= i; j++) {
      weights[at + j] /= total;
      for (let c = from; c < from + HEAD; c++) mixed[i * WIDTH + c] += weights[at + j] * v[j * WIDTH + c];
    }
  });
  const back = (grad) => {
    const g = times(grad, w.output, WIDTH, WIDTH, true);
    const [dq, dk, dv] = [0, 0, 0].map(() => new Float64Array(x.length));
    pairs((from, i, at) => {
      const share = new Float64Array(i + 1);
      let along = 0;
      for (let j = 0; j <= i; j++) {
        for (let c = from; c < from + HEAD; c++) {
          share[j] += g[i * WIDTH + c] * v[j * WIDTH + c];
          dv[j * WIDTH + c] += weights[at + j] * g[i * WIDTH + c];
        }
        along += weights[at + j] * share[j];
      }
      for (let j = 0; j <= i; j++) {
        const score = weights[at + j] * (share[j] - along) * scale;
        for (let c = from; c < from + HEAD; c++) {
          dq[i * WIDTH + c] += score * k[j * WIDTH + c];
          dk[j * WIDTH + c] += score * q[i * WIDTH + c];
        }
      }
    });
    return [[dq, w.query], [dk, w.key], [dv, w.value]].map(([d, m]) => times(d, m, WIDTH, WIDTH, true)).reduce(plus);
  };
  return { y: times(mixed, w.output, WIDTH, WIDTH), back };
}

// Out to a wider row, through GELU in its tanh form, and back.
function thought(x, w) {
  const inner = times(x, w.inner, WIDTH, INNER), root = Math.sqrt(2 / Math.PI);
  const bend = inner.map((z) => Math.tanh(root * (z + 0.044715 * z * z * z)));
  const slope = (z, i) => 0.5 * (1 + bend[i]) + 0.5 * z * (1 - bend[i] * bend[i]) * root * (1 + 3 * 0.044715 * z * z);
  return {
    y: times(inner.map((z, i) => 0.5 * z * (1 + bend[i])), w.outer, INNER, WIDTH),
    back(grad) {
      const g = times(grad, w.outer, INNER, WIDTH, true);
      return times(g.map((d, i) => d * slope(inner[i], i)), w.inner, WIDTH, INNER, true);
    },
  };
}

const NOTHING = (x) => ({ y: new Float64Array(x.length), back: () => new Float64Array(x.length) });
const SAME = (x) => ({ y: x, back: (grad) => grad });

// The mean length of a word's row.
export function size(x) {
  let total = 0;
  rows(x, (at) => {
    let squares = 0;
    for (let c = at; c < at + WIDTH; c++) squares += x[c] * x[c];
    total += Math.sqrt(squares);
  });
  return (total * WIDTH) / x.length;
}

// What the blocks do to x, as run_blocks in residual.py: { stream, gradient, wrote }, sizes at each depth; `wrote` holds
// for each block what each of its parts gave on. `off` is a set of PARTS.
export function run(x, layers, place, kind, off, readout) {
  const norm = (name, input) => (off.has(name) ? SAME(input) : normed(input, kind));
  const steps = [], wrote = [], stream = [size(x)];
  let state = x;
  const half = (w, sizes, [normName, name, add]) => {
    const before = place === "pre" ? norm(normName, state) : SAME(state);
    const part = off.has(name) ? NOTHING(before.y) : (name === "attention" ? looked : thought)(before.y, w);
    const joined = off.has(add) ? part.y : plus(state, part.y);
    const after = place === "post" ? norm(normName, joined) : SAME(joined);
    sizes[normName] = size(place === "pre" ? before.y : after.y);
    sizes[name] = size(part.y);
    sizes[add] = size(joined);
    state = after.y;
    steps.push((grad) => {
      const through = after.back(grad), inside = before.back(part.back(through));
      return off.has(add) ? inside : plus(through, inside);
    });
  };
  for (const w of layers) {
    wrote.push({});
    half(w, wrote.at(-1), PARTS.slice(0, 3));
    half(w, wrote.at(-1), PARTS.slice(3));
    stream.push(size(state));
  }
  const last = place === "pre" && !(off.has("norm1") && off.has("norm2")) ? normed(state, kind) : SAME(state);
  let grad = last.back(readout);
  const gradient = [size(grad)];
  steps.reverse().forEach((back, i) => {
    grad = back(grad);
    if (i % 2) gradient.unshift(size(grad));
  });
  return { stream, gradient, wrote };
}
