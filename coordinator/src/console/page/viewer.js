"use strict";
// What all pages draw with: the map, the log, the table of keys.

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

async function ask(path, body, method) {
  const options = body === undefined ? { method: method || "GET" }
    : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.problem || response.statusText);
  return answer;
}

const seconds = (us) => (us / 1e6).toFixed(us < 1e7 ? 3 : 1) + " s";
const millis = (us) => us === null || us === undefined ? "–" : (us / 1e3).toFixed(us < 1e4 ? 1 : 0) + " ms";
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
function press(text, act) {
  const button = make("button", text);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}
function option(text, value) {
  const made = make("option", text);
  made.value = value;
  return made;
}
function cells(values, name) {
  const made = make("tr");
  for (const value of values) {
    const cell = make(name);
    cell.append(value);
    made.append(cell);
  }
  return made;
}
function fill(table, head, rows) {
  table.tHead.replaceChildren(cells(head, "th"));
  table.tBodies[0].replaceChildren(...rows.map((row) => cells(row, "td")));
}

function places(regions) {
  const known = regions.length <= 8 && regions.every((region) => PLACES[region]);
  const found = {};
  regions.forEach((region, index) => {
    const angle = 2 * Math.PI * index / regions.length - Math.PI / 2;
    found[region] = known ? [PLACES[region][0], PLACES[region][1] / 2] : [50 + 34 * Math.cos(angle), 25 + 18 * Math.sin(angle)];
  });
  return found;
}

// What faults do to a link: nothing, "cut" or "slow".
function linkState(faults, [one, other]) {
  let word = "";
  for (const fault of faults) {
    const both = fault.regions.includes(one) && fault.regions.includes(other) || fault.text.includes(one) && fault.text.includes(other);
    const either = fault.regions.includes(one) || fault.regions.includes(other);
    if (fault.name === "partition" && both || fault.name === "region_down" && either) return "cut";
    if (["slow_link", "messages"].includes(fault.name) && both) word = "slow";
  }
  return word;
}

// The map of { regions, links, faults, down, dead, messages, keys(region) }; `wanted(kind, what)` hears of clicks, if it is there.
function map(world, wanted) {
  const at = places(world.regions), drawing = draw("g", { class: "drawing" });
  for (const link of world.links) {
    const [[x1, y1], [x2, y2]] = link.between.map((region) => at[region]);
    const word = linkState(world.faults, link.between);
    drawing.append(draw("line", { x1, y1, x2, y2, class: "link " + word }),
      draw("text", { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - .6, class: "small" },
        word === "cut" ? "✕ cut" : word === "slow" ? "~ troubled" : link.words || link.usual_ms + " ms"));
  }
  for (const [from, to, part, lost] of world.messages) {
    const [[x1, y1], [x2, y2]] = [at[from], at[to]];
    drawing.append(draw("circle", { cx: x1 + (x2 - x1) * part, cy: y1 + (y2 - y1) * part, r: .7, class: "message" + (lost ? " lost" : "") }));
  }
  for (const region of world.regions) {
    const [x, y] = at[region];
    const down = world.down.has(region), dead = world.dead.has(region);
    drawing.append(draw("circle", { cx: x, cy: y, r: 3, class: "region" + (down || dead ? " down" : "") }),
      draw("text", { x, y: y + 5.4 }, region), draw("text", { x, y: y + .7 }, down ? "✕" : dead ? "†" : ""));
    world.keys(region).forEach(([name, state], line) => drawing.append(draw("text", { x, y: y + 7.6 + 1.9 * line, class: "small" },
      (state === "Enabled" ? "🔑 " : "⛔ ") + name + (state === "Enabled" ? "" : " " + state))));
  }
  const hits = wanted && hitsOf(world, at, wanted);
  const old = $("map").querySelector(".drawing");
  if (old) old.replaceWith(drawing); else $("map").append(drawing);
  if (hits) { $("map").querySelector(".hits")?.remove(); $("map").append(hits); }
}

// What can be clicked stays where it is while the picture changes below it; nothing when it is there already.
function hitsOf(world, at, wanted) {
  const mark = JSON.stringify([world.regions, world.links.map((link) => link.between), world.regions.map((region) => world.keys(region).map(([, , what]) => what))]);
  if ($("map").dataset.hits === mark) return null;
  $("map").dataset.hits = mark;
  const hits = draw("g", { class: "hits" });
  const hit = (name, attributes, kind, what) => {
    const made = draw(name, { ...attributes, class: "hit " + kind });
    made.addEventListener("click", () => wanted(kind, what));
    hits.append(made);
  };
  for (const { between } of world.links) {
    const [[x1, y1], [x2, y2]] = between.map((region) => at[region]);
    hit("line", { x1, y1, x2, y2 }, "link", between);
  }
  for (const region of world.regions) {
    const [cx, cy] = at[region];
    hit("circle", { cx, cy, r: 3.3 }, "region", region);
    world.keys(region).forEach(([, , what], line) => {
      if (what) hit("rect", { x: cx - 8, y: cy + 6.1 + 1.9 * line, width: 16, height: 1.9 }, "key", what);
    });
  }
  return hits;
}

