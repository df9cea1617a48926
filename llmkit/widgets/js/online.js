// Softmax and a weighted mean in one pass, a tile of keys at a time. As llmkit/online_attention.py;
// tests/widgets/test_online_softmax_page.py compares the two.

// What is remembered before the first tile and after each: [{ top, shrink, powers, total, mix, output }, ...].
export function readTiles(scores, values, tile) {
  const seen = [{ top: -Infinity, shrink: 1, powers: [], total: 0, mix: 0, output: 0 }];
  for (let start = 0; start < scores.length; start += tile) {
    const last = seen.at(-1);
    const some = scores.slice(start, start + tile);
    const top = Math.max(last.top, ...some);
    const shrink = Math.exp(last.top - top);
    const powers = some.map((score) => Math.exp(score - top));
    const total = shrink * last.total + powers.reduce((sum, power) => sum + power, 0);
    const mix = shrink * last.mix + powers.reduce((sum, power, n) => sum + power * values[start + n], 0);
    seen.push({ top, shrink, powers, total, mix, output: mix / total });
  }
  return seen;
}
