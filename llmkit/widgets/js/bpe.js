// Byte-level BPE, the tokenizer of the small model: the same ids as `tokenizers` gives for the same tokenizer.json.
// Sennrich et al. 2016, arXiv:1508.07909; bytes as letters: Radford et al. 2019 (GPT-2).

const SPACES = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";  // what Unicode calls white space; JavaScript's \s differs
const LONGEST_SPLIT = 12;  // tokens: as in llmkit/trace.py

// The letters that stand for bytes: printable ones stand for themselves, the others follow from 256 on.
export function byteLetters() {
  const letters = [];
  for (let byte = 0, next = 256; byte < 256; byte++) {
    const plain = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    letters.push(String.fromCharCode(plain ? byte : next++));
  }
  return letters;
}

// Oniguruma's pattern in JavaScript's words.
export function wordPattern(source) {
  const inClass = (text) => text.replaceAll("\\s", SPACES);
  const classes = source.replace(/\[(?:\\.|[^\]])*\]/g, inClass);
  const bare = classes.replaceAll("\\s", `[${SPACES}]`).replaceAll("\\S", `[^${SPACES}]`);
  return new RegExp(bare, "gu");
}

export function makeTokenizer({ vocab, merges, special, pattern, prefix, normalize }) {
  const letters = byteLetters();
  const byteOf = new Map(letters.map((letter, byte) => [letter, byte]));
  const specials = new Map(special.map((id) => [vocab[id], id]));
  const idOf = new Map(vocab.map((name, id) => [name, id]));
  const ranks = new Map(merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const words = wordPattern(pattern);
  const escaped = [...specials.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  const markers = escaped.length ? new RegExp(`(${escaped.join("|")})`) : null;
  const known = new Map();  // words that were cut before

  // The pair that was learned first is merged wherever it stands, from left to right, until none is left.
  function merge(pieces) {
    for (;;) {
      let best = Infinity;
      for (let i = 0; i + 1 < pieces.length; i++) best = Math.min(best, ranks.get(`${pieces[i]} ${pieces[i + 1]}`) ?? Infinity);
      if (best === Infinity) return pieces;
      const [left, right] = merges[best];
      const next = [];
      for (let i = 0; i < pieces.length; i++) {
        const isPair = pieces[i] === left && pieces[i + 1] === right;
        next.push(isPair ? left + right : pieces[i]);
        if (isPair) i++;
      }
      pieces = next;
    }
  }

  function idsOf(word) {
    let ids = known.get(word);
    if (!ids) {
      const bytes = [...new TextEncoder().encode(word)].map((byte) => letters[byte]);
      ids = merge(bytes).map((piece) => idOf.get(piece)).filter((id) => id !== undefined);
      if (known.size < 10000) known.set(word, ids);
    }
    return ids;
  }

  function encode(text) {
    return (markers ? text.split(markers) : [text]).flatMap((part) => {
      if (specials.has(part)) return specials.get(part);
      if (normalize) part = part.normalize("NFC");
      if (prefix && part && part[0] !== " ") part = ` ${part}`;
      return (part.match(words) ?? []).flatMap(idsOf);
    });
  }

  // What a token stands for: text for special ones, otherwise bytes, which need not be whole characters.
  function piece(id) {
    return specials.has(vocab[id]) ? vocab[id] : Uint8Array.from([...vocab[id]], (letter) => byteOf.get(letter));
  }

  function decode(ids) {
    const bytes = ids.flatMap((id) => {
      const part = piece(id);
      return [...(typeof part === "string" ? new TextEncoder().encode(part) : part)];
    });
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }

  const alone = new Map();  // id -> its name, of tokens that are whole characters

  function nameAlone(id) {
    if (!alone.has(id)) {
      const [name] = spell([piece(id)]);
      alone.set(id, { name, isWhole: typeof piece(id) === "string" || isText(piece(id)) });
    }
    return alone.get(id);
  }

  // Each token as readable text; a character that several tokens share is shown with its place among them, "猫 1/2".
  function names(ids) {
    const found = [];
    while (found.length < ids.length) {
      const { name, isWhole } = nameAlone(ids[found.length]);
      if (isWhole) found.push(name);
      else found.push(...spell(ids.slice(found.length, found.length + LONGEST_SPLIT).map(piece)));
    }
    return found;
  }

  return { encode, decode, names };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function isText(bytes) {
  try {
    strict.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function spell(pieces) {
  if (typeof pieces[0] === "string") return [visible(pieces[0])];
  const together = [];
  for (let count = 1; count <= pieces.length && typeof pieces[count - 1] !== "string"; count++) {
    together.push(...pieces[count - 1]);
    if (!isText(Uint8Array.from(together))) continue;
    const text = strict.decode(Uint8Array.from(together));
    return count === 1 ? [visible(text)] : Array.from({ length: count }, (_, k) => `${visible(text)} ${k + 1}/${count}`);
  }
  return [[...pieces[0]].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ")];
}

// The text with blanks one can see, and with a name for what has no shape of its own; as in llmkit/trace.py.
export function visible(text) {
  const seen = text.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "⇥");
  if (!/[^\s\x85\x1c-\x1f]/u.test(seen) || /^\p{C}*$/u.test(seen)) {
    return [...seen].map((char) => `U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(" ") || "(nothing)";
  }
  const bare = seen.replace(/^##/, "");
  return /^\p{M}/u.test(bare) ? `${seen.slice(0, seen.length - bare.length)}◌${bare}` : seen;
}
