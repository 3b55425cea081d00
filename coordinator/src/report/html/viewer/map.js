// The map: Regions at their rough places, with what they hold at the moment.
// Moves boxes that lie over each other aside.
function apart(places) {
  for (let round = 0; round < 60; round += 1) {
    for (let one = 0; one < places.length; one += 1) {
      for (let other = one + 1; other < places.length; other += 1) {
        const [a, b] = [places[one], places[other]];
        const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        const [overX, overY] = [170 - Math.abs(dx), 74 - Math.abs(dy)];
        if (overX <= 0 || overY <= 0) continue;
        const axis = overY < overX * 0.7 ? 1 : 0;
        const by = ((axis ? overY : overX) / 2) * ((axis ? dy : dx) < 0 ? -1 : 1);
        a[axis] -= by;
        b[axis] += by;
      }
    }
    for (const it of places) {
      it[0] = Math.min(520, Math.max(80, it[0]));
      it[1] = Math.min(208, Math.max(32, it[1]));
    }
  }
  return places;
}

const spots = apart((() => {
  const known = run.regions.map((name) => PLACES[name]);
  if (run.regions.length <= 8 && known.every(Boolean)) {
    const [xs, ys] = [known.map((it) => it[0]), known.map((it) => it[1])];
    const fit = (value, all, from, to) => {
      const [low, high] = [Math.min(...all), Math.max(...all)];
      return high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from);
    };
    return known.map(([px, py]) => [fit(px, xs, 110, 490), fit(py, ys, 60, 180)]);
  }
  return run.regions.map((_, index) => {
    const angle = (index / run.regions.length) * 2 * Math.PI - Math.PI / 2;
    return [300 + 200 * Math.cos(angle), 120 + 80 * Math.sin(angle)];
  });
})());

const map = h("svg", { id: "map", viewBox: "0 0 600 240", role: "img", "aria-label": "Regions at the moment; the lists beside tell the same" });
const cards = h("div", { id: "cards", class: "sides" });
const at = (history, t) => {
  const index = after(history, t, (it) => it[0]) - 1;
  return index < 0 ? null : history[index];
};

// What one Region holds at a moment.
function held(region, t) {
  const keys = [], data = [];
  let total = 0;
  for (const key of run.keys) {
    const now = key.at[region] && at(key.at[region], t);
    if (now) keys.push([key.name, word(now[1]) || "used", word(now[2]), key.id]);
  }
  for (const item of run.data) {
    const now = item.at[region] && at(item.at[region], t);
    if (now) {
      total += 1;
      if (data.length < 12) data.push([item.name, item.kind, word(now[1]), word(now[2])]);
    }
  }
  return { keys, data, total };
}

const faultsAt = (t) => run.faults.filter(([from, to]) => from <= t && (to < 0 || to > t));
function alive(region, t) {
  let last = null;
  for (const event of lives) {
    if (event.t > t) break;
    if (event.region === region) last = event.word;
  }
  return last !== "died";
}
const lives = events.filter((event) => event.word === "died" || event.word === "started");

function drawMap() {
  const t = state.t;
  const active = faultsAt(t);
  const parts = [];
  const link = (one, other, attributes, title) => {
    const [[x1, y1], [x2, y2]] = [spots[one], spots[other]];
    parts.push(h("line", { x1, y1, x2, y2, ...attributes }, h("title", {}, title)));
  };
  for (let one = 0; one < spots.length; one += 1) {
    for (let other = one + 1; other < spots.length; other += 1) {
      const cut = active.find((fault) => fault[3].length === 0 && fault[2].includes(run.regions[one]) && fault[2].includes(run.regions[other]));
      link(one, other, { class: cut ? "message lost" : "link" }, cut ? cut[2] : `${run.regions[one]} – ${run.regions[other]}`);
    }
  }
  let drawn = 0;
  for (const [sent, ended, from, to, stream, lost] of run.messages) {
    if (sent > t) break;
    if (ended < 0 || ended <= t || drawn > 60) continue;
    drawn += 1;
    const part = (t - sent) / (ended - sent);
    const [[x1, y1], [x2, y2]] = [spots[from], spots[to]];
    parts.push(h("circle", { cx: x1 + (x2 - x1) * part, cy: y1 + (y2 - y1) * part, r: 5, class: lost ? "sign fail" : "sign ok" }, h("title", {}, `${word(stream)} on its way`)));
  }
  const boxes = [];
  run.regions.forEach((name, region) => {
    const [cx, cy] = spots[region];
    const faults = active.filter((fault) => fault[3].includes(region));
    const up = alive(region, t);
    const { keys, data, total } = held(region, t);
    const ready = keys.filter((key) => key[1] === "Enabled").length;
    const tone = !up ? "fail" : faults.length ? "unknown" : "ok";
    parts.push(h("g", {},
      h("rect", { x: cx - 76, y: cy - 26, width: 152, height: 54, rx: 9, class: `spot ${tone}` }),
      h("text", { x: cx, y: cy - 7, class: "name middle" }, `${up ? (faults.length ? "△ " : "") : "✕ "}${name}`),
      h("text", { x: cx, y: cy + 9, class: "middle" }, `keys ${ready} of ${keys.length} · data ${total}`),
      h("text", { x: cx, y: cy + 22, class: "middle small" }, !up ? "its node is dead" : faults.length ? faults[0][2].slice(0, 26) : "no fault here")));
    boxes.push(card(name, up, faults, keys, data, total));
  });
  map.replaceChildren(...parts);
  cards.replaceChildren(...boxes);
}

function card(name, up, faults, keys, data, total) {
  const list = h("ul", {});
  if (!up) list.append(h("li", { class: "fail" }, "✕ its node is dead"));
  for (const fault of faults) list.append(h("li", {}, h("span", { class: "unknown" }, "△"), ` ${fault[2]}`));
  for (const [key, now, role] of keys.slice(0, 12)) {
    const good = now === "Enabled";
    list.append(h("li", {}, icon("key"), ` ${key} `, h("b", { class: good ? "ok" : "unknown" }, `${good ? "✓" : "!"} ${now}`), role ? ` ${role.toLowerCase()}` : ""));
  }
  if (keys.length > 12) list.append(h("li", { class: "quiet" }, `${keys.length - 12} keys more`));
  for (const [item, kind, under, status] of data) {
    const bad = status === "FAILED" || status === "error";
    list.append(h("li", {}, icon("lock"), ` ${item} `, h("small", {}, `${kind} · ${under}${status ? " · " : ""}`, bad ? h("b", { class: "fail" }, `✕ ${status}`) : status)));
  }
  if (total > data.length) list.append(h("li", { class: "quiet" }, `${total - data.length} more`));
  if (!list.children.length) list.append(h("li", { class: "quiet" }, "– nothing yet"));
  return h("div", { class: "side" }, h("h3", {}, name), list);
}
