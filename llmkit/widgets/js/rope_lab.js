// The RoPE lab: a query and a key as hands of four clocks, turned by their positions, and the score that they make.

import { dot } from "./math.js";
import { frequencies, pairs, rope, scores, shares } from "./rope.js";
import { asTable, checkbox, choice, formatNumber, frame, h, oncePerFrame, slider, speaker } from "./kit.js";

const TRAINED = 32, LAST = 999;
const BASES = [10, 100, 1000, 10_000, 100_000, 1_000_000];
const LENGTHS = [32, 64, 128, 256];
const FIELDS = ["query", "key", "position", "distance", "base", "length", "pairing", "squeeze", "question", "guess"];
const PAIRINGS = [["neighbors", "neighbors"], ["halves", "halves"]];
const GUESSES = ["it stays as it is", "it fades", "it swings"];

// One pair of numbers as two hands. They keep their lengths and turn; only the angle between them counts for the score.
function clockView() {
  const hands = ["rl-key", "rl-query"].map((name) => h("line", { x1: 60, y1: 60, class: `rl-hand ${name}` }));
  const tips = ["rl-key", "rl-query"].map((name) => h("circle", { r: 4, class: `rl-tip ${name}` }));
  const drawing = h("svg", { viewBox: "0 0 120 120", role: "img" }, h("circle", { cx: 60, cy: 60, r: 52, class: "rl-rim" }), hands, tips);
  const name = h("div", { class: "rl-name" }), speed = h("div", { class: "rl-small" });
  const share = h("div", { class: "rl-share" }), seen = h("div", { class: "rl-small rl-seen" });
  const el = h("div", { class: "rl-clock" }, name, drawing, share, speed, seen);
  const draw = (ends, size, told) => {
    ends.forEach(([x, y], i) => {
      const left = (60 + (52 * x) / size).toFixed(2), top = (60 - (52 * y) / size).toFixed(2);
      hands[i].setAttribute("x2", left);
      hands[i].setAttribute("y2", top);
      tips[i].setAttribute("cx", left);
      tips[i].setAttribute("cy", top);
    });
    name.textContent = told.name;
    speed.textContent = told.speed;
    share.textContent = told.share;
    seen.textContent = told.seen;
    seen.classList.toggle("rl-new", told.isNew);
    drawing.setAttribute("aria-label", `${told.name}: ${told.speed}, ${told.seen}`);
  };
  return { el, draw };
}

