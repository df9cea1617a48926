// A network with one hidden layer, and the loop that trains it: points, first weights, forward, backward, a step.
// training_microscope.py does the same with PyTorch and its autograd; the tests compare the two.
// The weights are one array: w1, w2, b, v of each neuron in turn, and the last bias c.

import { uniform } from "./math.js";

export const BATCH = 8, LIMIT = 2000, EVERY = 10;  // points of a step, steps in all, steps between two looks at the loss
const VALIDATION = 120;

// Points of two kinds, first all of the one and then all of the other: { x1, x2, label }, each an array.
export function draw(kind, count, seed) {
  const next = uniform(seed);
  const points = { x1: [], x2: [], label: [] };
  for (let n = 0; n < count; n++) {
    const label = n < count / 2 ? 0 : 1, side = label ? -1 : 1;
    const [a, b] = [next(), next()];
    const radius = Math.sqrt(-2 * Math.log(1 - next())), angle = 2 * Math.PI * next();
    const wide = side * 1.6 * Math.cos(Math.PI * a) - side * 0.8, high = side * 1.6 * Math.sin(Math.PI * a) - side * 0.5;
    const far = label ? 2 : 0.9 * Math.sqrt(a), sign = a < 0.5 ? -1 : 1;
    const [x1, x2, noise] = {
      moons: [wide, high, 0.3],
      ring: [far * Math.cos(2 * Math.PI * b), far * Math.sin(2 * Math.PI * b), 0.2],
      corners: [1.2 * sign, 1.2 * sign * side, 0.5],
    }[kind];
    points.x1.push(x1 + noise * radius * Math.cos(angle));
    points.x2.push(x2 + noise * radius * Math.sin(angle));
    points.label.push(label);
  }
  return points;
}

// The weights that learning starts from.
export function begin(init, neurons, seed) {
  const next = uniform(seed + 7_000_000);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const theta = new Float64Array(4 * neurons + 1);
  for (let j = 0; j < neurons; j++) {
    const drawn = [normal(), normal(), normal(), normal() / Math.sqrt(neurons)];
    const given = { random: drawn, alike: [0.8, 0.6, 0.2, 0.3], zero: [0, 0, 0, 0], large: drawn.map((value) => 10 * value) }[init];
    theta.set(given, 4 * j);
  }
  return theta;
}

// What the network says of a point: above 0 for the second kind.
export function logit(theta, x1, x2) {
  const last = theta.length - 1;
  let z = theta[last];
  for (let j = 0; j < last; j += 4) z += theta[j + 3] * Math.tanh(theta[j] * x1 + theta[j + 1] * x2 + theta[j + 2]);
  return z;
}

export const sigmoid = (z) => 1 / (1 + Math.exp(-z));

// The mean surprise over all points, in nats.
export function loss(theta, points) {
  let sum = 0;
  for (let n = 0; n < points.label.length; n++) {
    const z = logit(theta, points.x1[n], points.x2[n]);
    sum += Math.max(z, 0) - z * points.label[n] + Math.log1p(Math.exp(-Math.abs(z)));
  }
  return sum / points.label.length;
}

// The gradient of the mean loss over some of the points, by the chain rule from the output back.
export function gradient(theta, points, rows) {
  const last = theta.length - 1;
  const grad = new Float64Array(theta.length);
  const hidden = new Float64Array(last / 4);
  for (const n of rows) {
    const x1 = points.x1[n], x2 = points.x2[n];
    let z = theta[last];
    for (let j = 0, k = 0; j < last; j += 4, k++) {
      hidden[k] = Math.tanh(theta[j] * x1 + theta[j + 1] * x2 + theta[j + 2]);
      z += theta[j + 3] * hidden[k];
    }
    const error = (sigmoid(z) - points.label[n]) / rows.length;  // p − y
    grad[last] += error;
    for (let j = 0, k = 0; j < last; j += 4, k++) {
      grad[j + 3] += error * hidden[k];
      const back = error * theta[j + 3] * (1 - hidden[k] * hidden[k]);
      grad[j] += back * x1;
      grad[j + 1] += back * x2;
      grad[j + 2] += back;
    }
  }
  return grad;
}

// One network on its way. `next(shuffle)` is the batch of the coming step; `take(rate, shuffle, steps)` takes steps.
// `path` says how it came here: [rate, shuffle, steps] for each stretch. The same path always leads to the same weights.
export function makeLearner({ data, points: count, neurons, init, seed }) {
  const points = draw(data, count, 2 * seed), validation = draw(data, VALIDATION, 2 * seed + 1);
  const learner = { points, validation, theta: begin(init, neurons, seed), steps: 0, each: count / BATCH, history: [], path: [], next, take };
  let order = [], orderOf = "";
  const look = () => learner.history.push({ step: learner.steps, train: loss(learner.theta, points), validation: loss(learner.theta, validation) });

  function next(shuffle) {
    const epoch = Math.floor(learner.steps / learner.each), wanted = shuffle ? epoch : "as they come";
    if (orderOf !== wanted) {
      const random = uniform((seed + 1) * 100_003 + epoch);
      const keys = points.label.map((_, n) => (shuffle ? random() : n));
      order = keys.map((_, n) => n).sort((a, b) => keys[a] - keys[b]);
      orderOf = wanted;
    }
    const first = (learner.steps % learner.each) * BATCH;
    return order.slice(first, first + BATCH);
  }

  function take(rate, shuffle, steps) {
    const taken = Math.min(steps, LIMIT - learner.steps), before = learner.path.at(-1);
    if (taken <= 0) return;
    for (let i = 0; i < taken; i++) {
      const grad = gradient(learner.theta, points, next(shuffle));
      for (let w = 0; w < grad.length; w++) learner.theta[w] -= rate * grad[w];
      learner.steps += 1;
      if (learner.steps % EVERY === 0) look();
    }
    if (before && before[0] === rate && before[1] === shuffle) before[2] += taken;
    else learner.path.push([rate, shuffle, taken]);
  }

  look();
  return learner;
}
