"""How fast the next-token widget answers: scripts for its page, that tests and the benchmark `page` evaluate."""

# From the first key to the frame that shows the answer, and then how long empty frames take.
FIRST = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => done(performance.now())));
  const box = document.querySelector('.nt textarea');
  const start = performance.now();
  box.focus();
  box.value += ' x';
  box.dispatchEvent(new Event('input'));
  while (!document.querySelector('.nt-status').textContent.includes('page:')) await frame();
  const milliseconds = performance.now() - start;
  const idle = [];
  for (let i = 0; i < 20; i++) { const rest = performance.now(); idle.push((await frame()) - rest); }
  return [milliseconds, idle.sort((a, b) => a - b)[18]];
}"""

# Runs until the text has 150 tokens more; what is timed is the press, the frames, and the tokens. Beside a Worker that
# computes as fast as it can, every second frame is enough: nobody reads sixty words a second.
RUN = """async () => {
  const run = [...document.querySelectorAll('.nt-actions button')].find((one) => one.textContent === 'Run');
  const box = document.querySelector('.nt textarea');
  const frame = () => new Promise((done) => requestAnimationFrame(() => done(performance.now())));
  const count = () => document.querySelectorAll('.nt-chip').length;
  box.value = 'Nora the fox';
  box.dispatchEvent(new Event('input'));
  while (count() > 20) await frame();
  const before = window.longTasks.length, first = count(), start = performance.now();
  run.click();
  const handler = performance.now() - start;
  const frames = [];
  let last = await frame();
  while (count() < first + 150 && run.textContent === 'Pause') { const now = await frame(); frames.push(now - last); last = now; }
  const speed = (count() - first) / ((last - start) / 1000);
  if (run.textContent === 'Pause') run.click();
  await new Promise((done) => setTimeout(done, 100));
  const empty = [];
  for (let i = 0; i < 20; i++) { const rest = performance.now(); empty.push((await frame()) - rest); }
  const p95 = (times) => times.sort((a, b) => a - b)[Math.ceil(times.length * 0.95) - 1];
  return { speed, handlers: [handler], frames: [p95(frames) / 2], empty, longest: [Math.max(0, ...window.longTasks.slice(before))] };
}"""
