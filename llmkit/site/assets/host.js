/* The page host: gives each figure its code and data shortly before the reader reaches it.
   A classic script, so that it works from file:// and under any path prefix. */
(() => {
  "use strict";
  const [, base, version] = /^(.*\/)[^/?]*(\?.*)?$/.exec(document.currentScript.src);
  const NEAR = { widget: "600px 0px", plot: "1600px 0px" };  // Plotly is 4.8 MB: begin two screens ahead
  const loading = new Map();
  const defined = new Map();
  const starting = new Set();  // widgets on their way; plots let them go first

  window.llmkit = {
    define: (name, thing) => defined.set(name, thing),
    load: async (file, name) => { await load(file); return defined.get(name); },  // what a widget fetches when it is needed
  };

  function load(file) {
    if (!loading.has(file)) {
      loading.set(file, new Promise((resolve, reject) => {
        const style = file.endsWith(".css");
        const element = document.createElement(style ? "link" : "script");
        Object.assign(element, style ? { rel: "stylesheet" } : { async: true });
        element[style ? "href" : "src"] = base + file + (version || "");
        element.onload = resolve;
        element.onerror = () => { loading.delete(file); reject(new Error(`${file} could not be loaded`)); };
        document.head.append(element);
      }));
    }
    return loading.get(file);
  }

  function toView(text) {
    const letters = atob(text);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);  // ten times as fast as Uint8Array.from
    return new DataView(bytes.buffer);
  }

  /* JSON with every {"base64": ...} as a DataView, the way bytes arrive from a kernel. */
  function readState(figure) {
    const text = figure.querySelector('script[type="application/json"]').textContent;
    return JSON.parse(text, (key, value) =>
      value && typeof value.base64 === "string" && Object.keys(value).length === 1 ? toView(value.base64) : value);
  }

  function makeModel(state) {
    const values = { ...state, kernel: false };
    const listeners = new Map();
    const emit = (event, ...rest) => [...(listeners.get(event) || [])].forEach((callback) => callback(...rest));
    const model = {
      get: (name) => values[name],
      set(name, value) {
        if (values[name] === value) return;
        values[name] = value;
        emit(`change:${name}`, model, value);
        emit("change", model);
      },
      on: (event, callback) => listeners.set(event, [...(listeners.get(event) || []), callback]),
      off: (event, callback) =>
        listeners.set(event, (listeners.get(event) || []).filter((one) => callback && one !== callback)),
      save_changes() {},
      send() {},
    };
    return model;
  }

  async function startWidget(figure, mount) {
    const name = figure.dataset.llmWidget;
    await Promise.all([load(`widgets/${name}.js`), load("widgets/kit.css")]);
    const el = Object.assign(document.createElement("div"), { className: "llm-live" });
    mount.hidden = true;
    figure.insertBefore(el, mount);
    try {
      const model = makeModel(readState(figure));
      await new Promise((resolve) => setTimeout(resolve));  // the browser's turn: reading a megabyte takes its time
      await defined.get(name).render({ model, el });
    } catch (error) {
      el.remove();
      mount.hidden = false;
      throw error;
    }
  }

  /* What Plotly draws follows the page: {"xaxis.gridcolor": "#e3e5ea", ...} */
  function pageLook(layout) {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const look = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      "font.color": color("--ink"), "font.family": '"Inter Variable", system-ui, sans-serif',
    };
    for (const axis of new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis/.test(key))])) {
      for (const part of ["gridcolor", "zerolinecolor", "linecolor"]) look[`${axis}.${part}`] = color("--line");
    }
    return look;
  }

  function withLook(layout) {
    const copy = { ...layout, width: undefined, autosize: true };
    for (const [path, value] of Object.entries(pageLook(layout))) {
      const [outer, inner] = path.split(".");
      copy[outer] = inner ? { ...copy[outer], [inner]: value } : value;
    }
    return copy;
  }

  async function startPlot(figure, mount) {
    await new Promise((resolve) => setTimeout(resolve));
    await Promise.allSettled([...starting]);
    await load("plotly.min.js");
    const { data, layout } = readState(figure);
    await Plotly.newPlot(mount, data, withLook(layout), { responsive: true, displayModeBar: false });
    const follow = () => Plotly.relayout(mount, pageLook(layout));
    new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  async function start(figure) {
    const began = performance.now();
    const mount = figure.querySelector(".llm-mount");
    const isPlot = "llmPlot" in figure.dataset;
    const work = (isPlot ? startPlot : startWidget)(figure, mount);
    if (!isPlot) starting.add(work);
    try {
      await work;
      await new Promise(requestAnimationFrame);
      figure.dataset.llmLive = Math.round(performance.now() - began);
      performance.mark(`llm-live:${figure.dataset.llmWidget || "plot"}`);
    } catch (error) {
      const note = Object.assign(document.createElement("p"), { className: "llm-note" });
      note.textContent = `This figure could not be brought to life (${error.message}). `
        + "The picture shows its first state; the lesson's notebook has the live one.";
      figure.append(note);
      figure.dataset.llmFailed = error.message;
    }
    starting.delete(work);
  }

  const watch = (kind, selector) => {
    const observer = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        start(target);
      }
    }, { rootMargin: NEAR[kind] });
    document.querySelectorAll(selector).forEach((figure) => observer.observe(figure));
  };
  watch("widget", "[data-llm-widget]");
  watch("plot", "[data-llm-plot]");
})();
