// Byte-level BPE, learned from a text in the page: the merges of llmkit/tokenization.py, one for one.
// Sennrich et al. 2016, arXiv:1508.07909. The same ids too: 256 bytes in the order of their letters, then the merges.

import { byteLetters, wordPattern } from "./bpe.js";

const BASE = 65536;  // a pair of ids as one number; a smaller number is the pair that wins a tie
const RARE = 2;  // pairs seen less often are not joined

const utf8 = new TextEncoder();

// Half of a surrogate pair is no character; it becomes the sign for one.
export function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

export function bytesOf(text) {
  return utf8.encode(wellFormed(text));
}

// byte -> id, and id -> the letters it is written with
function alphabet() {
  const letters = byteLetters();
  const names = [...letters].sort();  // one UTF-16 unit each, so this is the order of Python
  return { idOf: letters.map((letter) => names.indexOf(letter)), names };
}

// Each distinct word of a text in the ids of its bytes, with how often it stands there.
function inWords(text, pattern, idOf) {
  const counts = new Map();
  for (const word of wellFormed(text).match(wordPattern(pattern)) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => ({ count, tokens: Array.from(bytesOf(word), (byte) => idOf[byte]) }));
}

// The pair becomes `made` wherever it stands, from left to right.
export function join(tokens, left, right, made) {
  const joined = [];
  for (let i = 0; i < tokens.length; i++) {
    const isPair = tokens[i] === left && tokens[i + 1] === right;
    joined.push(isPair ? made : tokens[i]);
    if (isPair) i++;
  }
  return joined;
}

// { merges, names, total, more(until), isDone }: `more` learns until that moment (performance.now()) or until no pair is left.
// A merge: { left, right, count, total }: two ids, how often they stood side by side, and the tokens of the text afterwards.
export function makeTrainer(text, pattern) {
  const { idOf, names } = alphabet();
  const words = inWords(text, pattern, idOf);
  const pairs = new Map(), where = new Map();  // pair -> count; pair -> the words it was ever in
  const trainer = { merges: [], names, total: words.reduce((sum, { count, tokens }) => sum + count * tokens.length, 0), isDone: false, more };
  words.forEach((word) => tally(word, 1));

  function tally(word, sign) {
    for (let i = 0; i + 1 < word.tokens.length; i++) {
      const pair = word.tokens[i] * BASE + word.tokens[i + 1];
      const count = (pairs.get(pair) ?? 0) + sign * word.count;
      if (count) pairs.set(pair, count);
      else pairs.delete(pair);
      if (sign < 0) continue;
      if (!where.has(pair)) where.set(pair, new Set());
      where.get(pair).add(word);
    }
  }

  // The most frequent pair; of those equally frequent the one with the smaller left id, then right id.
  function best() {
    let pair = -1, most = RARE - 1;
    for (const [candidate, count] of pairs) {
      if (count > most || (count === most && pair >= 0 && candidate < pair)) [pair, most] = [candidate, count];
    }
    return [pair, most];
  }

  function more(until = Infinity) {
    let total = trainer.merges.length ? trainer.merges.at(-1).total : trainer.total;
    do {
      const [pair, count] = best();
      if (pair < 0) return void (trainer.isDone = true);
      const left = Math.floor(pair / BASE), right = pair % BASE;
      for (const word of where.get(pair)) {
        const joined = join(word.tokens, left, right, names.length);
        if (joined.length === word.tokens.length) continue;  // it was in this word once
        total -= word.count * (word.tokens.length - joined.length);
        tally(word, -1);
        word.tokens = joined;
        tally(word, 1);
      }
      where.delete(pair);
      names.push(names[left] + names[right]);
      trainer.merges.push({ left, right, count, total });
    } while (performance.now() < until);
  }
  return trainer;
}

// A sentence while the merges are made one after the other: [{ from, tokens }], an entry for each merge that changed it.
export function follow(sentence, pattern, merges) {
  const { idOf } = alphabet();
  let words = (wellFormed(sentence).match(wordPattern(pattern)) ?? []).map((word) => Array.from(bytesOf(word), (byte) => idOf[byte]));
  const states = [{ from: 0, tokens: words.flat() }];
  merges.forEach(({ left, right }, number) => {
    let isChanged = false;
    words = words.map((tokens) => {
      const joined = tokens.includes(left) ? join(tokens, left, right, 256 + number) : tokens;
      isChanged ||= joined.length < tokens.length;
      return joined;
    });
    if (isChanged) states.push({ from: number + 1, tokens: words.flat() });
  });
  return states;
}

// The tokens after `made` merges.
export function stateAt(states, made) {
  let low = 0, high = states.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (states[middle].from <= made) low = middle;
    else high = middle - 1;
  }
  return states[low].tokens;
}
