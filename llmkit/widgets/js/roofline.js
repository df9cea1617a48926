// What attention costs before it runs, and what limits it once it has: the same numbers as llmkit/attention_bench.

export const STOPS = Array.from({ length: 12 }, (_, i) => 2 ** (i + 6));  // 64 to 131,072 tokens

// Bytes held at once. `cost` is one entry of the trait `costs`; some backends hold a little for every thread.
export function held(cost, length, heads, threads = 1) {
  const stop = Math.max(0, STOPS.findLastIndex((one) => one <= length));
  return heads * length * (cost.held[0] * length + cost.held[1]) + threads * (cost.fixed[stop] ?? 0);
}

// The least seconds for the bytes that the steps read and write, and for the operations. `roof`: [bytes, operations] per second.
export function least(cost, flops, roof, length, heads) {
  return [(heads * length * (cost.moved[0] * length + cost.moved[1])) / roof[0], (flops * heads * length * length) / roof[1]];
}

// What keeps a run from being faster: { limit: "memory", "arithmetic" or "calls", share: of its time that the roofline explains }.
export function limit(seconds, bounds, shortest, shortestBounds) {
  const floor = Math.max(...bounds);
  const fixed = shortest - Math.max(...shortestBounds);
  return { limit: fixed > seconds / 2 ? "calls" : bounds[0] > bounds[1] ? "memory" : "arithmetic", share: floor / seconds, floor };
}

// Three digits and a prefix: amount(0.0521, "s") is "52.1 ms".
export function amount(value, unit) {
  if (!(value > 0)) return `0 ${unit}`;
  const power = Math.min(5, Math.max(-3, Math.floor(Math.log10(Number(value.toPrecision(3))) / 3)));
  const digits = Number((value / 1000 ** power).toPrecision(3));
  return `${digits >= 1000 ? Math.round(digits).toLocaleString("en") : digits} ${["n", "µ", "m", "", "k", "M", "G", "T", "P"][power + 3]}${unit}`;
}
