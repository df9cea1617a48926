// The tokens of a text as a reader sees them: whole characters as text, bytes that are only part of one as numbers.

import { visible } from "./bpe.js";
import { bytesOf, wellFormed } from "./bpe_train.js";

const bytesIn = (code) => 1 + (code > 0x7f) + (code > 0x7ff) + (code > 0xffff);  // of a character in UTF-8
const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");

// sizes: bytes of each token. [{ text, says, isPart, size, start }]; `says` names the bytes of a character that is cut.
export function piecesOf(text, sizes) {
  const bytes = bytesOf(text);
  const owner = [];  // byte -> [character, its first byte, its number of bytes]
  for (const char of wellFormed(text)) {
    const size = bytesIn(char.codePointAt());
    const first = owner.length;
    for (let i = 0; i < size; i++) owner.push([char, first, size]);
  }
  let start = 0;
  return sizes.map((size) => {
    const piece = pieceOf(bytes, owner, start, start + size);
    start += size;
    return piece;
  });
}

function pieceOf(bytes, owner, start, end) {
  const parts = [], says = [];
  let whole = "";
  const flush = () => { if (whole) parts.push(visible(whole)); whole = ""; };
  for (let at = start; at < end;) {
    const [char, first, size] = owner[at];
    const last = Math.min(end, first + size);
    if (at === first && last === first + size) whole += char;
    else {
      flush();
      parts.push(Array.from(bytes.subarray(at, last), hex).join(" "));
      const places = at + 1 === last ? `byte ${at - first + 1}` : `bytes ${at - first + 1} to ${last - first}`;
      says.push(`${places} of the ${size} of ${visible(char)}`);
    }
    at = last;
  }
  flush();
  return { text: parts.join(" "), says: says.join(", "), isPart: says.length > 0, size: end - start, start };
}

// Which way the tokens run: that of the first letter.
export function directionOf(text) {
  const [letter] = text.match(/\p{L}/u) ?? [""];
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u.test(letter) ? "rtl" : "ltr";
}
