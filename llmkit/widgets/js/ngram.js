// Language models that count, with nothing counted ahead: the text itself travels, and each question looks up the places
// that fit. Interpolated Kneser-Ney, the numbers of llmkit/ngrams.py; tests/widgets/test_ladder_page.py compares them.

export const ORDERS = 5;  // n = 1 to 5

// Two ids in three bytes -> ids (N); a last id 0 only fills up. A DataView in, as `pack` in llmkit/widgets/ladder.py makes it.
export function unpack({ buffer, byteOffset, byteLength }) {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const ids = new Uint16Array((2 * byteLength) / 3);
  for (let k = 0, i = 0; i < ids.length; k += 3, i += 2) {
    ids[i] = bytes[k] | ((bytes[k + 1] & 15) << 8);
    ids[i + 1] = (bytes[k + 1] >> 4) | (bytes[k + 2] << 4);
  }
  return ids.at(-1) === 0 ? ids.subarray(0, -1) : ids;
}

// ids: texts one after the other, each begun by the id `first`; `size` V; `discount` off every count.
// Returns { after(context), share(context, id) }: for n = 1 to 5 the probabilities (V) of what comes next, or that of one id.
export function makeNgrams(ids, first, size, discount) {
  const starts = new Int32Array(ids.length);  // where the text of each place begins
  const ends = new Int32Array(size + 1);  // of the places that follow each id, in `places`
  for (let p = 0; p < ids.length; p++) {
    starts[p] = ids[p] === first ? p : starts[p - 1];
    if (starts[p] < p) ends[ids[p - 1] + 1] += 1;
  }
  for (let id = 0; id < size; id++) ends[id + 1] += ends[id];
  const places = new Int32Array(ends[size]), fill = ends.slice();
  for (let p = 0; p < ids.length; p++) if (starts[p] < p) places[fill[ids[p - 1]]++] = p;
  const before = (p, distance) => (p - distance < starts[p] ? first : ids[p - distance]);  // `first` stands for all before a text

  const often = new Int32Array(size), ways = new Int32Array(size), met = new Uint8Array(size * size);  // empty between two counts

  // What stands at these places: the ids, how often each, after how many different ids at that distance before, and the sums.
  function count(found, distance) {
    const kinds = [], pairs = [];
    for (const p of found) {
      const id = ids[p], pair = before(p, distance) * size + id;
      if (!often[id]++) kinds.push(id);
      if (met[pair]) continue;
      met[pair] = 1;
      pairs.push(pair);
      ways[id] += 1;
    }
    const seen = { kinds, often: kinds.map((id) => often[id]), ways: kinds.map((id) => ways[id]), total: found.length, pairs: pairs.length };
    for (const id of kinds) often[id] = ways[id] = 0;
    for (const pair of pairs) met[pair] = 0;
    return seen;
  }

  const all = count(places, 1);
  const afterOne = new Map();  // id -> its count: the longest of all, and asked for again and again
  const known = new Map();  // context -> its levels

  // What stands after the last 0, 1, ... 4 ids of a context.
  function levels(context) {
    const last = Array.from({ length: ORDERS - 1 }, (_, k) => context[context.length - 1 - k] ?? first), key = last.join();
    if (known.has(key)) return known.get(key);
    if (!afterOne.has(last[0])) afterOne.set(last[0], count(places.subarray(ends[last[0]], ends[last[0] + 1]), 2));
    const found = [all, afterOne.get(last[0])];
    let fits = null;
    for (let length = 2; length < ORDERS; length++) {
      const longer = [];
      if (!fits) for (let k = ends[last[0]]; k < ends[last[0] + 1]; k++) if (before(places[k], 2) === last[1]) longer.push(places[k]);
      if (fits) for (const p of fits) if (before(p, length) === last[length - 1]) longer.push(p);
      fits = longer;
      found.push(count(fits, length + 1));
    }
    if (known.size > 3000) known.clear();
    known.set(key, found);
    return found;
  }

  // For n = 1 to 5: a little is taken off every count and given to what a shorter context says. The longest context counts
  // how often, a shorter one after how many different ids. `mix(shorter, seen, counts, total)` does it for one id or for all.
  function climb(found, alike, mix) {
    const says = [];
    let shorter = alike;
    for (const seen of found) {
      says.push(seen.total ? mix(shorter, seen, seen.often, seen.total) : shorter);
      if (seen.total) shorter = mix(shorter, seen, seen.ways, seen.pairs);
    }
    return says;
  }

  const after = (context) => climb(levels(context), new Float64Array(size).fill(1 / size), (shorter, { kinds }, counts, total) => {
    const mixed = new Float64Array(size), given = (discount * kinds.length) / total;
    for (let id = 0; id < size; id++) mixed[id] = given * shorter[id];
    for (let k = 0; k < kinds.length; k++) mixed[kinds[k]] += Math.max(0, counts[k] - discount) / total;
    return mixed;
  });
  const share = (context, id) => climb(levels(context), 1 / size, (shorter, { kinds }, counts, total) => {
    const k = kinds.indexOf(id);
    return (shorter * discount * kinds.length + (k < 0 ? 0 : Math.max(0, counts[k] - discount))) / total;
  });
  return { after, share };
}

// The likeliest `number` ids with their probabilities; between equals the lower id comes first.
export function likeliest(shares, number) {
  const best = [];
  for (let id = 0; id < shares.length; id++) {
    if (best.length === number && shares[id] <= best[number - 1][1]) continue;
    let place = best.length;
    while (place > 0 && best[place - 1][1] < shares[id]) place--;
    best.splice(place, 0, [id, shares[id]]);
    if (best.length > number) best.pop();
  }
  return best;
}
