// A Llama-family language model in plain JavaScript: one token at a time, with a key-value cache, everything visible.
// RMSNorm, rotary positions on half-split heads, grouped queries, SwiGLU; every size is read from the file's header.
// Touvron et al. 2023, arXiv:2302.13971. Weights are kept in float32, sums are taken in float64.

// A safetensors file (see llmkit/widgets/tinylm.py) -> { config, tokenizer, tensors: name -> Float32Array }
export function readModel(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const { __metadata__: about, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const tensors = new Map();
  for (const [name, { dtype, data_offsets: [from, to] }] of Object.entries(entries)) {
    const bytes = buffer.slice(8 + size + from, 8 + size + to);  // a copy begins where any type may begin
    tensors.set(name, dtype === "I8" ? new Int8Array(bytes) : dtype === "F16" ? fromHalf(new Uint16Array(bytes)) : new Float32Array(bytes));
  }
  for (const [name, scale] of tensors) {
    if (!name.endsWith(".scale")) continue;
    tensors.set(name.slice(0, -6), scaled(tensors.get(name.slice(0, -6)), scale));
    tensors.delete(name);
  }
  return { config: JSON.parse(about.config), tokenizer: JSON.parse(about.tokenizer), tensors };
}

function scaled(whole, scale) {
  const numbers = new Float32Array(whole.length);
  const columns = whole.length / scale.length;
  for (let r = 0, i = 0; r < scale.length; r++) for (const end = i + columns; i < end; i++) numbers[i] = whole[i] * scale[r];
  return numbers;
}

// Half-precision numbers, given as their bits.
export function fromHalf(bits) {
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const [sign, power, rest] = [bits[i] >> 15 ? -1 : 1, (bits[i] >> 10) & 31, bits[i] & 1023];
    if (power === 31) numbers[i] = rest ? NaN : sign * Infinity;
    else numbers[i] = sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -24 * rest);
  }
  return numbers;
}

// out[at + r] = sum over c of matrix[r, c] * x[c]; four sums at once, because each addition waits for the one before
function multiply(matrix, x, out, at = 0) {
  const columns = x.length;
  const whole = columns - (columns % 4);
  for (let r = 0, i = 0; i < matrix.length; r++) {
    let a = 0, b = 0, c = 0, d = 0, k = 0;
    for (; k < whole; k += 4, i += 4) {
      a += matrix[i] * x[k];
      b += matrix[i + 1] * x[k + 1];
      c += matrix[i + 2] * x[k + 2];
      d += matrix[i + 3] * x[k + 3];
    }
    for (; k < columns; k++, i++) a += matrix[i] * x[k];
    out[at + r] = a + b + c + d;
  }
}

function rmsNorm(x, weight, eps, out) {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i] * x[i];
  const factor = 1 / Math.sqrt(squares / x.length + eps);
  for (let i = 0; i < x.length; i++) out[i] = x[i] * factor * weight[i];
}

// { config, length, crop(length), step(id), logits(hidden) }: a model that remembers what it has read.
export function makeModel({ config, tensors }) {
  const { width, num_layers: layers, num_heads: heads, num_kv_heads: kvHeads, head_dim: dim, hidden_width: inner, context, norm_eps: eps } = config;
  const kvWidth = kvHeads * dim;
  const perGroup = heads / kvHeads;  // query heads that share one key
  const weight = (name) => tensors.get(`${name}.weight`);
  const blocks = Array.from({ length: layers }, (_, l) => {
    const own = (name) => weight(`layers.${l}.${name}`);
    return {
      before: own("input_layernorm"), query: own("self_attn.q_proj"), key: own("self_attn.k_proj"), value: own("self_attn.v_proj"), output: own("self_attn.o_proj"),
      between: own("post_attention_layernorm"), gate: own("mlp.gate_proj"), up: own("mlp.up_proj"), down: own("mlp.down_proj"),
      keys: new Float32Array(context * kvWidth), values: new Float32Array(context * kvWidth),
    };
  });
  const embedding = weight("embed_tokens");
  const unembedding = weight("lm_head") ?? embedding;
  const vectors = (size) => new Float32Array(size);
  const [x, normed, added, query, mixed, gate, up] = [vectors(width), vectors(width), vectors(width), vectors(heads * dim), vectors(heads * dim), vectors(inner), vectors(inner)];
  const speeds = Array.from({ length: dim / 2 }, (_, i) => config.rope_base ** ((-2 * i) / dim));
  const scores = new Float64Array(context);
  let length = 0;

  // Turns each head's pairs (i, i + dim / 2) by the position times the pair's speed. Su et al. 2021, arXiv:2104.09864.
  function rotate(vector, at, count, position) {
    for (let i = 0; i < dim / 2; i++) {
      const [cos, sin] = [Math.cos(position * speeds[i]), Math.sin(position * speeds[i])];
      for (let head = 0; head < count; head++) {
        const low = at + head * dim + i;
        const high = low + dim / 2;
        const [a, b] = [vector[low], vector[high]];
        vector[low] = a * cos - b * sin;
        vector[high] = b * cos + a * sin;
      }
    }
  }

  // One head of the newest token over all before it; its weights go into `weights` from `at` on.
  function attend(block, head, weights, at) {
    const from = head * dim;
    const shared = Math.floor(head / perGroup) * dim;
    let top = -Infinity, total = 0;
    for (let t = 0; t <= length; t++) {
      let score = 0;
      for (let i = 0; i < dim; i++) score += query[from + i] * block.keys[t * kvWidth + shared + i];
      scores[t] = score / Math.sqrt(dim);
      if (scores[t] > top) top = scores[t];
    }
    for (let t = 0; t <= length; t++) total += scores[t] = Math.exp(scores[t] - top);
    mixed.fill(0, from, from + dim);
    for (let t = 0; t <= length; t++) {
      const share = scores[t] / total;
      weights[at + t] = share;
      for (let i = 0; i < dim; i++) mixed[from + i] += share * block.values[t * kvWidth + shared + i];
    }
  }

  // Reads one more token -> { states: the residual stream after each layer, attention: (layers, heads, tokens so far) }
  function step(id) {
    const states = [];
    const attention = new Float32Array(layers * heads * (length + 1));
    x.set(embedding.subarray(id * width, (id + 1) * width));
    blocks.forEach((block, l) => {
      rmsNorm(x, block.before, eps, normed);
      multiply(block.query, normed, query);
      multiply(block.key, normed, block.keys, length * kvWidth);
      multiply(block.value, normed, block.values, length * kvWidth);
      rotate(query, 0, heads, length);
      rotate(block.keys, length * kvWidth, kvHeads, length);
      for (let head = 0; head < heads; head++) attend(block, head, attention, (l * heads + head) * (length + 1));
      multiply(block.output, mixed, added);
      for (let i = 0; i < width; i++) x[i] += added[i];
      rmsNorm(x, block.between, eps, normed);
      multiply(block.gate, normed, gate);
      multiply(block.up, normed, up);
      for (let i = 0; i < inner; i++) gate[i] = (gate[i] / (1 + Math.exp(-gate[i]))) * up[i];
      multiply(block.down, gate, added);
      for (let i = 0; i < width; i++) x[i] += added[i];
      states.push(x.slice());
    });
    length += 1;
    return { states, attention };
  }

  // What a state of the residual stream says about the next token; after the last layer it is the model's answer.
  function logits(state) {
    const out = new Float32Array(config.vocab_size);
    rmsNorm(state, weight("norm"), eps, normed);
    multiply(unembedding, normed, out);
    return out;
  }

  return { config, step, logits, get length() { return length; }, crop(count) { length = Math.min(length, count); } };
}
