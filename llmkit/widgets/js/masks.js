// Masks as rows of booleans, true where a query may look, and what follows from them. As llmkit/masks.py;
// tests/widgets/test_mask_painter_page.py compares the two.

import { softmax } from "./math.js";

// kind: all, causal, padding, prefix, window, cross. `size` is what the kind counts: padding, prefix or window.
export function preset(kind, size, rows, columns) {
  const allowed = {
    causal: (i, j) => j <= i,
    padding: (i, j) => j < columns - size,
    prefix: (i, j) => j <= i || j < size,
    window: (i, j) => j <= i && i - j < size,
  }[kind] ?? (() => true);
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => allowed(i, j)));
}

// The same mask with the cells of `strokes`, [[row, column], ...], turned over.
export function flipped(mask, strokes) {
  const turned = new Set(strokes.map(String));
  return mask.map((row, i) => row.map((open, j) => open !== turned.has(`${i},${j}`)));
}

// Who hears of token `changed` after 1, 2, ... `layers` layers: one list of booleans for each.
export function heard(mask, changed, layers) {
  let now = mask.map((_, i) => i === changed);
  return Array.from({ length: layers }, () => (now = mask.map((row, i) => now[i] || row.some((open, j) => open && now[j]))));
}

// What a row without any open cell gets is a choice: "zeros", "nan", or "mean" (a large number in place of infinity).
export function maskedWeights(scores, mask, empty) {
  return scores.map((row, i) => {
    if (mask[i].includes(true)) return softmax(row.map((score, j) => (mask[i][j] ? score : -Infinity)));
    return row.map(() => ({ zeros: 0, nan: NaN, mean: 1 / row.length })[empty]);
  });
}

// Scores that are made up, and the same in every mask.
export const madeUp = (rows, columns) => Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => 1.5 * Math.cos(2.1 * i - 1.3 * j)));