function curveView() {
  const curve = h("path", { class: "rl-curve", "vector-effect": "non-scaling-stroke" });
  const zero = h("path", { class: "rl-zero", "vector-effect": "non-scaling-stroke", d: "M0 50H100" });
  const dotted = h("i", { class: "rl-dot" }), hair = h("i", { class: "rl-hair" });
  const known = h("i", { class: "rl-known" });
  const hidden = h("span", { class: "rl-hidden" }, "Guess first: the curve is hidden.");
  const field = h("div", { class: "rl-field", role: "img" }, known, h("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, zero, curve), hair, dotted, hidden);
  const title = h("div", { class: "rl-title" });
  const low = h("span", {}, "0"), edge = h("span", { class: "rl-edge" }, "31"), high = h("span", {});
  const el = h("div", { class: "rl-strip" }, title, field, h("div", { class: "rl-axis", "aria-hidden": "true" }, low, edge, high));
  const x = (distance, length) => (100 * (distance + 0.5)) / length;
  const draw = (values, top, state, asked) => {
    const y = (value) => 50 - (46 * value) / top;
    const { length, distance } = state;
    hidden.hidden = !asked;
    curve.setAttribute("d", asked ? "" : values.map((value, d) => `${d ? "L" : "M"}${x(d, length).toFixed(2)} ${y(value).toFixed(2)}`).join(""));
    dotted.hidden = asked;
    dotted.style.left = hair.style.left = `${x(distance, length)}%`;
    dotted.style.top = `${y(values[distance])}%`;
    const share = state.squeeze ? 100 : (100 * TRAINED) / length;
    known.style.width = `${share}%`;
    edge.style.left = `${share - 50 / length}%`;
    edge.hidden = share === 100;
    high.textContent = String(length - 1);
    title.textContent = "Score at every distance; shaded: angles that training at 32 tokens has seen";
    field.setAttribute("aria-label", asked ? "The score at every distance, hidden until you guess" : `The score at distances 0 to ${length - 1}; at ${distance} it is ${formatNumber(values[distance], 3)}`);
  };
  return { el, field, draw };
}

function render({ model, el }) {
  const { root, say, notice, dispose } = frame(el, "RoPE lab");
  const bases = [...BASES], lengths = [...LENGTHS];
  let state = {}, values = [], curveOf = "", waits = false;

  const keep = (changes) => {
    for (const [key, value] of Object.entries(changes)) model.set(key, value);
    model.save_changes();
    draw();
  };
  const move = (changes) => keep(model.get("guess") < 0 ? changes : { ...changes, question: false });  // the answer has been read
  const pairing = choice({ label: "pairs are", options: PAIRINGS, value: "neighbors", onChange: (key) => move({ pairing: key }) });
  const slow = slider({ label: "base", min: 0, max: bases.length - 1, step: 1, value: 0, show: (i) => bases[i].toLocaleString("en"), onInput: (i) => move({ base: bases[i] }) });
  const far = slider({ label: "length", min: 0, max: lengths.length - 1, step: 1, value: 0, show: (i) => String(lengths[i]), onInput: (i) => move({ length: lengths[i], distance: Math.min(model.get("distance"), lengths[i] - 1) }) });
  const squeeze = checkbox({ label: "squeeze into 32", value: false, onChange: (on) => move({ squeeze: on }) });
  const both = slider({ label: "move both", min: 0, max: LAST, step: 1, value: 0, onInput: (at) => move({ position: at }) });
  const apart = slider({ label: "distance", min: 0, max: 1, step: 1, value: 0, onInput: (places) => move({ distance: places }) });
  const words = h("div", { class: "rl-words" });
  const speech = speaker(words);
  const clocks = Array.from({ length: 4 }, clockView);
  const sum = h("p", { class: "rl-sum" });
  const curve = curveView();
  const table = asTable("The score at every distance", () => [["distance", "score"], ...values.map((value, d) => [d, waits ? "?" : formatNumber(value, 7)])]);
  const key = h("div", { class: "rl-legend" }, h("span", { class: "rl-query" }, h("i", {}), "query"), h("span", { class: "rl-key" }, h("i", {}), "key"));
  root.append(h("div", { class: "rl" }, words,
    h("div", { class: "rl-controls" }, both.el, apart.el, key),
    h("div", { class: "rl-clocks" }, clocks.map((clock) => clock.el)), sum, curve.el,
    h("div", { class: "rl-controls rl-under" }, far.el, slow.el, squeeze.el, pairing.el), table.el));

  for (const type of ["pointerdown", "pointermove"]) {
    curve.field.addEventListener(type, (event) => {
      if (type === "pointermove" && !event.buttons) return;
      const box = curve.field.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999);
      move({ distance: Math.floor(share * state.length) });
    });
  }

  const include = (list, value, control) => {
    if (!list.includes(value)) {
      list.push(value);
      list.sort((a, b) => a - b);
      control.input.max = list.length - 1;
      control.set(list.indexOf(value));
    }
    if (Number(control.input.value) !== list.indexOf(value) || !control.el.querySelector("output").textContent) control.set(list.indexOf(value));
  };

  const draw = oncePerFrame(() => {
    const next = Object.fromEntries(FIELDS.map((name) => [name, model.get(name)]));
    const problem = wrong(next);
    notice(problem);
    if (problem) return;
    state = { ...next, distance: Math.min(next.distance, next.length - 1) };
    const { query, key: asked, position, distance, base, length } = state;
    const scale = state.squeeze ? length / TRAINED : 1;
    include(bases, base, slow);
    include(lengths, length, far);
    pairing.set(state.pairing);
    squeeze.set(state.squeeze);
    apart.input.max = length - 1;
    both.set(position);
    apart.set(distance);

    const wanted = JSON.stringify([query, asked, base, length, scale, state.pairing]);
    if (curveOf !== wanted) {
      curveOf = wanted;
      values = scores(query, asked, length, base, scale, state.pairing);
    }
    waits = state.question && state.guess < 0;
    const turned = { query: rope(query, position + distance, base, scale, state.pairing), key: rope(asked, position, base, scale, state.pairing) };
    const adds = shares(turned.query, turned.key, state.pairing);
    const speeds = frequencies(query.length, base);
    let top = 0, unseen = 0;
    pairs(query.length, state.pairing).forEach(([a, b], i) => {
      const long = [Math.hypot(query[a], query[b]), Math.hypot(asked[a], asked[b])];
      top += long[0] * long[1];
      const turn = (distance / scale) * speeds[i];
      const isNew = distance / scale >= TRAINED && speeds[i] * (TRAINED - 1) < 2 * Math.PI;
      unseen += isNew;
      clocks[i].draw([[turned.key[a], turned.key[b]], [turned.query[a], turned.query[b]]], Math.max(...long, 1e-9), {
        name: `numbers ${a} and ${b}`, speed: `turned apart by ${amount(turn)} rad`,
        share: waits ? "adds ?" : `adds ${formatNumber(adds[i], 3)}`,
        seen: isNew ? "never this far in training" : "seen in training", isNew,
      });
    });
    const total = dot(turned.query, turned.key);
    curve.draw(values, Math.max(top, 1e-9), state, waits);
    sum.replaceChildren(`query at ${position + distance}, key at ${position}: `,
      ...(waits ? ["score ?"] : [adds.map((value) => formatNumber(value, 3)).join(" + ").replaceAll("+ −", "− "), " = ", h("b", {}, formatNumber(total, 3))]));
    speak(total, unseen);
    table.refresh();
  });

  function speak(total, unseen) {
    if (waits) return void speech.ask("Query and key move on together, their distance stays the same. All hands turn. What happens to the score?", GUESSES, (i) => keep({ guess: i }));
    const text = state.question ? answer() : comment(unseen);
    speech.tell(text);
    say(`${text} Distance ${state.distance}, score ${formatNumber(total, 3)}.`);
  }

  const answer = () => `${state.guess === 0 ? "Yes" : "Look again"}: it stays as it is. Both hands of a clock turn by the same angle, so the angle between them does not change. Drag “move both” and see; then drag “distance”.`;

  function comment(unseen) {
    if (state.squeeze && state.length > TRAINED) return `Every position is divided by ${formatNumber(state.length / TRAINED, 2).replace(/\.?0+$/, "")}, and the angles are back where training was. The price: two neighbors now stand closer than any in training, and the curve is stretched.`;
    if (unseen) return `At distance ${state.distance}, ${unseen} of 4 clocks ${unseen === 1 ? "stands" : "stand"} at an angle that training at 32 tokens never showed. The formula goes on; what the model makes of it is another question.`;
    return "Moving both leaves every angle between the hands, and so the score, as it was. The distance alone changes it: fast pairs swing with every step, slow ones hardly move. A smaller base makes them faster.";
  }

  FIELDS.forEach((name) => model.on(`change:${name}`, draw));
  draw();
  return () => {
    dispose();
    FIELDS.forEach((name) => model.off(`change:${name}`, draw));
  };
}

// What is wrong with a state, in a sentence; "" when nothing is. Python refuses the same.
function wrong({ query, key, position, distance, base, length }) {
  for (const [name, list] of [["query", query], ["key", key]]) {
    if (!Array.isArray(list) || list.length !== 8 || !list.every((x) => Number.isFinite(x) && Math.abs(x) <= 10)) return `The ${name} must be eight numbers from −10 to 10. The last good state stays.`;
  }
  const between = (value, low, high) => Number.isFinite(value) && value >= low && value <= high;
  if (!between(base, 2, 1e6)) return "The base must be from 2 to 1,000,000. The last good state stays.";
  if (!between(length, TRAINED, 256)) return "The length must be from 32 to 256. The last good state stays.";
  if (!between(position, 0, LAST) || !between(distance, 0, 255)) return "A position is from 0 to 999, a distance from 0 to 255. The last good state stays.";
  return "";
}

const amount = (value) => (value !== 0 && Math.abs(value) < 0.001 ? "under 0.001" : formatNumber(value, Math.abs(value) < 10 ? 3 : 1));

export default { render };
