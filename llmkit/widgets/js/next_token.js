// The next token: type a text and watch the model think about what comes next. Drawing, cutting and counting are done
// here; the model is asked through a thinker, the kernel's where there is one and the page's own where there is none.
import { asTable, button, checkbox, frame, h, legend, oncePerFrame, select, slider } from "./kit.js";
import { uniform } from "./math.js";
import { distribution, draws } from "./sampling.js";
import { kernelThinker, pageThinker } from "./thinkers.js";
import { attentionOf, limits, makeThought, nameOf, summary, tableOfText, tableOfTokens, whoAnswered } from "./thought.js";
import { MOST, barsView, lensView, stripView } from "./token_views.js";

const BEAT = 110;  // ms from token to token, slow enough to be watched
const GLANCE = 100;  // ms: how often the text is shown while tokens come at full speed
const LONG_RUN = 400;  // tokens after which a run pauses by itself
const MANY = 1000;
const TOP_K = [1, 2, 3, 5, 8, 12, 20, 40, 100, 300];
const SETTINGS = ["temperature", "top_k", "top_p", "min_p", "layer", "head"];

function render({ model, el }) {
  const live = model.get("kernel") !== false;
  const canThink = live || Boolean(model.get("tiny"));
  const { root, say, notice, notes, dispose } = frame(el, "Next token");
  const next = uniform(model.get("seed") ?? 0);
  let thought = null, spread = null, counts = {}, total = 0, drawn = -1;
  let isAsking = false, wanted = null, isRunning = false, isWritten = true, beats = 0, drewText = 0, timer = 0, saving = 0;

  // ---- asking and hearing ----------------------------------------------------------------------------------------
  const heard = {
    answer(answer) {
      if (!answer?.tokens) return;
      isAsking = false;
      thought = makeThought(answer);
      if (!notes.hidden) notice("");
      forgetDraws();
      isWritten = document.activeElement === box && !isRunning && !wanted;  // what is being typed stays as it is
      fitPickers();
      draw();
      const act = wanted;
      wanted = null;
      if (act) act();
      else if (isRunning) goOn();
      else say(summary(thought, settle().after));
    },
    problem(sentence) {
      isAsking = false;
      wanted = null;
      pause();
      notice(sentence);
    },
  };
  const thinker = live ? kernelThinker(model, heard) : pageThinker(heard);
  const ask = (question) => { isAsking = true; thinker.ask(question); };

  // `act` needs an answer of the thinker's own: at once when the last one is, otherwise after the text has been read.
  function withAnswer(act) {
    const isOwn = thought && (live || thought.where || thought.model === model.get("tiny"));
    if (isAsking || !isOwn) {
      wanted = act;
      if (!isAsking) ask({ text: box.value });
    } else act();
  }
  const go = (ids) => ask({ ids });

  // ---- drawing tokens --------------------------------------------------------------------------------------------
  const settings = () => ({ temperature: model.get("temperature"), topK: model.get("top_k"), topP: model.get("top_p"), minP: model.get("min_p") });
  const settle = () => (spread ??= distribution(thought.ranked, settings()));
  function forgetDraws() { spread = null; counts = {}; total = 0; drawn = -1; }

  function drawSome(count) {
    if (!thought) return;
    for (const rank of draws(settle(), count, next)) {
      counts[rank] = (counts[rank] ?? 0) + 1;
      drawn = count === 1 ? rank : -1;
    }
    total += count;
    say(count === 1 ? `Drawn: ${nameOf(thought, drawn)}.` : `${total.toLocaleString("en")} drawn; ${nameOf(thought, 0)} came ${counts[0] ?? 0} times.`);
    draw();
  }

  const append = (rank) => withAnswer(() => {
    const id = thought.order[rank ?? (drawn >= 0 ? drawn : draws(settle(), 1, next)[0])];
    const ends = [thought.end].flat().includes(id);
    go([...thought.ids, id]);
    if (isRunning && ends) { pause(); say("The model has ended its text."); }
  });
  const back = () => withAnswer(() => { if (thought.ids.length > Math.max(1, thought.lead)) go(thought.ids.slice(0, -1)); });

  function goOn() {
    if (++beats > LONG_RUN) {
      pause();
      return notice(`Paused after ${LONG_RUN} tokens. Run goes on from here.`);
    }
    timer = setTimeout(append, full.input.checked ? 0 : BEAT);
  }
  function run() {
    if (isRunning) return pause();
    isRunning = true;
    beats = 0;
    showRun();
    append();
  }
  function pause() {
    if (!isRunning) return;
    isRunning = false;
    clearTimeout(timer);
    showRun();
    draw();
    if (thought) say(summary(thought, settle().after));
  }
  function showRun() {
    runButton.textContent = isRunning ? "Pause" : "Run";
    runButton.setAttribute("aria-pressed", String(isRunning));
  }

  // ---- controls --------------------------------------------------------------------------------------------------
  const box = h("textarea", { rows: "3", "aria-label": "Your text", autocomplete: "off", spellcheck: "false", dir: "auto", maxlength: "40000" });
  const typed = () => { pause(); wanted = null; ask({ text: box.value }); };
  box.addEventListener("input", (event) => { if (!event.isComposing) typed(); });
  box.addEventListener("compositionend", typed);
  const stepButton = button("Step", () => append(), { title: "Draw a token and append it" });
  const runButton = button("Run", run, { "aria-pressed": "false", title: "Step after step" });
  const backButton = button("Back", back, { title: "Take the last token away" });
  const full = checkbox({ label: "full speed", value: false, onChange() {} });
  const oneButton = button("Draw one", () => drawSome(1), { title: "Draw a token without appending it" });
  const manyButton = button("Draw 1,000", () => drawSome(MANY), { title: "Compare how often each token comes with its probability" });
  const bars = barsView(append), strip = stripView(), lens = lensView();

  const tune = (name, value) => {
    model.set(name, value);
    clearTimeout(saving);
    saving = setTimeout(() => model.save_changes(), 200);  // told to Python when the reader rests
  };
  const ks = [...TOP_K, 0];
  const fitK = () => {
    const k = model.get("top_k");
    if (!ks.includes(k)) ks.splice(ks.findIndex((one) => one === 0 || one > k), 0, k);
    topK.input.max = ks.length - 1;
    topK.set(ks.indexOf(k));
  };
  const warm = slider({ label: "temperature", min: 0, max: 2, step: 0.05, value: 1, show: (x) => x.toFixed(2), onInput: (x) => tune("temperature", x) });
  const topK = slider({ label: "top-k", min: 0, max: ks.length - 1, step: 1, value: ks.length - 1, show: (i) => (ks[i] ? String(ks[i]) : "off"), onInput: (i) => tune("top_k", ks[i]) });
  const topP = slider({ label: "top-p", min: 0.01, max: 1, step: 0.01, value: 1, show: (x) => (x === 1 ? "off" : x.toFixed(2)), onInput: (x) => tune("top_p", x) });
  const minP = slider({ label: "min-p", min: 0, max: 1, step: 0.01, value: 0, show: (x) => (x ? x.toFixed(2) : "off"), onInput: (x) => tune("min_p", x) });
  const layers = select({ label: "layer", options: [[-1, "mean"]], value: -1, onChange: (l) => tune("layer", Number(l)) });
  const heads = select({ label: "head", options: [[-1, "mean"]], value: -1, onChange: (k) => tune("head", Number(k)) });
  const places = model.get("devices") ?? [];
  const where = live && places.length > 1 ? select({ label: "compute on", options: places, value: model.get("device"), onChange: (device) => { model.set("device", device); model.save_changes(); } }) : null;
  const scale = legend("attention of the last token");

  function fitPickers() {
    const fit = (picker, name, count) => {
      if (picker.input.options.length !== count + 1) picker.fill([[-1, "mean"], ...Array.from({ length: count }, (_, i) => [i, String(i)])], -1);
      picker.set(model.get(name) < count ? model.get(name) : -1);
    };
    fit(layers, "layer", thought.layers);
    fit(heads, "head", thought.heads);
    pickers.hidden = !thought.layers;
  }

  // ---- the picture -----------------------------------------------------------------------------------------------
  const status = h("p", { class: "nt-status" });
  const limit = h("p", { class: "nt-limit", hidden: true });
  const pickers = h("div", { class: "nt-pickers" }, scale.el, layers.el, heads.el, h("span", { class: "nt-key" }, "surprise 0", h("i", {}), `${MOST} nats`));
  const tokensTable = asTable("The likeliest next tokens, with their probabilities", () => tableOfTokens(thought, settle(), counts, total), "Next tokens as table");
  const textTable = asTable("The text, token by token, and the logit lens", () => tableOfText(thought, looks()), "Text and layers as table");
  root.append(h("div", { class: "nt" },
    h("div", { class: "nt-text" }, box, strip.el, pickers, limit),
    h("div", { class: "nt-actions" }, h("div", {}, stepButton, runButton, backButton, full.el), h("div", {}, oneButton, manyButton)),
    h("div", { class: "nt-body" }, bars.el,
      h("div", { class: "nt-side" }, h("div", { class: "nt-part nt-sliders" }, h("p", { class: "nt-title" }, "How it is drawn"), warm.el, topK.el, topP.el, minP.el), lens.el)),
    h("div", { class: "nt-foot" }, status, where?.el), h("div", { class: "nt-tables" }, tokensTable.el, textTable.el)));

  const looks = () => attentionOf(thought, model.get("layer"), model.get("head"));
  const draw = oncePerFrame(() => {
    if (!thought) return;
    bars.show(thought, settle(), counts, total, drawn);
    lens.show(thought);
    if (!isRunning || !full.input.checked || performance.now() - drewText > GLANCE) drawText();  // in the frame after this one
    status.textContent = whoAnswered(thought, canThink && !live && thought.model === model.get("tiny"));
    limit.textContent = limits(thought);
    limit.hidden = !limit.textContent;
    backButton.disabled = thought.ids.length <= Math.max(1, thought.lead);
    tokensTable.refresh();
    textTable.refresh();
  });

  const drawText = oncePerFrame(() => {
    drewText = performance.now();
    scale.set(0, strip.show(thought, looks()));
    if (isWritten || box.value === thought.text) return;
    box.value = thought.text;
    box.scrollTop = 1e6;
  });

  const changed = () => {
    [[warm, "temperature"], [topP, "top_p"], [minP, "min_p"]].forEach(([control, name]) => { if (Number(control.input.value) !== model.get(name)) control.set(model.get(name)); });
    fitK();
    if (thought) fitPickers();
  };
  const retuned = () => { forgetDraws(); changed(); draw(); };
  const repicked = () => { changed(); draw(); };
  const listen = Object.fromEntries(SETTINGS.map((name) => [name, name === "layer" || name === "head" ? repicked : retuned]));
  listen.device = () => where?.set(model.get("device"));
  for (const [name, callback] of Object.entries(listen)) model.on(`change:${name}`, callback);

  box.value = model.get("text") ?? "";
  for (const control of [box, stepButton, runButton, backButton]) control.disabled = !canThink;
  if (canThink) root.addEventListener("focusin", thinker.wake, { once: true });
  if (canThink) root.addEventListener("pointerdown", thinker.wake, { once: true });
  changed();
  notice(model.get("error") || (canThink ? "" : "No model runs in this page: open it in JupyterLab or Colab to try another text."));
  if (model.get("answer")?.tokens) heard.answer(model.get("answer"));
  requestAnimationFrame(() => { box.scrollTop = 1e6; });  // the end is what the model speaks of

  return () => {
    for (const [name, callback] of Object.entries(listen)) model.off(`change:${name}`, callback);
    clearTimeout(timer);
    clearTimeout(saving);
    thinker.stop();
    dispose();
  };
}

export default { render };
