"use strict";
// What live nodes do, as the console hears it. Nothing is played: what is seen is now.

let live = null, events = [], seen = -1;
const KEPT = 1000;
const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

const up = (region) => live.nodes.find((node) => node.region === region)?.state === "up";

function took(next) {
  // The console was started again: it counts anew.
  if (live && next.now < live.now) { events = []; seen = -1; }
  live = next;
  const fresh = next.events.filter((event) => event.n > seen);
  for (const event of fresh) event.live = true;
  if (fresh.length) seen = fresh[fresh.length - 1].n;
  events = events.concat(fresh).slice(-KEPT);
  show();
  const latest = fresh.filter((event) => event.wall).pop();
  // One machine, one clock; a fault may skew a node's.
  if (latest && !live.nodes.find((node) => node.region === latest.region)?.skew) {
    const age = Math.max(0, Date.now() - latest.wall / 1000);
    $("behind").textContent = `the latest call was drawn ${age.toFixed(0)} ms after it ended`;
    $("behind").dataset.ms = age.toFixed(1);
  }
}

function world() {
  const down = new Set(live.faults.filter((fault) => fault.name === "region_down").flatMap((fault) => fault.regions));
  const dead = new Set(live.nodes.filter((node) => !["up", "asked"].includes(node.state)).map((node) => node.region));
  const keys = (region) => live.keys.filter((key) => key.copies[region] && (key.named || !key.name.startsWith("alias/aws/")))
    .slice(0, 6).map((key) => [key.name, key.copies[region].state, [key.named ? key.name : key.key_id, region]]);
  const links = live.links.map((link) => ({ ...link, words: words(link.between) }));
  return { regions: live.regions, links, faults: live.faults, down, dead, messages: [], keys };
}

// What both ends say of their link, and what waits for it.
function words([one, other]) {
  const waiting = live.queues.filter((queue) => [one, other].includes(queue.from) && [one, other].includes(queue.to))
    .reduce((sum, queue) => sum + queue.waiting, 0);
  const ends = [[one, other], [other, one]].map(([from, to]) =>
    live.nodes.find((node) => node.region === from)?.peers?.find((peer) => peer.region === to)?.state || "away");
  const state = ends.every((end) => end === "connected") ? "connected" : ends.find((end) => end !== "connected");
  return state + (waiting ? `, ${waiting} wait` : "");
}

function all() {
  const links = live.links.map((link) => [link.between.join(" ⇄ "), "link", link.between]);
  const keys = live.keys.filter((key) => key.named).flatMap((key) =>
    Object.keys(key.copies).map((region) => [`key ${key.name} in ${region}`, "key", [key.name, region]]));
  return [...links, ...live.regions.map((region) => [region, "region", region]), ...keys];
}

const CHOICES = {
  link: ([one, other]) => [
    ["cut it", "partition", { between: `${one},${other}` }],
    [`cut it one way, from ${one}`, "partition", { from: one, to: other }],
    [`cut it one way, from ${other}`, "partition", { from: other, to: one }],
    ["slow it down", "slow_link", { between: `${one},${other}`, latency: "800ms" }],
    ["lose a third of the messages", "messages", { between: `${one},${other}`, drop: "33%" }],
  ],
  region: (region) => [
    ["darken it", "region_down", { region }],
    ["kill its node until it is healed", "node_crash", { in: region }],
    ["stop its node and start it again", "restart", { in: region }],
    ["put its clock an hour back", "clock_skew", { in: region, offset: "-1h" }],
    ["throttle its KMS", "kms_throttled", { in: region }],
    ["let its S3 answer 503", "service_outage", { in: region, service: "s3" }],
    ["let its DynamoDB answer 503", "service_outage", { in: region, service: "dynamodb" }],
  ],
  key: ([key, region]) => [["disable it", "key_disabled", { key, in: region }]],
};

function wanted(kind, what) {
  $("ask-title").textContent = Array.isArray(what) ? what.join(kind === "link" ? " ⇄ " : " in ") : what;
  $("ask-what").replaceChildren(...CHOICES[kind](what).map(([text, kind, it]) => option(text, JSON.stringify({ kind, arguments: it }))));
  $("ask-problem").textContent = "";
  preview();
  $("ask").showModal();
}
const wish = () => JSON.parse($("ask-what").value);
async function preview() {
  try {
    const shown = await ask("/api/live/preview", wish());
    $("ask-yaml").textContent = shown.yaml;
    $("ask-command").textContent = shown.command;
  } catch (error) { $("ask-yaml").textContent = ""; $("ask-command").textContent = ""; $("ask-problem").textContent = error.message; }
}
$("ask-what").addEventListener("input", preview);
$("ask-do").addEventListener("click", async (event) => {
  event.preventDefault();
  try { await ask("/api/live/faults", wish()); $("ask").close(); }
  catch (error) { $("ask-problem").textContent = error.message; }
});

async function heal(id) {
  try {
    const { later } = await ask("/api/live/faults/" + id, undefined, "DELETE");
    $("healed").textContent = later.join("; ");
  } catch (error) { $("healed").textContent = error.message; }
}
$("heal-all").addEventListener("click", async () => {
  for (const fault of live.faults) await heal(fault.fault);
});

