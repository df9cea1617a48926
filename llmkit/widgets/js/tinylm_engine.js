// Answers questions about the next token through a port: a Worker's own, or one end of a MessageChannel in the page.
// In: { file: base64 } once, then { n, text } or { n, ids }. Out: { ready } or { problem }, then one answer for the newest
// question; one that is still being computed when a newer comes is dropped. llmkit/widgets/thinker.py answers the same way.
import { makeTokenizer } from "./bpe.js";
import { ranking, surprise } from "./sampling.js";
import { makeModel, readModel } from "./tinylm.js";

const LONGEST = 20000;  // characters; of a longer text the end is read
const NAMED = 64;  // likeliest tokens that come with their names

// `slice`: ms of computing before it is seen whether a newer question has come.
export function startEngine(port, slice) {
  let think = null, next = null, busy = false;

  async function answerNewest() {
    busy = true;
    while (next) {
      const question = next;
      next = null;
      const answer = await think(question);
      if (answer) port.postMessage(answer);
    }
    busy = false;
  }

  port.onmessage = async ({ data }) => {
    try {
      if (data.file) {
        const file = readModel(fromBase64(data.file));
        think = makeThinker(file, slice, () => next !== null);
        return port.postMessage({ ready: file.config.name });
      }
      next = data;
      if (!busy) await answerNewest();
    } catch (problem) {
      busy = false;
      port.postMessage({ problem: `The model in this page stopped: ${problem.message}` });
    }
  };
}

// Where the window begins: it slides by a quarter of the context, so that what was read serves for many tokens.
export function windowStart(count, context) {
  const quarter = Math.max(1, Math.floor(context / 4));
  return count <= context ? 0 : Math.ceil((count - context) / quarter) * quarter;
}

export function makeThinker(file, slice, isStale) {
  const model = makeModel(file);
  const { encode, decode, names } = makeTokenizer(file.tokenizer);
  const { context, begin, end, num_layers: layers, num_heads: heads } = file.config;
  const lead = begin == null ? [] : [begin];  // stays when the window slides: every text the model knows begins with it
  const read = [], surprises = [];
  let last = null, logits = null;

  // What was read serves again as far as it is the same; the last token of that is read once more, for what it says.
  function rewind(seen) {
    let same = 0;
    while (same < read.length && read[same] === seen[same]) same++;
    if (logits && same === read.length && same < seen.length) return;
    surprises.length = same;
    read.length = Math.max(0, same - 1);
    model.crop(read.length);
    logits = null;
  }

  return async ({ n, text, ids: given }) => {
    const began = performance.now();
    const ids = given ?? [...lead, ...encode(text.slice(-LONGEST))];
    if (!ids.length) return { n, problem: "This model has no token to begin with: write a word." };
    const start = windowStart(ids.length, context);
    const seen = start ? [...lead, ...ids.slice(start + lead.length)] : ids;
    rewind(seen);
    const steps = seen.length - read.length;
    let rested = began;
    while (read.length < seen.length) {
      const id = seen[read.length];
      if (surprises.length === read.length) surprises.push(logits ? surprise(logits, id) : null);
      last = model.step(id);
      logits = model.logits(last.states.at(-1));
      read.push(id);
      if (read.length < seen.length && performance.now() - rested > slice) {
        await new Promise((done) => setTimeout(done));
        if (isStale()) return null;
        rested = performance.now();
      }
    }
    const order = ranking(logits);
    const lens = last.states.map((state, l) => {
      const says = l + 1 < layers ? model.logits(state) : logits;
      const id = l + 1 < layers ? largest(says) : order[0];
      return { id, name: names([id])[0], share: Math.exp(-surprise(says, id)) };
    });
    return {
      n, ids, start, context, end, layers, heads, lens, lead: lead.length, cut: !given && text.length > LONGEST,
      text: decode(ids.slice(lead.length)), tokens: names(seen), surprise: [...surprises], order, top: Array.from(order.subarray(0, NAMED), (id) => [id, names([id])[0]]),
      logits: logits.slice(), attention: last.attention, model: file.config.name, steps, ms: performance.now() - began,
    };
  };
}

function largest(numbers) {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i] > numbers[best]) best = i;
  return best;
}

function fromBase64(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}
