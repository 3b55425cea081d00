"use strict";
// The page shows what the server says of a lab; whatever is done here, `faultline lab` does too.

let lab = null, run = null, now = 0, playing = false, last = 0, stream = null, tab = null, drawn = "";
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const SIGN = { done: "✓", skipped: "–", todo: "·", passed: "✓ holds", failed: "✗ not yet", waiting: "· waits", unknown: "· not looked at yet" };

// Markdown as labs use it: paragraphs, lists, `code`, **strong**, blocks that are set in.
function prose(text) {
  const inline = (into, words) => {
    for (const part of words.split(/(`[^`]+`|\*\*[^*]+\*\*)/)) {
      if (part.startsWith("`") && part.length > 2) into.append(make("code", part.slice(1, -1)));
      else if (part.startsWith("**") && part.length > 4) into.append(make("strong", part.slice(2, -2)));
      else into.append(part);
    }
    return into;
  };
  return text.split(/\n\s*\n/).filter((block) => block.trim()).map((block) => {
    if (/^( {4}|```)/.test(block)) return make("pre", block.replace(/^```.*$/gm, "").trim());
    const items = block.split(/\n(?=\s*[-*] )/);
    if (!/^\s*[-*] /.test(block)) return inline(make("p"), block.replace(/^#+ /, "").replace(/\s*\n\s*/g, " "));
    const list = make("ul");
    items.forEach((item) => list.append(inline(make("li"), item.replace(/^\s*[-*] /, "").replace(/\s*\n\s*/g, " "))));
    return list;
  });
}

async function listed() {
  const { labs, class: presented } = await ask("/api/labs");
  if (presented) { location.hash = presented; return; }
  stream?.close();
  lab = null;
  $("lab").hidden = $("all").hidden = true;
  $("list").hidden = false;
  $("title").textContent = "Labs";
  document.title = "Labs · Faultline";
  const [done, all] = labs.reduce(([done, all], it) => [done + it.done, all + it.steps], [0, 0]);
  progress(done, all, "of all steps");
  $("labs").replaceChildren(...labs.map((it) => {
    const item = make("li"), bar = make("progress");
    [bar.max, bar.value] = [it.steps, it.done];
    bar.setAttribute("aria-label", `${it.done} of ${it.steps} steps`);
    const open = press(`${it.number ?? ""} ${it.title}`, () => { location.hash = it.id; });
    const word = it.done === it.steps ? "✓ done" : it.begun ? `${it.done} of ${it.steps} steps` : "not begun";
    item.append(open, make("span", `${it.level}, ${it.takes}, ${word}`, "dim"), bar, make("span", "You will " + it.learn.join("; ") + "."));
    if (it.needs.length) item.append(make("span", "after " + it.needs.join(", "), "dim"));
    return item;
  }));
}
function progress(done, all, words) {
  [$("bar").max, $("bar").value] = [Math.max(all, 1), done];
  $("far").textContent = `${done} ${words.startsWith("of") ? `/ ${all} ${words}` : words}`;
}

// Opens what the address names.
async function open() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return listed();
  try { shown(await ask(`/api/labs/${encodeURIComponent(id)}/begin`, {})); }
  catch (error) { $("list").hidden = false; $("labs").replaceChildren(make("li", error.message)); return; }
  stream?.close();
  stream = new EventSource(`/api/labs/${encodeURIComponent(id)}/changes`);
  stream.addEventListener("message", async (event) => {
    if (lab && Number(event.data) !== lab.version) shown(await ask(at()));
  });
}
const at = (rest = "") => `/api/labs/${encodeURIComponent(lab.id)}${rest}`;
async function act(act, more = {}) {
  $("problem").textContent = "";
  try { shown(await ask(at("/act"), { act, ...more })); }
  catch (error) { $("problem").textContent = error.message; }
}
const save = () => act("save", { text: $("text").value });

function shown(it) {
  if (lab && it.id === lab.id && it.version < lab.version) return;
  const before = lab, step = it.step;
  const other = !before || before.id !== it.id || before.step.id !== step.id;
  lab = it;
  document.body.classList.toggle("class", it.class);
  $("list").hidden = true;
  $("lab").hidden = false;
  $("all").hidden = it.class;
  $("title").textContent = it.title;
  document.title = it.title + " · Faultline";
  progress(it.done, it.steps.length, "of the steps");
  $("steps").replaceChildren(...it.steps.map((one) => {
    const item = make("li", `${SIGN[one.state]} ${one.title}`);
    if (one.here) item.setAttribute("aria-current", "step");
    return item;
  }));
  $("step-title").textContent = it.over ? "The lab is done" : step.title;
  $("story-text").replaceChildren(...prose(it.story));
  if (other) $("story").open = it.place === 0 && step.tries === 0;
  $("task").replaceChildren(...prose(step.task));
  question(step);
  hints(step, other);
  $("hint").disabled = step.hints_left === 0;
  $("hint").textContent = step.hints_left ? `hint (${step.hints_left} left)` : "no more hints";
  $("solution").textContent = step.solution_after ? `solution (after ${step.solution_after} more tries)` : "solution";
  $("why").hidden = step.explain === null;
  if (step.explain !== null) $("explain").replaceChildren(...prose(step.explain));
  $("aws").hidden = step.on_aws === null;
  $("on-aws").textContent = step.on_aws || "";
  const passed = step.state !== "todo", end = it.place + 1 === it.steps.length;
  $("next").disabled = !passed && !it.class || it.over;
  $("next").textContent = end ? "finish the lab" : "next step ▶";
  $("previous").hidden = !it.class;
  $("previous").disabled = it.place === 0;
  files(before, other);
  checks(it);
  const solution = step.solution !== null && it.file !== null;
  $("solved").hidden = !solution;
  if (solution) $("difference").replaceChildren(...difference($("text").value, step.solution).map(([sign, line]) =>
    make("span", `${sign} ${line}\n`, sign === "+" ? "more" : sign === " " ? "" : "less")));
  if (step.solution !== null && it.file === null) $("so").textContent = "The right answer is " + step.solution.trim() + ".";
  if (other) $("step-title").scrollIntoView({ block: "nearest" });
  seeRun();
}

function question(step) {
  const asked = step.question;
  $("question").hidden = asked === null;
  $("so").textContent = "";
  if (asked === null) return;
  $("asked").replaceChildren(...prose(asked.question).flatMap((it) => [...it.childNodes]));
  $("answers").replaceChildren(...asked.answers.map((text, index) => {
    const button = press(`${index + 1}  ${text}`, () => act("answer", { number: index + 1 })), item = make("li");
    button.setAttribute("aria-pressed", String(asked.answer === index + 1));
    item.append(button);
    return item;
  }));
  if (asked.answer === null) return;
  $("so").className = asked.right ? "right" : "wrong";
  $("so").textContent = `${asked.right ? "Yes." : "No."} ${asked.so || ""}`;
}
// Each hint folds; one that is closed is read by opening it, which counts.
function hints(step, other) {
  const box = $("hints");
  if (other) box.replaceChildren();
  step.hints.forEach((hint, index) => {
    if (box.children[index]?.dataset.read) return;
    const fold = make("details");
    fold.dataset.read = "yes";
    fold.open = index + 1 === step.hints.length;
    fold.append(make("summary", "hint " + (index + 1)), ...prose(hint));
    if (box.children[index]) box.children[index].replaceWith(fold); else box.append(fold);
  });
  while (box.children.length > step.hints.length) box.lastChild.remove();
  if (!step.hints_left) return;
  const fold = make("details");
  fold.append(make("summary", `hint ${step.hints.length + 1}, not read yet`));
  fold.addEventListener("toggle", () => { if (fold.open) act("hint"); }, { once: true });
  box.append(fold);
}

function files(before, other) {
  const names = [...lab.file === null ? [] : [lab.file], ...lab.read.map((one) => one.name)];
  if (other || !names.includes(tab)) tab = names[0];
  $("tabs").replaceChildren(...names.map((name) => {
    const button = press(name === lab.file ? name + " ✎" : name, () => { tab = name; files(lab, false); });
    button.setAttribute("role", "tab");
    button.setAttribute("aria-selected", String(name === tab));
    return button;
  }));
  const mine = tab === lab.file;
  $("editor").hidden = !mine;
  $("reading").hidden = mine;
  if (!mine) $("reading").textContent = lab.read.find((one) => one.name === tab)?.text ?? "";
  $("save").hidden = $("again").hidden = lab.file === null;
  $("findings").hidden = lab.file === null;
  $("where").textContent = lab.file === null ? "" : `${lab.folder}/${lab.file}, with any editor too`;
  // What somebody saved elsewhere comes in; what is being typed here and was not saved stays.
  const changed = other || before.text !== lab.text;
  if (lab.file !== null && changed && (other || $("text").value === before.text || $("text").value === lab.text)) {
    const [from, to] = [$("text").selectionStart, $("text").selectionEnd];
    if ($("text").value !== lab.text || other) {
      opened(lab.file, lab.text);
      if (!other) $("text").setSelectionRange(from, to);
    }
  }
}

function checks(it) {
  $("bottom").hidden = it.checks.length === 0;
  $("passed").className = it.passed ? "right" : "wrong";
  $("passed").textContent = it.passed === null ? "" : it.passed ? "✓ passed: go on, or stay and try something" : "✗ not yet";
  $("checks").replaceChildren(...it.checks.map((check) => {
    const item = make("li"), told = make("div", `${SIGN[check.status]}: ${check.title}`, check.status);
    item.append(told);
    if (check.said) item.append(make("p", check.said, "said"));
    if (check.picture) {
      const picture = make("pre", check.picture.trimEnd());
      picture.tabIndex = 0;
      item.append(picture);
    }
    return item;
  }));
}

// The run of the last check, paused where it failed first.
async function seeRun() {
  const mark = [lab.id, lab.step.id, lab.text, lab.passed, lab.checks.map((it) => it.status)].join("\n");
  if (seeRun.mark === mark) return;
  seeRun.mark = mark;
  const { run: played, why } = await ask(at("/run"));
  if (seeRun.mark !== mark) return;
  run = played;
  $("run").hidden = run === null;
  $("no-run").textContent = why || "";
  $("verdict").textContent = run === null ? "" : { pass: "✓ PASS", fail: "✗ FAIL", unknown: "? UNKNOWN", error: "✗ ERROR" }[run.verdict] + `, seed ${run.seed ?? "?"}`;
  $("verdict").className = run === null ? "" : run.verdict;
  if (run === null) return;
  const failed = run.steps.filter((step) => step.status === "failed").sort((one, other) => one.ended - other.ended)[0];
  now = Math.max(0, failed ? failed.ended : run.end);
  playing = false;
  $("time").max = Math.max(run.end, 1);
  drawn = "";
  show();
}
function show() {
  if (!run) return;
  $("time").value = now;
  $("now").textContent = seconds(now);
  const state = momentOf(run, now);
  map(worldOf(run, now, state));
  const mark = state.events.length + "/" + $("filter").value + "/" + now;
  if (mark === drawn) return;
  drawn = mark;
  log(state.events);
  $("run-steps").replaceChildren(...run.steps.map((step) => {
    const begun = step.began <= now, over = step.ended <= now;
    const sign = !begun ? "·" : !over ? "…" : step.status === "passed" ? "✓" : step.status === "failed" ? "✗" : "–";
    return make("li", `${sign} ${step.say || step.verb || step.step}${step.region ? " in " + step.region : ""}`, !begun ? "future" : over ? step.status : "");
  }));
}
function frame(time) {
  if (playing && run) {
    now = Math.min(run.end, now + (time - last) * 10_000);
    if (now >= run.end) playing = false;
    show();
  }
  $("play").textContent = playing ? "⏸" : "▶";
  last = time;
  requestAnimationFrame(frame);
}
function toggle() {
  if (!run) return;
  if (!playing && now >= run.end) now = 0;
  if (still) { now = run.end; show(); return; }
  playing = !playing;
}
function hop(way) {
  if (!run) return;
  playing = false;
  const times = run.events.map((event) => event.t).filter((t) => way > 0 ? t > now : t >= 0 && t < now);
  if (times.length) now = way > 0 ? times[0] : times[times.length - 1];
  show();
}

edits((body) => lab?.file === null || !lab ? Promise.resolve({ findings: [], offers: [], prefix: "" }) : ask(at("/look"), body), save);
const reset = () => { if (confirm("Begin this step anew? What you wrote is kept under .faultline/old.")) act("reset", { step: lab.step.id }); };
const CLICKS = { save, again: () => act("check"), hint: () => act("hint"), solution: () => act("solution"), skip: () => act("skip"),
  next: () => act("next"), previous: () => act("back"), reset, play: toggle, back: () => hop(-1), forward: () => hop(1),
  help: () => $("keys").showModal() };
for (const [id, does] of Object.entries(CLICKS)) $(id).addEventListener("click", does);
$("question").addEventListener("submit", (event) => event.preventDefault());
$("time").addEventListener("input", () => { playing = false; now = Number($("time").value); show(); });
$("filter").addEventListener("input", show);
$("all").addEventListener("click", (event) => { event.preventDefault(); location.hash = ""; });
const KEYS = { h: "hint", s: "solution", k: "skip", x: "reset", n: "next", p: "previous", r: "again", "?": "help", ArrowLeft: "back", ArrowRight: "forward" };
document.addEventListener("keydown", (event) => {
  const typing = ["TEXTAREA", "INPUT", "SELECT"].includes(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  if (event.key === "?") return CLICKS.help();
  if (!lab || $("lab").hidden) return;
  if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "SUMMARY") { event.preventDefault(); toggle(); }
  if (event.key === "l" && !lab.class) location.hash = "";
  if (event.key === "e" && lab.file !== null) { event.preventDefault(); tab = lab.file; files(lab, false); $("text").focus(); }
  if (/^[1-9]$/.test(event.key) && lab.step.question && event.key <= lab.step.question.answers.length) act("answer", { number: Number(event.key) });
  const button = KEYS[event.key] && $(KEYS[event.key]);
  if (button && !button.disabled && !button.hidden && getComputedStyle(button).display !== "none") CLICKS[KEYS[event.key]]();
});
window.addEventListener("hashchange", open);
requestAnimationFrame(frame);
open();
