// The training microscope: a small network learns in the page, step by step, and can be broken on purpose.
// Every thin line is a neuron, drawn where it changes its mind; the thick one is where the network does.

import { LIMIT, gradient, logit, makeLearner, sigmoid } from "./learner.js";
import { asTable, button, checkbox, choice, cividis, formatNumber, frame, h, legend, oncePerFrame, slider, speaker, wantsStillness } from "./kit.js";

const RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];
const NEURONS = [1, 2, 3, 4, 6, 8, 12, 16];
const MADE_OF = ["data", "points", "neurons", "init", "seed"];  // a change of these begins anew
const FIELDS = [...MADE_OF, "rate", "shuffle", "lens", "done", "question", "guess"];
const DATA = [["ring", "ring"], ["moons", "moons"], ["corners", "corners"]];
const INITS = [["random", "random"], ["alike", "all alike"], ["zero", "all zero"], ["large", "10 × too large"]];
const GUESSES = ["yes, only more slowly", "no, not ever", "yes, but only with tiny steps"];
const EDGE = 3, CELLS = 48, AT_ONCE = 5, ANSWERED = 300;  // half the width of the picture, its cells, steps for each frame of a run, steps that answer the question
const STAGES = [200, 500, 1000, 2000];  // how far the axis of steps reaches

const COLORS = new Uint32Array(new Uint8Array(Array.from({ length: 256 }, (_, i) => [...cividis(0.1 + (0.82 * i) / 255), 255]).flat()).buffer);
const counted = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
const attributes = (element, given) => Object.entries(given).forEach((pair) => element.setAttribute(...pair));

// The plane: what the network says everywhere, the neurons as lines, the points as they are.
function plane() {
  const canvas = h("canvas", { width: CELLS + 1, height: CELLS + 1 });
  const context = canvas.getContext("2d");
  const image = context.createImageData(CELLS + 1, CELLS + 1);
  const pixels = new Uint32Array(image.data.buffer);
  const values = new Float64Array((CELLS + 1) ** 2);
  const at = (i) => -EDGE + (2 * EDGE * i) / CELLS;
  const neurons = h("g"), dots = h("g"), border = h("path", { class: "tm-border" });
  const svg = h("svg", { viewBox: "-3 -3 6 6", role: "img" }, neurons, border, dots);
  const el = h("div", { class: "tm-plane" }, canvas, svg);

  const place = (points) => dots.replaceChildren(...points.label.map((label, n) => {
    const [x, y] = [points.x1[n], -points.x2[n]];
    return label ? h("rect", { class: "tm-two", x: x - 0.058, y: y - 0.058, width: 0.116, height: 0.116, transform: `rotate(45 ${x.toFixed(3)} ${y.toFixed(3)})` })
      : h("circle", { class: "tm-one", cx: x.toFixed(3), cy: y.toFixed(3), r: 0.066 });
  }));

  function paint(theta) {
    for (let row = 0, i = 0; row <= CELLS; row++) {
      for (let column = 0; column <= CELLS; column++, i++) {
        values[i] = logit(theta, at(column), -at(row));
        pixels[i] = COLORS[Math.round(255 * sigmoid(values[i]))];
      }
    }
    context.putImageData(image, 0, 0);
    border.setAttribute("d", crossings());
  }

  // Where the logit is 0: a short line through each cell whose corners disagree.
  function crossings() {
    const parts = [];
    const cut = (a, b) => values[a] / (values[a] - values[b]);
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        const a = row * (CELLS + 1) + column, b = a + 1, c = a + CELLS + 1, d = c + 1;
        const found = [];
        if (values[a] > 0 !== values[b] > 0) found.push([column + cut(a, b), row]);
        if (values[b] > 0 !== values[d] > 0) found.push([column + 1, row + cut(b, d)]);
        if (values[c] > 0 !== values[d] > 0) found.push([column + cut(c, d), row + 1]);
        if (values[a] > 0 !== values[c] > 0) found.push([column, row + cut(a, c)]);
        for (let i = 0; i + 1 < found.length; i += 2) parts.push(`M${found.slice(i, i + 2).map(([x, y]) => `${at(x).toFixed(3)} ${at(y).toFixed(3)}`).join("L")}`);
      }
    }
    return parts.join("");
  }

  function lines(theta, lens) {
    const count = (theta.length - 1) / 4;
    if (neurons.childElementCount !== count) neurons.replaceChildren(...Array.from({ length: count }, () => h("path")));
    for (let k = 0; k < count; k++) {
      const [w1, w2, b] = theta.subarray(4 * k, 4 * k + 3);
      const size = w1 * w1 + w2 * w2;
      attributes(neurons.children[k], { class: k === lens ? "tm-neuron tm-chosen" : "tm-neuron", d: size < 1e-9 ? "" :
        `M${[-1, 1].map((way) => `${((-b * w1) / size + (way * 9 * w2) / Math.sqrt(size)).toFixed(3)} ${((b * w2) / size + (way * 9 * w1) / Math.sqrt(size)).toFixed(3)}`).join("L")}` });
    }
  }

  const nearest = (theta, x, y) => {
    const far = (k) => Math.abs(theta[4 * k] * x + theta[4 * k + 1] * y + theta[4 * k + 2]) / Math.hypot(theta[4 * k], theta[4 * k + 1]);
    return Array.from({ length: (theta.length - 1) / 4 }, (_, k) => [far(k), k]).sort((a, b) => a[0] - b[0])[0];
  };
  const mark = (rows) => [...dots.children].forEach((dot, n) => dot.classList.toggle("tm-next", rows.includes(n)));
  return { el, svg, place, paint, lines, mark, nearest };
}

