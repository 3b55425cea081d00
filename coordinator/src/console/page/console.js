"use strict";
// The whole run is here; time is a place in it. What is clicked becomes part of the file.

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
let stage = null, run = null, now = 0, playing = false, last = 0, drawn = "";
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

async function ask(path, body, method) {
  const options = body === undefined ? { method: method || "GET" }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.problem || response.statusText);
  return answer;
}

const seconds = (us) => (us / 1e6).toFixed(us < 1e7 ? 3 : 1) + " s";
function make(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}
function draw(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

async function load() {
  stage = await ask("/api/stage");
  run = stage.run;
  $("title").textContent = run.title || stage.file;
  document.title = (run.title || stage.file) + " · Faultline";
  $("facts").textContent = `${stage.file}, seed ${run.seed ?? "?"}, ${seconds(run.end)} simulated` +
    (run.left_out ? `, ${run.left_out} events left out` : "");
  $("verdict").textContent = { pass: "✓ PASS", fail: "✗ FAIL", unknown: "? UNKNOWN", error: "✗ ERROR" }[run.verdict];
  $("verdict").className = "verdict " + run.verdict;
  $("verdict").title = run.because || "";
  $("time").max = Math.max(run.end, 1);
  if (document.activeElement !== $("text")) $("text").value = stage.text;
  $("seed").value = stage.seed ?? run.seed ?? "";
  now = Math.min(now, run.end);
  $("wrong").hidden = run.problems.length === 0;
  $("problems").textContent = run.problems.join("\n\n");
  acts(); buttons(); drawn = ""; show();
}

// What holds at the moment.
function moment() {
  const state = { down: new Set(), faults: new Map(), keys: new Map(), dead: new Set(), events: [] };
  for (const event of run.events) {
    if (event.t > now) break;
    state.events.push(event);
    if (event.kind === "fault") state.faults.set(event.fault, event);
    if (event.kind === "healed") state.faults.delete(event.fault);
    if (event.kind === "died") state.dead.add(event.region);
    if (event.kind === "started") state.dead.delete(event.region);
    if (event.kind === "note" && event.note === "key_state") state.keys.set(event.fields.key, event.fields.state);
  }
  for (const fault of state.faults.values())
    if (fault.name === "region_down") fault.regions.forEach((region) => state.down.add(region));
  return state;
}

function places() {
  const known = run.regions.length <= 8 && run.regions.every((region) => PLACES[region]);
  const found = {};
  run.regions.forEach((region, index) => {
    const angle = 2 * Math.PI * index / run.regions.length - Math.PI / 2;
    const [x, y] = known ? [PLACES[region][0], PLACES[region][1] / 2] : [50 + 34 * Math.cos(angle), 25 + 18 * Math.sin(angle)];
    found[region] = [x, y];
  });
  return found;
}

function linkState(state, [one, other]) {
  let word = "";
  for (const fault of state.faults.values()) {
    const both = fault.text.includes(one) && fault.text.includes(other);
    const either = fault.regions.includes(one) || fault.regions.includes(other);
    if (fault.name === "partition" && both || fault.name === "region_down" && either) return "cut";
    if (["slow_link", "messages"].includes(fault.name) && both) word = "slow";
  }
  return word;
}

function map(state) {
  const svg = $("map"), at = places();
  svg.replaceChildren();
  for (const link of run.links) {
    const [[x1, y1], [x2, y2]] = link.between.map((region) => at[region]);
    const word = linkState(state, link.between);
    svg.append(draw("line", { x1, y1, x2, y2, class: "link " + word }));
    svg.append(draw("text", { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - .6, class: "small" },
      word === "cut" ? "✕ cut" : word === "slow" ? "~ troubled" : link.usual_ms + " ms"));
    const hit = draw("line", { x1, y1, x2, y2, class: "hit" });
    hit.addEventListener("click", () => wanted("link", link.between));
    svg.append(hit);
  }
  for (const event of state.events) {
    if (event.kind !== "message" || event.ack || now - event.t > 1e6 || !at[event.to]) continue;
    const part = Math.min(1, (now - event.t) / 1e6);
    const [[x1, y1], [x2, y2]] = [at[event.from], at[event.to]];
    svg.append(draw("circle", { cx: x1 + (x2 - x1) * part, cy: y1 + (y2 - y1) * part, r: .7,
      class: "message" + (event.caused_by ? " lost" : "") }));
  }
  for (const region of run.regions) {
    const [x, y] = at[region];
    const down = state.down.has(region), dead = state.dead.has(region);
    const circle = draw("circle", { cx: x, cy: y, r: 3, class: "region" + (down || dead ? " down" : "") });
    circle.addEventListener("click", () => wanted("region", region));
    svg.append(circle, draw("text", { x, y: y + 5.4 }, region),
      draw("text", { x, y: y + .7 }, down ? "✕" : dead ? "†" : ""));
    let line = 0;
    for (const key of run.keys) {
      const arn = key.arns.find((arn) => arn.split(":")[3] === region);
      if (!arn) continue;
      const shown = state.keys.get(arn) || "Enabled";
      const text = draw("text", { x, y: y + 7.6 + 1.9 * line++, class: "small" },
        (shown === "Enabled" ? "🔑 " : "⛔ ") + key.name + (shown === "Enabled" ? "" : " " + shown));
      svg.append(text);
    }
  }
}

// The same as the map's clicks, for keyboards and for whoever does not see it.
function buttons() {
  const box = $("buttons");
  box.replaceChildren();
  const add = (text, kind, what) => {
    const button = make("button", text);
    button.addEventListener("click", () => wanted(kind, what));
    box.append(button);
  };
  run.links.forEach((link) => add(link.between.join(" ⇄ "), "link", link.between));
  run.regions.forEach((region) => add(region, "region", region));
  for (const key of run.keys)
    key.arns.forEach((arn) => add(`key ${key.name} in ${arn.split(":")[3]}`, "key", [key.name, arn.split(":")[3]]));
}

const CHOICES = {
  link: ([one, other]) => [
    ["cut it", `partition: [[${one}], [${other}]]`],
    ["slow it down", `slow_link: { between: [${one}, ${other}], latency: 800ms }`],
    ["lose a third of the messages", `messages: { between: [${one}, ${other}], drop: 33% }`],
  ],
  region: (region) => [
    ["darken it", `region_down: ${region}`],
    ["kill its node, and start it again", `node_crash: { in: ${region}, when: after_commit }`],
    ["put its clock an hour back", `clock_skew: { in: ${region}, offset: -1h }`],
  ],
  key: ([key, region]) => [["disable it", `key_disabled: { key: ${key}, in: ${region} }`]],
};

function wanted(kind, what) {
  playing = false;
  $("ask-title").textContent = Array.isArray(what) ? what.join(kind === "link" ? " ⇄ " : " in ") : what;
  $("ask-what").replaceChildren(...CHOICES[kind](what).map(([text, fault]) => {
    const option = make("option", text);
    option.value = fault;
    return option;
  }));
  $("ask-at").value = (now / 1e6).toFixed(1);
  $("ask-problem").textContent = "";
  preview();
  $("ask").showModal();
}
const wish = () => ({
  at: Math.round($("ask-at").value * 1e6), lasts: Math.round($("ask-lasts").value * 1e6), fault: $("ask-what").value,
});
async function preview() {
  try { $("ask-yaml").textContent = (await ask("/api/preview", wish())).yaml; }
  catch (error) { $("ask-yaml").textContent = error.message; }
}
["ask-what", "ask-at", "ask-lasts"].forEach((id) => $(id).addEventListener("input", preview));
$("ask-do").addEventListener("click", async (event) => {
  event.preventDefault();
  try { await ask("/api/acts", wish()); $("ask").close(); }
  catch (error) { $("ask-problem").textContent = error.message; }
});

function acts() {
  $("acts").replaceChildren(...stage.acts.map((act, index) => {
    const item = make("li", `${act.fault}, from ${seconds(act.at)} for ${seconds(act.lasts)} `);
    const undo = make("button", "take back");
    undo.addEventListener("click", () => ask("/api/acts/" + index, undefined, "DELETE"));
    item.append(undo);
    return item;
  }));
  if (!stage.acts.length) $("acts").append(make("li", "Nothing yet.", "dim"));
}

function told(event) {
  switch (event.kind) {
    case "message": return `${event.from} → ${event.to}  ${event.stream}${event.caused_by ? "  ✕ " + event.caused_by : ""}`;
    case "lost": return `lost on its way to ${event.to}  ✕ ${event.caused_by || ""}`;
    case "call": return `${event.principal}  ${event.operation} in ${event.region}  ` +
      (event.code ? `✗ ${event.code}${event.denied_by ? ", denied by " + event.denied_by : ""}${event.caused_by ? ", for " + event.caused_by : ""}` : "✓");
    case "fault": return `! ${event.text}`;
    case "healed": return `~ fault ${event.fault} is healed`;
    case "died": return `† the node of ${event.region} died`;
    case "started": return `the node of ${event.region} started`;
    case "note": return `${event.region}  ${event.note}  ${Object.values(event.fields).slice(0, 4).join("  ")}`;
    default: return event.kind;
  }
}

function show() {
  if (!run) return;
  $("time").value = now;
  $("now").textContent = seconds(now);
  const state = moment();
  map(state);
  const mark = state.events.length + "/" + $("filter").value + "/" + stage.version;
  if (mark === drawn) return;
  drawn = mark;
  $("steps").replaceChildren(...run.steps.map((step) => {
    const over = step.ended <= now, begun = step.began <= now;
    const sign = !begun ? "·" : !over ? "…" : step.status === "passed" ? "✓" : step.status === "failed" ? "✗" : "–";
    const item = make("li", `${sign} ${step.say || step.verb || step.step}${step.region ? " in " + step.region : ""}`,
      begun ? (over && step.status === "failed" ? "fail" : "") : "future");
    if (step.why && over) item.append(make("span", step.why, "why"));
    return item;
  }));
  const words = $("filter").value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const lines = state.events.filter((event) => event.t >= 0).map((event) => [event.t, told(event)])
    .filter(([, text]) => words.every((word) => text.toLowerCase().includes(word)));
  $("log").replaceChildren(...lines.slice(-200).reverse().map(([t, text]) => {
    const item = make("li");
    item.append(make("span", seconds(t), "t"), text);
    return item;
  }));
  keyTable(state);
}

function keyTable(state) {
  const [head, body] = [$("keys").tHead, $("keys").tBodies[0]];
  const row = (cells, name) => {
    const made = make("tr");
    cells.forEach((cell) => made.append(make(name, cell)));
    return made;
  };
  const regions = run.regions;
  head.replaceChildren(row(["key", ...regions], "th"));
  body.replaceChildren(...run.keys.map((key) => row([key.name, ...regions.map((region) => {
    const arn = key.arns.find((arn) => arn.split(":")[3] === region);
    return arn ? state.keys.get(arn) || "Enabled" : "–";
  })], "td")));
}

function frame(at) {
  if (playing) {
    now += (at - last) * 1000 * Number($("speed").value);
    if (now >= run.end) { now = run.end; playing = false; }
    $("play").textContent = playing ? "⏸ pause" : "▶ play";
    show();
  }
  last = at;
  requestAnimationFrame(frame);
}
function toggle() {
  if (!playing && now >= run.end) now = 0;
  if (still) { now = run.end; show(); return; }
  playing = !playing;
  $("play").textContent = playing ? "⏸ pause" : "▶ play";
}
function hop(way) {
  playing = false;
  const times = run.events.map((event) => event.t).filter((t) => way > 0 ? t > now : t >= 0 && t < now);
  if (times.length) now = way > 0 ? times[0] : times[times.length - 1];
  show();
}
$("play").addEventListener("click", toggle);
$("back").addEventListener("click", () => hop(-1));
$("forward").addEventListener("click", () => hop(1));
$("time").addEventListener("input", () => { playing = false; now = Number($("time").value); show(); });
$("filter").addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  if (["TEXTAREA", "INPUT", "SELECT", "BUTTON"].includes(event.target.tagName) || $("ask").open) return;
  if (event.key === " ") { event.preventDefault(); toggle(); }
  if (event.key === "ArrowRight") hop(1);
  if (event.key === "ArrowLeft") hop(-1);
});

$("save").addEventListener("submit", async (event) => {
  event.preventDefault();
  try { $("saved").textContent = "Saved: " + (await ask("/api/save", { file: $("save-name").value })).file; }
  catch (error) { $("saved").textContent = error.message; }
});
const edited = () => ({ text: $("text").value, seed: $("seed").value === "" ? null : Number($("seed").value) });
async function submit(event) {
  event.preventDefault();
  try { await ask("/api/run", edited()); $("findings").replaceChildren(); }
  catch (error) { const item = make("li", undefined, "error"); item.append(make("pre", error.message)); $("findings").replaceChildren(item); }
}
$("edit").addEventListener("submit", submit);
let typing = 0;
$("text").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const { findings } = await ask("/api/check", edited());
    $("findings").replaceChildren(...findings.map((one) =>
      make("li", `line ${one.line}: ${one.message}${one.caption ? " (" + one.caption + ")" : ""}`, one.severity)));
  }, 250);
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
});

// Whoever changed it: every page hears of it.
new EventSource("/api/changes").addEventListener("message", (event) => {
  if (!stage || Number(event.data) !== stage.version) load();
});
requestAnimationFrame(frame);