function faults() {
  const mark = JSON.stringify(live.faults);
  if ($("faults").dataset.mark === mark) return;
  $("faults").dataset.mark = mark;
  $("heal-all").disabled = live.faults.length === 0;
  $("faults").replaceChildren(...live.faults.map((fault) => {
    const item = make("li", fault.text + " ");
    item.append(press("heal", () => heal(fault.fault)));
    if (fault.yaml) item.append(make("pre", fault.yaml));
    return item;
  }));
  if (!live.faults.length) $("faults").append(make("li", "None.", "dim"));
}

const STATES = { up: "✓ up", away: "† away", killed: "† killed", asked: "… asked" };
function tables() {
  fill($("nodes"), ["Region", "state", "calls", "its clients", "its clock"], live.nodes.map((node) => [
    node.region + (node.region === live.home ? " (home of IAM)" : ""),
    STATES[node.state] + (node.problem ? ": " + node.problem : ""),
    node.calls === undefined ? "–" : String(node.calls), `${node.scheme}://${node.aws}`,
    node.skew ? `off by ${node.skew / 1e6} s` : node.state === "up" ? "right" : "–"]));
  const last = (region) => up(region) ? "" : " (when last seen)";
  fill($("keys"), ["key", ...live.regions], live.keys.map((key) => [key.name, ...live.regions.map((region) => {
    const copy = key.copies[region];
    return copy ? (copy.state === "Enabled" ? "" : "⛔ ") + copy.state + (copy.role ? ", " + copy.role.toLowerCase() : "") + last(region) : "–";
  })]));
  fill($("data"), ["table or bucket", ...live.regions], live.data.map((it) => [`${it.kind} ${it.name}`, ...live.regions.map((region) =>
    it.places[region] ? place(it.kind, it.places[region]) + last(region) : "–")]));
  $("queues").replaceChildren(...live.queues.map((queue) =>
    make("li", `${count(queue.waiting, "message")} of ${queue.stream}, waiting in ${queue.from} for ${queue.to}`)));
}
function place(kind, it) {
  const more = (number, word) => it.more ? `${number}+ ${word}s` : count(number, word);
  const under = it.key ? "under " + (live.keys.find((key) => it.key.endsWith(key.key_id))?.name || it.key) : "";
  if (kind === "table")
    return [more(it.items, "item"), "🔒 " + (under || "under AWS's own key"), it.status === "ACTIVE" ? "" : it.status,
      it.key_usable ? "" : "⛔ its key cannot be used", it.waiting_for_key ? `${it.waiting_for_key} wait for the key` : ""].filter(Boolean).join(", ");
  const statuses = Object.entries(it.statuses).map(([status, number]) => `${number} ${status}`);
  return [more(it.objects, "object"), "🔒 " + it.encryption + (under ? " " + under : ""), ...statuses].join(", ");
}

function dialNow() {
  dialChoices(live.targets, live.principals);
  $("dial-told").hidden = !live.dial;
  $("dial-off").disabled = !live.dial;
  if (!live.dial) { $("dial-state").textContent = "Off."; return; }
  const { wish, lasts, problem } = live.dial;
  $("dial-state").textContent = `On for ${Math.round(lasts / 1e6)} s: ${wish.kind} ${wish.name} in ${wish.in}, as ${wish.as}.${problem ? " Nothing can be sent: " + problem : ""}`;
  dialTold(wish, live.dial);
}
async function turn(wish) {
  try { await ask("/api/live/dial", wish); $("dial-problem").textContent = ""; }
  catch (error) { $("dial-problem").textContent = error.message; }
}
$("dial-what").addEventListener("input", () => dialPlaces(live.targets));
$("dial").addEventListener("submit", (event) => { event.preventDefault(); turn(dialWish(live.targets)); });
$("dial-off").addEventListener("click", () => turn(null));

let drawn = "";
function show() {
  const there = live.nodes.filter((node) => node.state === "up").length;
  const whole = there === live.nodes.length && !live.faults.length;
  $("state").textContent = whole ? "✓ whole" : there < live.nodes.length ? "† nodes away" : "! faults";
  $("state").className = "verdict " + (whole ? "pass" : there < live.nodes.length ? "fail" : "unknown");
  $("facts").textContent = `${there} of ${live.nodes.length} nodes up, ${count(live.faults.length, "fault")} in force`;
  $("banner").hidden = live.up && !live.problem;
  $("banner").textContent = live.problem || "`faultline up` does not run: nobody starts nodes that are away. Start it in another shell.";
  const picture = JSON.stringify([live.nodes, live.faults, live.keys, live.queues]);
  if (picture !== drawn) { map(world(), wanted); buttons(all(), wanted); faults(); }
  drawn = picture;
  tables(); dialNow(); log(events);
  $("done").textContent = `${count(live.done, "thing")} since the console was opened, whoever did it`;
  $("save").hidden = !live.can_save;
}
$("filter").addEventListener("input", () => log(events));

$("save").addEventListener("submit", async (event) => {
  event.preventDefault();
  try { $("saved").textContent = "Saved: " + (await ask("/api/live/save", { file: $("save-name").value })).file; }
  catch (error) { $("saved").textContent = error.message; }
});

const source = new EventSource("/api/live/changes");
source.addEventListener("message", (event) => took(JSON.parse(event.data)));
source.addEventListener("error", () => {
  $("banner").hidden = false;
  $("banner").textContent = "The console does not answer: what is shown is what was last heard. It is asked again.";
});