// Loss against steps, with the same height always: 1 nat, and a mark where a coin would be.
function chart() {
  const line = (name) => h("path", { class: name, "vector-effect": "non-scaling-stroke" });
  const train = line("tm-train"), validation = line("tm-validation"), coin = line("tm-coin"), best = h("i", { class: "tm-best" });
  const y = (nats) => 100 - 100 * Math.min(1, nats);
  coin.setAttribute("d", `M0 ${y(Math.LN2)}H100`);
  const field = h("div", { class: "tm-field", role: "img" }, h("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, coin, train, validation), best);
  const end = h("span");
  const tick = (text, nats) => h("span", { style: `top:${y(nats)}%` }, text);
  const told = [h("b", { class: "tm-key-train" }), h("b", { class: "tm-key-validation" })];
  const el = h("div", { class: "tm-chart" },
    h("div", { class: "tm-key" }, h("span", {}, "Loss, in nats"), h("span", {}, "training ", told[0]), h("span", {}, "validation ", told[1])),
    h("div", { class: "tm-plot", "aria-hidden": "true" }, tick("1", 1), tick("ln 2", Math.LN2), tick("0", 0)), field,
    h("div", { class: "tm-axis", "aria-hidden": "true" }, h("span", {}, "0"), h("span", {}, "steps"), end));
  const draw = (history, steps) => {
    const last = STAGES.find((stage) => stage >= steps);
    const path = (name) => history.map((look, i) => `${i ? "L" : "M"}${((100 * look.step) / last).toFixed(2)} ${y(look[name]).toFixed(2)}`).join("");
    train.setAttribute("d", path("train"));
    validation.setAttribute("d", path("validation"));
    end.textContent = last.toLocaleString("en");
    const lowest = history.reduce((a, b) => (b.validation < a.validation ? b : a)), now = history.at(-1);
    best.hidden = lowest === now || now.validation < lowest.validation + 0.02;
    best.style.left = `${(100 * lowest.step) / last}%`;
    [now.train, now.validation].forEach((nats, i) => { told[i].textContent = formatNumber(nats, 3); });
    field.setAttribute("aria-label", `Loss after ${counted(steps, "step")}: training ${formatNumber(now.train)}, validation ${formatNumber(now.validation)}, lowest validation ${formatNumber(lowest.validation)} at step ${lowest.step}`);
    return { lowest, now };
  };
  return { el, draw, says: () => field.getAttribute("aria-label") };
}

function render({ model, el }) {
  const { root, say, dispose } = frame(el, "training microscope");
  const rates = [...RATES], sizes = [...NEURONS];
  let state = {}, learner, todo = [], madeOf = "", placed = "", followed = "", isRunning = false, request = 0, last = 0, painted, paintedAt;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    show();
  };
  const begin = (changes) => { halt(); followed = ""; keep({ question: false, ...changes, done: [] }); };
  const steer = (changes) => keep({ ...changes, question: model.get("guess") < 0 && model.get("question") });  // goes on from where it stands

  const run = button("Run", () => (isRunning ? pause() : go()), { class: "llm-button tm-run" });
  const one = button("Step", () => { pause(); learner.take(state.rate, state.shuffle, 1); tellModel(); show(); });
  const anew = button("Start over", () => begin({}));
  const data = choice({ label: "points", options: DATA, value: "ring", onChange: (key) => begin({ data: key }) });
  const few = checkbox({ label: "only 24 of them", value: false, onChange: (on) => begin({ points: on ? 24 : 120 }) });
  const size = slider({ label: "neurons", min: 0, max: sizes.length - 1, step: 1, value: 0, show: (i) => String(sizes[i]), onInput: (i) => begin({ neurons: sizes[i], lens: Math.min(model.get("lens"), sizes[i] - 1) }) });
  const init = choice({ label: "first weights", options: INITS, value: "random", onChange: (key) => begin({ init: key }) });
  const rate = slider({ label: "learning rate η", min: 0, max: rates.length - 1, step: 1, value: 0, show: (i) => String(rates[i]), onInput: (i) => steer({ rate: rates[i] }) });
  const shuffle = checkbox({ label: "shuffle the points", value: true, onChange: (on) => steer({ shuffle: on }) });
  const lens = slider({ label: "neuron under the lens", min: 1, max: 8, step: 1, value: 1, onInput: (number) => keep({ lens: number - 1 }) });
  const words = h("div", { class: "tm-words" }), speech = speaker(words), progress = h("span", { class: "tm-progress" }), formula = h("p", { class: "tm-formula" });
  const picture = plane(), losses = chart(), key = legend("chance of ◆", 0, 1, (value) => formatNumber(value, 0));
  key.el.querySelector(".llm-scale").style.background = `linear-gradient(90deg,${[0, 0.25, 0.5, 0.75, 1].map((share) => `rgb(${cividis(0.1 + 0.82 * share).join(",")})`).join(",")})`;
  const sums = ["now", "− η · gradient", "after one step"].map((name) => [name, ...Array.from({ length: 4 }, () => h("td"))]);
  const lensTable = h("table", { class: "tm-sums" }, h("thead", {}, h("tr", {}, h("td"), ["w₁", "w₂", "b", "v"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, sums.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, name), cells))));
  const weightTable = asTable("Every weight, and its gradient over the next 8 points", weightRows, "Show weights and gradients as table");
  const lossTable = asTable("The loss so far, in nats", lossRows, "Show losses as table");
  root.append(h("div", { class: "tm" }, words,
    h("div", { class: "tm-body" },
      h("div", { class: "tm-left" }, picture.el, h("div", { class: "tm-under" }, key.el, h("span", {}, "○ and ◆ are the points; a thin line is a neuron")), h("div", { class: "tm-row" }, data.el, few.el)),
      h("div", { class: "tm-right" }, h("div", { class: "tm-row" }, run, one, anew, progress), rate.el, shuffle.el, losses.el, init.el, size.el)),
    h("div", { class: "tm-lens" }, h("div", {}, lens.el, formula), lensTable), weightTable.el, lossTable.el));

  picture.el.addEventListener("pointerdown", (event) => {
    const box = picture.el.getBoundingClientRect();
    const at = (place, start, length) => -EDGE + (2 * EDGE * (place - start)) / length;
    const [far, k] = picture.nearest(learner.theta, at(event.clientX, box.left, box.width), -at(event.clientY, box.top, box.height));
    if (far < 0.5) keep({ lens: k });
  });

  // ---- training ----

  function tellModel() {
    todo = [];
    followed = JSON.stringify(learner.path);
    model.set("done", learner.path.map((stretch) => [...stretch]));
    model.save_changes();
  }

  function go() {
    if (isRunning || learner.steps >= LIMIT) return;
    isRunning = true;
    last = 0;
    request = requestAnimationFrame(tick);
    draw();
  }

  // Five steps for every frame; with reduced motion a hundred, and a picture a second.
  function tick(now) {
    if (!isRunning) return;
    if (!el.isConnected) return halt();
    const isStill = wantsStillness();
    if (!isStill || now - last > 1000) {
      last = now;
      learner.take(state.rate, state.shuffle, isStill ? 100 : AT_ONCE);
      draw();
    }
    if (learner.steps >= LIMIT || (isAnswer() && learner.steps >= ANSWERED)) return pause();
    request = requestAnimationFrame(tick);
  }

  function halt() {
    isRunning = false;
    cancelAnimationFrame(request);
  }

  function pause() {
    if (!isRunning) return;
    halt();
    tellModel();
    show();
  }

  // ---- the picture ----

  const include = (list, value, control) => {
    if (!list.includes(value)) {
      list.push(value);
      list.sort((a, b) => a - b);
      control.input.max = list.length - 1;
    }
    control.set(list.indexOf(value));
  };

  const isAsked = () => state.question && state.guess < 0;
  const isAnswer = () => state.question && state.guess >= 0;

  // The traits as they are; where another network or another path is wanted, it is trained again from the start.
  function read() {
    state = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    const wanted = JSON.stringify(MADE_OF.map((name) => state[name]));
    const path = JSON.stringify(state.done);
    if (madeOf !== wanted || (!isRunning && followed !== path)) {
      halt();
      learner = makeLearner(state);
      todo = state.done.map((stretch) => [...stretch]);
      followed = path;
      const points = `${state.data} ${state.points} ${state.seed}`;
      if (placed !== points) picture.place(learner.points);
      placed = points;
      madeOf = wanted;
    }
    for (const [control, name] of [[data, "data"], [init, "init"], [shuffle, "shuffle"]]) control.set(state[name]);
    few.set(state.points === 24);
    include(sizes, state.neurons, size);
    include(rates, state.rate, rate);
    lens.input.max = state.neurons;
    lens.set(Math.min(state.lens, state.neurons - 1) + 1);
  }

  function draw() {
    const { theta, steps } = learner, at = Math.min(state.lens, state.neurons - 1);
    const rows = learner.next(state.shuffle), grad = gradient(theta, learner.points, rows);
    if (painted !== learner || paintedAt !== steps) picture.paint(theta);
    [painted, paintedAt] = [learner, steps];
    picture.lines(theta, at);
    picture.mark(isRunning ? [] : rows);
    const looked = losses.draw(learner.history, steps);
    run.textContent = isRunning ? "Pause" : "Run";
    progress.textContent = steps < LIMIT ? `step ${steps.toLocaleString("en")}, epoch ${Math.floor(steps / learner.each) + 1}` : `step ${LIMIT.toLocaleString("en")}, the last`;
    tellLens(theta, grad, at);
    speak(looked);
    weightTable.refresh();
    lossTable.refresh();
  }

  // A path from Python is walked a few hundred steps at a time, so that the page never waits.
  const show = oncePerFrame(() => {
    read();
    if (todo.length && !isRunning) {
      const [eta, mixed, steps] = todo[0], now = Math.min(steps, 200);
      learner.take(eta, mixed, now);
      todo[0][2] -= now;
      if (steps === now) todo.shift();
      show();
    }
    draw();
  });

  function tellLens(theta, grad, at) {
    const [w1, w2, b, v] = theta.subarray(4 * at, 4 * at + 4);
    const { x1, x2 } = learner.points;
    const passes = x1.reduce((sum, x, n) => sum + 1 - Math.tanh(w1 * x + w2 * x2[n] + b) ** 2, 0) / x1.length;
    formula.textContent = `h = tanh(w₁x₁ + w₂x₂ + b), and v · h counts toward ◆. Over all points, 1 − h² is ${formatNumber(passes)} on average: the share of an error that gets back to w and b.`;
    sums.forEach(([, ...cells], row) => cells.forEach((cell, i) => {
      const now = theta[4 * at + i], change = -state.rate * grad[4 * at + i];
      cell.textContent = formatNumber([now, change, now + change][row], 4);
    }));
    const right = count(theta);
    picture.svg.setAttribute("aria-label", `${state.data}: ${right} of ${x1.length} points on the right side of the border, ${counted(state.neurons, "neuron")}, step ${learner.steps}`);
  }

  const count = (theta) => learner.points.label.filter((label, n) => logit(theta, learner.points.x1[n], learner.points.x2[n]) > 0 === (label === 1)).length;

  function speak(looked) {
    if (isAsked()) {
      return void speech.ask("Eight neurons, eight lines, placed at random. If all eight began as the same line, could they still learn to close around the ○?", GUESSES,
        (i) => { begin({ init: "alike", guess: i, question: true }); read(); go(); });
    }
    const text = isAnswer() ? answer() : comment(looked);
    speech.tell(text);
    if (!isRunning) say(`${text} ${losses.says()}`);
  }

  function answer() {
    if (learner.steps < ANSWERED) return "Now they begin alike. Watch the one line: it is eight.";
    return `${state.guess === 1 ? "Yes" : "Look again"}: neurons that are alike get the same gradient, take the same step, and are alike for ever. Eight neurons, one straight line, and a loss of a coin, ${formatNumber(Math.LN2)}. Now choose random first weights, and Run.`;
  }

  function comment({ lowest, now }) {
    const { init: first, rate: eta, neurons } = state, steps = learner.steps, nats = formatNumber(now.train, 3);
    if (steps === 0) {
      return { random: "Every thin line is a neuron at a random place. Press Step: the 8 ringed points pull once at every line. Or press Run.",
        alike: `${counted(neurons, "neuron")}, and all begin as the same line. Run, and watch them.`,
        zero: "All weights are 0, so there is not even a line to see. Run, and watch the loss.",
        large: "Ten times too large: every neuron is sure of itself before it has seen a point. Run, and watch the lines." }[first];
    }
    if (first === "zero") return "Only the last bias moves. With v = 0 no error comes back to w and b, and with h = 0 none reaches v. The loss stays where a coin would be, near ln 2 = 0.69.";
    if (first === "alike" && neurons > 1) return `Neurons that are alike get the same gradient, so they stay alike: ${neurons} neurons, one line, and a border that cannot bend, whatever else you change.`;
    if (now.train > 1 && steps >= 50) return `The loss is ${nats}, worse than a coin (0.69). ${eta >= 3 ? "Each step runs past the place that the gradient pointed to. Lower η: the same weights may still recover." : "Give it time, or start over."}`;
    if (!state.shuffle) return "The points come sorted, first all ○ and then all ◆. Each half of an epoch pulls everything its own way, and the loss goes up and down with it. Shuffle them again, and go on.";
    if (now.validation > lowest.validation + 0.1 && now.train < now.validation - 0.1) return `Over-fitting: the training loss is ${nats}, but on points that it has not seen it was lowest at step ${lowest.step} (the mark) and is now ${formatNumber(now.validation)}. Early stopping keeps the weights of that step.`;
    if (first === "large") return `The lines hardly turn: with |h| close to 1, almost nothing of an error gets back through 1 − h². Mostly v learns. The training loss is ${nats}.`;
    if (now.train > 0.3) return `The training loss is ${nats}; a coin has 0.69. ${eta < 0.1 ? "Steps this small need patience, or a larger η." : neurons < 3 ? "So few lines cannot close around the points. Add neurons." : "Go on, or change η on the way."}`;
    return `The border bends where several lines work together. The training loss is ${nats}. Now break it: change η on the way, sort the points, or begin with other weights.`;
  }

  function weightRows() {
    const { theta } = learner, grad = gradient(theta, learner.points, learner.next(state.shuffle)), last = theta.length - 1;
    const row = (values) => [...values].map((value) => formatNumber(value, 8));
    return [["neuron", "w₁", "w₂", "b", "v", "∂w₁", "∂w₂", "∂b", "∂v"],
      ...Array.from({ length: last / 4 }, (_, k) => [k + 1, ...row(theta.subarray(4 * k, 4 * k + 4)), ...row(grad.subarray(4 * k, 4 * k + 4))]),
      ["last bias", "", "", formatNumber(theta[last], 8), "", "", "", formatNumber(grad[last], 8), ""]];
  }

  function lossRows() {
    return [["step", "training", "validation"], ...learner.history.map((look) => [look.step, formatNumber(look.train, 8), formatNumber(look.validation, 8)])];
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, show));
  show();
  return () => {
    halt();
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, show));
  };
}

export default { render };
