// Rotary positions: pairs of numbers turned by position times frequency.
// tests/widgets/test_rope_lab_page.py compares each function with llmkit.positions on the same inputs.

// Radians a position for each pair, the fastest first.
export function frequencies(width, base) {
  return Array.from({ length: width / 2 }, (_, pair) => base ** ((-2 * pair) / width));
}

// Which two numbers make up each pair: "neighbors" 2i and 2i + 1, "halves" i and i + D/2.
export function pairs(width, pairing) {
  return Array.from({ length: width / 2 }, (_, i) => (pairing === "halves" ? [i, i + width / 2] : [2 * i, 2 * i + 1]));
}

// The vector at a position: every pair turned by position / scale times its frequency.
export function rope(vector, position, base, scale, pairing) {
  const turned = [...vector];
  const speeds = frequencies(vector.length, base);
  pairs(vector.length, pairing).forEach(([a, b], i) => {
    const angle = (position / scale) * speeds[i];
    const cos = Math.cos(angle), sin = Math.sin(angle);
    turned[a] = vector[a] * cos - vector[b] * sin;
    turned[b] = vector[b] * cos + vector[a] * sin;
  });
  return turned;
}

// What each pair adds to the dot product of two vectors.
export function shares(query, key, pairing) {
  return pairs(query.length, pairing).map(([a, b]) => query[a] * key[a] + query[b] * key[b]);
}

// The score at every distance from 0 to count - 1, from the query turned by the distance alone: position 0 changes nothing.
export function scores(query, key, count, base, scale, pairing) {
  return Array.from({ length: count }, (_, distance) => {
    const turned = rope(query, distance, base, scale, pairing);
    return turned.reduce((sum, x, i) => sum + x * key[i], 0);
  });
}
