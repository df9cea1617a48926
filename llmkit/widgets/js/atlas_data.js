// What the head atlas knows: weights as bytes, the pictures made of them, and what can be said about a head.
import { cividis, formatNumber } from "./kit.js";

const MOST_LINES = 200;
const SORTS = { entropy: 1, distance: -1, first: -1, last: -1 };  // 1: the smallest comes first
const COLORS = Uint32Array.from({ length: 256 }, (_, i) => {
  const [red, green, blue] = cividis(i / 255);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
});

export const asBytes = (view) => (view?.buffer ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0));

// One text: what was said about it, and its weights: all layers under -1, or layer by layer as they come.
export function makeRecord(answer, packed, thumbs) {
  return { ...answer, size: answer.tokens.length, packs: new Map([[answer.layer, asBytes(packed)]]), thumbs: asBytes(thumbs) };
}

// { at(i, j) -> 0..255, size, top }: how much token i looks at token j, and the largest of it.
function weightsIn(bytes, place, size, causal) {
  const area = causal ? (size * (size + 1)) / 2 : size * size;
  const data = bytes.subarray(place * area, (place + 1) * area);
  const at = causal ? (i, j) => (j > i ? 0 : data[(i * (i + 1)) / 2 + j]) : (i, j) => data[i * size + j];
  let top = 1;
  for (let k = 0; k < data.length; k++) if (data[k] > top) top = data[k];
  return { at, size, top };
}

// null while the layer is still on its way
export function headOf(record, layer, head) {
  const all = record.packs.get(-1);
  const bytes = all ?? record.packs.get(layer);
  return bytes ? weightsIn(bytes, (all ? layer * record.heads : 0) + head, record.size, record.causal) : null;
}

export function thumbOf(record, layer, head) {
  if (record.packs.has(-1)) return headOf(record, layer, head);
  return weightsIn(record.thumbs, layer * record.heads + head, record.thumb, false);
}

// A head as side x side pixels: cells are repeated where there is room, and where not the largest of a block is kept.
export function pixels({ at, size, top }, side) {
  const image = new Uint32Array(side * side);
  const edges = Array.from({ length: side + 1 }, (_, x) => Math.floor((x * size) / side));
  for (let y = 0; y < side; y++) {
    const below = Math.max(edges[y] + 1, edges[y + 1]);
    for (let x = 0; x < side; x++) {
      const right = Math.max(edges[x] + 1, edges[x + 1]);
      let most = 0;
      for (let i = edges[y]; i < below; i++) for (let j = edges[x]; j < right; j++) most = Math.max(most, at(i, j));
      image[y * side + x] = COLORS[Math.round((255 * most) / top)];
    }
  }
  return new ImageData(new Uint8ClampedArray(image.buffer), side, side);
}

// The strongest lines, at most MOST_LINES of them, as [i, j, weight]; with a focus only those of that token.
export function strongest({ at, size, top }, focus) {
  if (focus) {
    return Array.from({ length: size }, (_, k) => (focus.side ? [k, focus.token, at(k, focus.token)] : [focus.token, k, at(focus.token, k)]));
  }
  const counts = new Array(257).fill(0);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) counts[at(i, j)]++;
  let least = 256;
  for (let sum = 0; least > top / 12 && sum + counts[least - 1] <= MOST_LINES;) sum += counts[--least];  // fainter ones are not seen
  const found = [];
  if (least === 256) return found;
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) if (at(i, j) >= least) found.push([i, j, at(i, j)]);
  return found;
}

// In nats, of a row of bytes.
const entropyOf = (row) => row.reduce((sum, weight) => (weight ? sum - (weight / 255) * Math.log(weight / 255) : sum), 0);
export const share = (weight) => formatNumber(weight / 255);
export const title = (layer, head) => `Head ${layer}.${head}`;

export const clip = (token, longest) => ([...token].length > longest ? `${[...token].slice(0, longest - 1).join("")}…` : token);

// ---- words ------------------------------------------------------------------------------------------------------

// A token inside a sentence of ours keeps its own direction: Arabic must not turn the numbers around it.
export const quote = (token) => (/[\u0590-\u08ff\ufb1d-\ufefc]/.test(token) ? `\u2068${token}\u2069` : token);

// "it looks at cat 0.71, mat 0.10, [CLS] 0.09; its entropy is 1.05 nats"
export function reading(record, { at, size }, { side, token }) {
  const row = Array.from({ length: size }, (_, k) => (side ? at(k, token) : at(token, k)));
  const best = row.map((_, k) => k).sort((a, b) => row[b] - row[a]).slice(0, 3).filter((k) => row[k] >= 2);
  const list = best.map((k) => `${quote(record.tokens[k])} ${share(row[k])}`).join(", ") || "nothing much";
  if (side) return `${quote(record.tokens[token])} is looked at by ${list}`;
  return `${quote(record.tokens[token])} looks at ${list}; entropy ${formatNumber(entropyOf(row))} nats`;
}

export function saying({ stats, landmarks }, sort, k) {
  const value = stats[sort][k];
  if (sort === "entropy") return `mean entropy ${formatNumber(value)} nats`;
  if (sort === "distance") return `looks ${formatNumber(value, 1)} tokens away`;
  return `${Math.round(100 * value)}% to ${landmarks[sort === "first" ? 0 : 1]}`;
}

export function sortNames({ landmarks: [first, last] }) {
  return [["model", "as in the model"], ["entropy", "by entropy, sharpest first"], ["distance", "by distance, farthest first"],
    ["first", `by attention to ${first}`], ["last", `by attention to ${last}`]];
}

export function sorted(record, sort) {
  const order = Array.from({ length: record.layers * record.heads }, (_, k) => k);
  const values = record.stats[sort];
  return values ? order.sort((a, b) => SORTS[sort] * (values[a] - values[b]) || a - b) : order;
}

// The whole matrix while it can be read; then what each token looks at most.
export function tableRows(record, weights) {
  const { tokens } = record;
  if (!weights) return [["token"]];
  const rows = tokens.map((_, i) => tokens.map((_, j) => weights.at(i, j)));
  if (tokens.length <= 20) return [["looks ↓ at →", ...tokens], ...rows.map((row, i) => [tokens[i], ...row.map(share)])];
  return [["token", "looks most at", "weight", "then at", "weight", "then at", "weight"], ...rows.map((row, i) => {
    const best = row.map((_, j) => j).sort((a, b) => row[b] - row[a]).slice(0, 3);
    return [tokens[i], ...best.flatMap((j) => [tokens[j], share(row[j])])];
  })];
}
