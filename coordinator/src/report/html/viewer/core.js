"use strict";
// The viewer of a report. It reads the JSON beside it, asks nobody for anything, and writes
// text as text (textContent), never as HTML.
const run = JSON.parse(document.getElementById("run").textContent);
const word = (index) => run.words[index];
const TONES = ["ok", "unknown", "fail"];
const MARKS = { ok: "●", unknown: "△", fail: "✕" };

// An element: h("p", { class: "x" }, "text", child).
function h(tag, attributes, ...children) {
  const svg = ["svg", "g", "circle", "line", "text", "rect", "title", "path"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Small pictures, drawn here so that they need no font.
const ICONS = {
  lock: "M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z",
  key: "M5 4.5a3.5 3.5 0 1 0 3.35 4.5H11v2h2V9h2V7H8.35A3.5 3.5 0 0 0 5 4.5zm0 2a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
};
const icon = (name) => h("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, h("path", { d: ICONS[name] }));

// Micros as people read them.
function told(t) {
  const whole = Math.max(0, Math.round(t));
  const seconds = whole / 1e6;
  if (seconds >= 3600) {
    const minutes = Math.floor(seconds / 60);
    return `${Math.floor(minutes / 60)}h ${minutes % 60}m ${(seconds % 60).toFixed(1)}s`;
  }
  return seconds < 1 && whole > 0 ? `${(whole / 1000).toFixed(whole < 10000 ? 3 : 1)}ms` : `${seconds.toFixed(3)}s`;
}

// The first index at which `of` is greater than `t`.
function after(list, t, of) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(list[middle]) <= t) low = middle + 1; else high = middle;
  }
  return low;
}

// Every event in one line, in order.
const events = [];
for (const [sent, answered, from, region, operation, principal, outcome, tone, step, n] of run.calls) {
  events.push({ t: sent, to: answered, kind: "call", from, region, tone: TONES[tone], n,
    text: `${word(principal)} ${word(operation)}: ${word(outcome)}${word(step) ? ` (step ${word(step)})` : ""}` });
}
for (const [sent, ended, from, to, stream, lost, cause, n] of run.messages) {
  events.push({ t: sent, to: ended, kind: "message", from, region: to, tone: lost ? "fail" : "ok", lost, n,
    text: `${word(stream)} ${run.regions[from]} → ${run.regions[to]}${lost ? `, lost ${word(cause)}` : ""}` });
}
for (const [t, region, kind, text, tone, n] of run.remarks) {
  events.push({ t, to: -1, kind: "remark", region, tone: TONES[tone], n, text: `${word(kind)}: ${text}`, word: word(kind) });
}
for (const [from, to, text, regions] of run.faults) {
  events.push({ t: from, to: -1, kind: "fault", region: regions.length ? regions[0] : -1, tone: "unknown", n: -1, text: `begins: ${text}` });
  if (to >= 0) events.push({ t: to, to: -1, kind: "fault", region: regions.length ? regions[0] : -1, tone: "ok", n: -1, text: `heals: ${text}` });
}
events.sort((one, other) => one.t - other.t || one.n - other.n);

// What the reader looks at; parts listen and draw.
const state = { t: run.from, low: 0, high: 1000, even: false, filter: "", kinds: new Set(["call", "message", "remark", "fault"]), wrong: false, region: -1 };
const listeners = [];
let asked = false;
function change(what) {
  Object.assign(state, what);
  state.t = Math.min(run.to, Math.max(run.from, state.t));
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    for (const listener of listeners) listener();
  });
}

let shown = { key: null, list: events };
function visible() {
  const key = JSON.stringify([state.filter, [...state.kinds], state.wrong, state.region]);
  if (shown.key !== key) {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const list = events.filter((event) => state.kinds.has(event.kind)
      && (!state.wrong || event.tone !== "ok")
      && (state.region < 0 || event.region === state.region || event.from === state.region)
      && words.every((it) => event.text.toLowerCase().includes(it) || (run.regions[event.region] || "").includes(it)));
    shown = { key, list };
  }
  return shown.list;
}

// From moments to places between 0 and 1000, and back.
function place(t) {
  if (state.even) return run.to > run.from ? ((t - run.from) / (run.to - run.from)) * 1000 : 0;
  const next = after(run.knots, t, (knot) => knot[0]);
  if (next === 0) return 0;
  if (next === run.knots.length) return run.knots[next - 1][1];
  const [one, other] = [run.knots[next - 1], run.knots[next]];
  return one[1] + ((t - one[0]) / (other[0] - one[0])) * (other[1] - one[1]);
}
function moment(u) {
  if (state.even) return run.from + (u / 1000) * (run.to - run.from);
  const next = after(run.knots, u, (knot) => knot[1]);
  if (next === 0) return run.knots[0][0];
  if (next === run.knots.length) return run.knots[next - 1][0];
  const [one, other] = [run.knots[next - 1], run.knots[next]];
  return one[0] + ((u - one[1]) / (other[1] - one[1] || 1)) * (other[0] - one[0]);
}

// The next or the one before, among what the filter leaves.
function step(by) {
  const list = visible();
  if (!list.length) return;
  let index = after(list, state.t, (event) => event.t) - 1;
  if (by < 0) {
    while (index >= 0 && list[index].t >= state.t) index -= 1;
  } else {
    index += 1;
  }
  const event = list[Math.min(list.length - 1, Math.max(0, index))];
  if (event) show(event.t);
}

// Goes to a moment and keeps it in sight.
function show(t) {
  const u = place(t), width = state.high - state.low;
  let { low, high } = state;
  if (u < low || u > high) {
    low = Math.max(0, Math.min(1000 - width, u - width / 2));
    high = low + width;
  }
  change({ t, low, high });
}

function zoom(factor, around) {
  const width = Math.min(1000, Math.max(0.05, (state.high - state.low) * factor));
  const at = around === undefined ? place(state.t) : around;
  const part = (at - state.low) / (state.high - state.low);
  const low = Math.max(0, Math.min(1000 - width, at - Math.min(1, Math.max(0, part)) * width));
  change({ low, high: low + width });
}
