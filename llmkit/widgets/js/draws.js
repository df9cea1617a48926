// The draws behind the scale lab, and what softmax makes of them.

import { median, normal } from "./math.js";

export const QUERIES = 256;  // as in scale_lab.py, like the list below
export const WIDTHS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];

export const divisor = (rule, d) => ({ raw: 1, root: Math.sqrt(d), d })[rule];

// Dot products of random queries and keys, kept at every width on the way up to the largest: one draw serves all.
// `more()` adds one query and its keys; `at.get(d)` holds the scores so far, `keys` of them for each query.
export function makeDraws(seed, keys, widths) {
  const next = normal(seed);
  const at = new Map(widths.map((d) => [d, new Float64Array(QUERIES * keys)]));
  const draws = { at, keys, count: 0, more };
  const sums = new Float64Array(keys);
  function more() {
    sums.fill(0);
    for (let c = 1; c <= WIDTHS.at(-1); c++) {
      const q = next();
      for (let j = 0; j < keys; j++) sums[j] += q * next();
      at.get(c)?.set(sums, draws.count * keys);
    }
    draws.count += 1;
  }
  return draws;
}

// What softmax makes of the scores at width d times `factor`, over the queries drawn so far: means, but of ‖J‖ the median.
// A few queries whose best two keys tie would carry its mean, and say nothing of the others.
export function measure(draws, d, factor) {
  const scores = draws.at.get(d);
  const { keys, count } = draws;
  const size = count * keys;
  const norms = new Float64Array(count);
  let sum = 0, sumOfSquares = 0, entropy = 0, largest = 0;
  for (let n = 0; n < size; n += keys) {
    let top = -Infinity, total = 0, tilt = 0, squares = 0, cubes = 0;
    for (let j = n; j < n + keys; j++) {
      const x = scores[j] * factor;
      sum += x;
      sumOfSquares += x * x;
      if (x > top) top = x;
    }
    for (let j = n; j < n + keys; j++) {
      const x = scores[j] * factor - top;
      const p = Math.exp(x);
      total += p;
      tilt += p * x;
      squares += p * p;
      cubes += p * p * p;
    }
    squares /= total * total;
    entropy += Math.log(total) - tilt / total;
    norms[n / keys] = Math.sqrt(Math.max(0, squares - 2 * cubes / total ** 3 + squares * squares));
    largest += 1 / total;
  }
  return { variance: sumOfSquares / size - (sum / size) ** 2, entropy: entropy / count, response: median(norms), largest: largest / count };
}
