// The book's formulas in plain JavaScript, so that a widget answers at once in every home.
// tests/widgets/test_math_js.py compares each of them with the PyTorch code on the same inputs.
// Vectors are arrays of numbers; a matrix is an array of rows.

export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

// queries (T, D), keys (S, D) -> (T, S): every query against every key
export function products(queries, keys) {
  return queries.map((query) => keys.map((key) => dot(query, key)));
}

// weights (T, S), values (S, E) -> (T, E)
export function mix(weights, values) {
  return weights.map((row) => values[0].map((_, e) => row.reduce((sum, w, s) => sum + w * values[s][e], 0)));
}

// Stable: the largest score is subtracted first. A row with nothing but -Infinity gives zeros.
export function softmax(scores) {
  const top = Math.max(...scores);
  if (top === -Infinity) return scores.map(() => 0);
  const exponentials = scores.map((score) => Math.exp(score - top));
  const total = exponentials.reduce((sum, x) => sum + x, 0);
  return exponentials.map((x) => x / total);
}

// In nats; 0 log 0 counts as 0.
export function entropy(weights) {
  return -weights.reduce((sum, w) => (w > 0 ? sum + w * Math.log(w) : sum), 0);
}

// The Frobenius norm of diag(w) - w wᵀ, without building the matrix: how much a change of the scores still moves the weights.
export function jacobianNorm(weights) {
  let squares = 0;
  let cubes = 0;
  for (const w of weights) {
    squares += w * w;
    cubes += w * w * w;
  }
  return Math.sqrt(Math.max(0, squares - 2 * cubes + squares * squares));
}

export function mean(numbers) {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

// The middle one, or the mean of the two in the middle.
export function median(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

export function variance(numbers) {
  const middle = mean(numbers);
  return mean(numbers.map((x) => (x - middle) ** 2));
}

// Seeded uniform numbers in [0, 1) (mulberry32), so that a picture can be drawn again.
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Standard normal numbers from uniform ones (Box and Muller).
export function normal(seed) {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
