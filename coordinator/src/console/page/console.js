"use strict";
// The whole run is here; time is a place in it. What is clicked becomes part of the file.

let stage = null, run = null, now = 0, playing = false, last = 0, drawn = "";
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

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
  dialChoices(stage.targets, stage.principals);
  acts(); buttons(all(), wanted); drawn = ""; show();
}

function all() {
  const links = run.links.map((link) => [link.between.join(" ⇄ "), "link", link.between]);
  const keys = run.keys.flatMap((key) => key.arns.map((arn) => [`key ${key.name} in ${arn.split(":")[3]}`, "key", [key.name, arn.split(":")[3]]]));
  return [...links, ...run.regions.map((region) => [region, "region", region]), ...keys];
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
  $("ask-what").replaceChildren(...CHOICES[kind](what).map(([text, fault]) => option(text, fault)));
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
    const what = act.fault || `the dial at ${act.load.writes} writes and ${act.load.reads} reads a second to ${act.load.kind} ${act.load.name} in ${act.load.in}`;
    const item = make("li", `${what}, from ${seconds(act.at)} for ${seconds(act.lasts)} `);
    item.append(press("take back", () => ask("/api/acts/" + index, undefined, "DELETE")));
    return item;
  }));
  if (!stage.acts.length) $("acts").append(make("li", "Nothing yet.", "dim"));
}

function show() {
  if (!run) return;
  $("time").value = now;
  $("now").textContent = seconds(now);
  const state = momentOf(run, now);
  map(worldOf(run, now, state), wanted);
  const mark = state.events.length + "/" + $("filter").value + "/" + stage.version;
  if (mark === drawn) return;
  drawn = mark;
  $("steps").replaceChildren(...run.steps.filter((step) => !DIALLED.test(step.step)).map((step) => {
    const over = step.ended <= now, begun = step.began <= now;
    const sign = !begun ? "·" : !over ? "…" : step.status === "passed" ? "✓" : step.status === "failed" ? "✗" : "–";
    const item = make("li", `${sign} ${step.say || step.verb || step.step}${step.region ? " in " + step.region : ""}`,
      begun ? (over && step.status === "failed" ? "fail" : "") : "future");
    if (step.why && over) item.append(make("span", step.why, "why"));
    return item;
  }));
  log(state.events);
  dialled(state);
  keyTable(state);
}

function keyTable(state) {
  fill($("keys"), ["key", ...run.regions], run.keys.map((key) => [key.name, ...run.regions.map((region) => {
    const arn = key.arns.find((arn) => arn.split(":")[3] === region);
    return arn ? state.keys.get(arn) || "Enabled" : "–";
  })]));
}

// What came of the dial until now: rates and latencies of the last five seconds.
const DIALLED = /\.dial_\d+_(writes|reads)\b/;
function dialled(state) {
  const loads = stage.acts.filter((act) => act.load && act.at <= now);
  $("dial-told").hidden = loads.length === 0;
  if (!loads.length) return;
  const it = { answered: 0, refused: {}, unanswered: 0 }, recent = { writes: 0, reads: 0 }, latencies = [];
  const from = Math.max(Math.min(...loads.map((act) => act.at)), now - 5e6), window = Math.max(now - from, 1);
  for (const event of state.events) {
    const found = event.kind === "call" && event.step && DIALLED.exec(event.step);
    if (!found) continue;
    if (event.code && ["ConnectTimeout", "ReadTimeout", "ConnectionReset", "ConnectionClosed"].includes(event.code)) it.unanswered += 1;
    else if (event.code) it.refused[event.code] = (it.refused[event.code] || 0) + 1;
    else it.answered += 1;
    if (event.t < from || event.code) continue;
    recent[found[1]] += 1;
    latencies.push(event.latency);
  }
  latencies.sort((one, other) => one - other);
  const at = (share) => latencies.length ? latencies[Math.floor((latencies.length - 1) * share)] : null;
  const standing = loads.filter((act) => act.at + act.lasts > now);
  const asked = (what) => standing.reduce((sum, act) => sum + act.load[what], 0);
  const rate = (count) => (count * 1e6 / window).toFixed(1);
  dialTold({ writes: asked("writes"), reads: asked("reads") },
    { ...it, writes: rate(recent.writes), reads: rate(recent.reads), p50: at(.5), p99: at(.99) });
}
const dialAct = () => ({ at: Math.round(now), lasts: Math.round($("dial-lasts").value * 1e6), load: dialWish(stage.targets) });
$("dial-what").addEventListener("input", () => dialPlaces(stage.targets));
$("dial-show").addEventListener("click", async () => {
  try { $("dial-yaml").textContent = (await ask("/api/preview", dialAct())).yaml; $("dial-problem").textContent = ""; }
  catch (error) { $("dial-problem").textContent = error.message; }
});
$("dial").addEventListener("submit", async (event) => {
  event.preventDefault();
  try { await ask("/api/acts", dialAct()); $("dial-problem").textContent = ""; }
  catch (error) { $("dial-problem").textContent = error.message; }
});

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
