// From logits to the next token: temperature, then top-k, top-p and min-p, in the order of `transformers`.
// None of the four changes which token is likelier than which, so each keeps the first few of one ranking.
// tests/widgets/test_sampling_js.py compares this with PyTorch, and with the processors of `transformers`.

// Ids from the likeliest to the least likely; between equals the lower id comes first. logits: Float32Array (V)
export function ranking(logits) {
  return Uint32Array.from(logits, (_, id) => id).sort((a, b) => logits[b] - logits[a] || a - b);
}

// In nats: how unexpected the token is, -log softmax(logits)[id].
export function surprise(logits, id) {
  let top = -Infinity, total = 0;
  for (let i = 0; i < logits.length; i++) if (logits[i] > top) top = logits[i];
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - top);
  return top + Math.log(total) - logits[id];
}

// Softmax of ranked logits at a temperature; at 0 the likeliest token has everything.
export function heat(ranked, temperature) {
  const shares = new Float64Array(ranked.length);
  if (temperature === 0) {
    shares[0] = 1;
    return shares;
  }
  let total = 0;
  for (let i = 0; i < ranked.length; i++) total += shares[i] = Math.exp((ranked[i] - ranked[0]) / temperature);
  for (let i = 0; i < ranked.length; i++) shares[i] /= total;
  return shares;
}

// How many of the likeliest tokens may be drawn. topK 0 and topP 1 and minP 0 cut nothing; equals of the k-th stay.
export function countKept(shares, { topK, topP, minP }) {
  let kept = shares.length;
  if (topK > 0 && topK < kept) for (kept = topK; kept < shares.length && shares[kept] === shares[topK - 1];) kept++;
  if (topP < 1) {
    let total = 0, before = 0, count = 0;
    for (let i = 0; i < kept; i++) total += shares[i];
    while (count < kept && (count === 0 || before < topP * total)) before += shares[count++];
    kept = count;
  }
  while (kept > 1 && shares[kept - 1] < minP * shares[0]) kept--;
  return kept;
}

// { before, after, kept }: probabilities by rank, before and after the cut; what is cut has 0 after it.
export function distribution(ranked, settings) {
  const before = heat(ranked, settings.temperature);
  const kept = countKept(before, settings);
  let total = 0;
  for (let i = 0; i < kept; i++) total += before[i];
  return { before, kept, after: before.map((share, i) => (i < kept ? share / total : 0)) };
}

// `count` ranks drawn with the probabilities `after`; `next()` gives uniform numbers in [0, 1).
export function draws({ after, kept }, count, next) {
  const sums = new Float64Array(kept);
  for (let i = 0, sum = 0; i < kept; i++) sums[i] = sum += after[i];
  return Array.from({ length: count }, () => {
    const place = next() * sums[kept - 1];
    let low = 0, high = kept - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > place) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}
