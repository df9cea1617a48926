// Who answers a question about the next token: the kernel's model, or the small model in the page.
// Both take { text } or { ids }, work on one question at a time, and then on the newest of those that came meanwhile.

const PATIENCE = 10;  // seconds
const SLICES = { worker: 25, page: 8 };  // ms of computing at a time, in a Worker and in the page itself

// heard: { answer(answer), problem(sentence) }
export function kernelThinker(model, heard) {
  let number = model.get("answer")?.n ?? 0;
  let waiting = 0, next = null;
  const send = () => {
    model.set("question", { ...next, n: ++number });
    model.save_changes();
    next = null;
    waiting = setTimeout(() => {
      waiting = 0;
      heard.problem(`The kernel has not answered for ${PATIENCE} seconds: it is busy with a cell, or stopped. Run the cell again.`);
    }, PATIENCE * 1000);
  };
  const settled = () => {
    if (model.get("done") !== number) return;
    clearTimeout(waiting);
    waiting = 0;
    if (model.get("error")) heard.problem(model.get("error"));
    if (next) send();
  };
  const listen = {
    done: settled,
    answer: () => { if (!next) heard.answer(model.get("answer")); },
    error: () => { if (!waiting) heard.problem(model.get("error")); },
  };
  for (const [name, callback] of Object.entries(listen)) model.on(`change:${name}`, callback);
  return {
    wake() {},
    ask(question) { next = question; if (!waiting) send(); },
    stop() {
      clearTimeout(waiting);
      for (const [name, callback] of Object.entries(listen)) model.off(`change:${name}`, callback);
    },
  };
}

// The model is fetched when it is first needed; it runs in a Worker, or in slices in the page where Workers are refused.
export function pageThinker(heard) {
  let port = null, opening = null, isReady = false, number = 0, last = null, place = "in a Worker of this page", stopped = false;

  function receive({ data }) {
    if (data.ready) isReady = true;
    else if (data.problem) heard.problem(data.problem);
    else if (data.n === number) heard.answer({ ...data, where: place });
  }

  function talkThrough(next, file) {
    port = next;
    port.onmessage = receive;
    port.postMessage({ file });
    if (last) port.postMessage(last);
  }

  function openInPage({ start, file }) {
    const { port1, port2 } = new MessageChannel();
    start()(port1, SLICES.page);
    place = "in this page";
    talkThrough(port2, file);
  }

  function open(tiny) {
    if (stopped) return;
    try {
      const source = new Blob([`(${tiny.start})()(self, ${SLICES.worker});`], { type: "text/javascript" });
      const worker = new Worker(URL.createObjectURL(source));
      worker.onerror = (event) => {
        event.preventDefault();
        if (!isReady) openInPage(tiny);
      };
      talkThrough(worker, tiny.file);
    } catch {
      openInPage(tiny);
    }
  }

  const wake = () => {
    opening ??= window.llmkit.load("tinylm/model.js", "tinylm").then(open).catch((problem) => {
      opening = null;  // the next question tries again
      heard.problem(`The model for this page could not be fetched (${problem.message}). What you see was stored when the page was made.`);
    });
  };
  return {
    wake,
    ask(question) {
      last = { ...question, n: ++number };
      port?.postMessage(last);
      wake();
    },
    stop() { stopped = true; port?.terminate?.(); port?.close?.(); },
  };
}