// The same as the map's clicks, for keyboards and for whoever does not see it: [text, kind, what].
function buttons(all, wanted) {
  const texts = all.map(([text]) => text).join("\n");
  if ($("buttons").dataset.texts === texts) return;
  $("buttons").dataset.texts = texts;
  $("buttons").replaceChildren(...all.map(([text, kind, what]) => press(text, () => wanted(kind, what))));
}

// What a note says, without digests and account numbers.
const fields = (all) => Object.values(all).filter((it) => !/^([0-9a-f]{32,}|\d{12})$/.test(it)).slice(0, 4).join("  ");

function told(event) {
  switch (event.kind) {
    case "message": return `${event.from} → ${event.to}  ${event.stream}${event.caused_by ? "  ✕ " + event.caused_by : ""}`;
    case "lost": return `lost on its way to ${event.to}  ✕ ${event.caused_by || ""}`;
    case "call": return `${event.principal}  ${event.operation} in ${event.region}  ` +
      (event.code ? `✗ ${event.code}${event.denied_by ? ", denied by " + event.denied_by : ""}${event.caused_by ? ", for " + event.caused_by : ""}` : "✓");
    case "fault": return `! ${event.text}`;
    case "healed": return `~ fault ${event.fault} is healed`;
    case "died": return `† the node of ${event.region} ${event.live ? "is away" : "died"}`;
    case "started": return `the node of ${event.region} ${event.live ? "is there" : "started"}`;
    case "note": return `${event.region}  ${event.note}  ${fields(event.fields)}`;
    default: return event.kind;
  }
}

// The latest events first, those that have all words of the filter.
function log(events) {
  const words = $("filter").value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const lines = events.filter((event) => event.t >= 0).map((event) => [event.t, told(event)])
    .filter(([, text]) => words.every((word) => text.toLowerCase().includes(word)));
  $("log").replaceChildren(...lines.slice(-200).reverse().map(([t, text]) => {
    const item = make("li");
    item.append(make("span", seconds(t), "t"), text);
    return item;
  }));
}

// The dial's form: what it can write to, where, as whom.
function dialChoices(targets, principals) {
  const all = JSON.stringify([targets, principals]);
  if ($("dial-what").dataset.all === all) return;
  $("dial-what").dataset.all = all;
  $("dial").hidden = targets.length === 0;
  $("dial-none").hidden = targets.length > 0;
  const what = $("dial-what").value, who = $("dial-as").value;
  $("dial-what").replaceChildren(...targets.map((it, index) => option(`${it.kind} ${it.name}`, String(index))));
  $("dial-as").replaceChildren(...principals.map((name) => option(name, name)));
  if (what && targets[what]) $("dial-what").value = what;
  if (principals.includes(who)) $("dial-as").value = who;
  dialPlaces(targets);
}
function dialPlaces(targets) {
  const target = targets[$("dial-what").value], where = $("dial-in").value;
  if (!target) return;
  $("dial-in").replaceChildren(...target.regions.map((region) => option(region, region)));
  if (target.regions.includes(where)) $("dial-in").value = where;
  $("dial-reads").disabled = target.kind === "key";
}
function dialWish(targets) {
  const target = targets[$("dial-what").value];
  return { kind: target.kind, name: target.name, in: $("dial-in").value, as: $("dial-as").value,
    writes: Number($("dial-writes").value), reads: target.kind === "key" ? 0 : Number($("dial-reads").value) };
}
// What came of it: { writes, reads, p50, p99, answered, refused: { code: count }, unanswered, unsent }.
function dialTold(wish, it) {
  const refused = Object.entries(it.refused).map(([code, count]) => `${count} ${code}`).join(", ") || "0";
  const rows = [["writes a second, of " + wish.writes, String(it.writes)], ["reads a second, of " + wish.reads, String(it.reads)],
    ["latency, middle / 99 of 100", `${millis(it.p50)} / ${millis(it.p99)}`], ["answered", String(it.answered)],
    ["refused", refused], ["not answered", String(it.unanswered)]];
  if (it.unsent !== undefined) rows.push(["not sent, for too many waited", String(it.unsent)]);
  $("dial-told").tBodies[0].replaceChildren(...rows.map((row) => cells(row, "td")));
}

// What holds at a moment of a run.
function momentOf(run, now) {
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

// The moment as the map draws it.
function worldOf(run, now, state) {
  const messages = [];
  for (const event of state.events) {
    if (event.kind !== "message" || event.ack || now - event.t > 1e6 || !run.regions.includes(event.to)) continue;
    messages.push([event.from, event.to, Math.min(1, (now - event.t) / 1e6), event.caused_by]);
  }
  const keys = (region) => run.keys.flatMap((key) => {
    const arn = key.arns.find((arn) => arn.split(":")[3] === region);
    return arn ? [[key.name, state.keys.get(arn) || "Enabled", [key.name, region]]] : [];
  });
  return { regions: run.regions, links: run.links, faults: [...state.faults.values()], down: state.down, dead: state.dead, messages, keys };
}
