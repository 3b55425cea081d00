// The tools, the list of events, and everything put in its place.
const now = h("output", { id: "now", "aria-live": "polite" });
const count = h("span", { class: "note", id: "count" });
const rows = h("tbody", { id: "events" });
const ROWS = 24;

function drawList() {
  const list = visible();
  const middle = after(list, state.t, (event) => event.t) - 1;
  const from = Math.max(0, Math.min(list.length - ROWS, middle - ROWS / 2));
  const line = (event, index) => {
    const current = index + from === middle;
    const go = h("button", { type: "button", class: "plain", onclick: () => show(event.t) }, told(event.t));
    return h("tr", { class: current ? "current" : "", "aria-current": current ? "true" : null },
      h("td", { class: "when" }, go),
      h("td", {}, h("span", { class: event.tone }, MARKS[event.tone]), ` ${event.kind}`),
      h("td", {}, event.region < 0 ? "" : run.regions[event.region]),
      h("td", {}, event.text));
  };
  rows.replaceChildren(...list.slice(from, from + ROWS).map(line));
  const event = list[middle];
  now.textContent = `${told(state.t)}${event ? ` · ${event.text.slice(0, 160)}` : ""}`;
  count.textContent = `${list.length} of ${events.length} events${run.all > events.length ? `; the run has ${run.all}: faultline report --from --to reaches the rest` : ""}`;
}

const button = (text, label, what) => h("button", { type: "button", "aria-label": label, title: label, onclick: what }, text);
const toggle = (kind, text) => {
  const box = h("input", { type: "checkbox", checked: true, onchange: () => {
    if (box.checked) state.kinds.add(kind); else state.kinds.delete(kind);
    change({});
  } });
  return h("label", {}, box, ` ${text}`);
};
const wrong = h("input", { type: "checkbox", id: "wrong", onchange: () => change({ wrong: wrong.checked }) });
const even = h("input", { type: "checkbox", onchange: () => change({ even: even.checked, low: 0, high: 1000 }) });
const search = h("input", { type: "search", id: "filter", placeholder: "filter: kms denied us-east-1", "aria-label": "Show events with these words", oninput: () => change({ filter: search.value }) });
const where = h("select", { "aria-label": "Show events of this Region", onchange: () => change({ region: Number(where.value) }) },
  h("option", { value: "-1" }, "all Regions"), ...run.regions.map((name, index) => h("option", { value: index }, name)));

const live = document.getElementById("live");
live.append(
  h("div", { class: "tools", role: "toolbar", "aria-label": "Time" },
    button("|◀", "to the beginning", () => show(run.from)), button("◂", "one event back", () => step(-1)), playButton,
    button("▸", "one event on", () => step(1)), button("▶|", "to the end", () => show(run.to)),
    button("+", "zoom in", () => zoom(0.6)), button("−", "zoom out", () => zoom(1.7)), button("⤢", "the whole run", () => change({ low: 0, high: 1000 })),
    button("⇠", "earlier", () => pan((state.low - state.high) / 2)), button("⇢", "later", () => pan((state.high - state.low) / 2)),
    h("label", {}, even, " even time")),
  h("div", { class: "tools" }, search, where, toggle("call", "calls"), toggle("message", "messages"), toggle("remark", "remarks"), toggle("fault", "faults"),
    h("label", {}, wrong, " only what went wrong")),
  h("div", { class: "stage" }, canvas),
  h("p", { class: "moment" }, now),
  h("div", { class: "stage map" }, map),
  cards,
  h("details", { id: "list" }, h("summary", {}, "Events around the moment ", count),
    h("div", { class: "scroll", tabindex: "0" }, h("table", {}, h("thead", {}, h("tr", {}, ...["when", "what", "where", "event"].map((it) => h("th", { scope: "col" }, it)))), rows))),
);
// The drawn picture stays for paper.
live.hidden = false;
document.getElementById("drawn").classList.add("paper");

// A row of the story goes to its moment.
for (const [path, , from] of run.steps) {
  const row = document.querySelector(`tr[data-step="${CSS.escape(path)}"] td.when`);
  if (row) row.replaceChildren(h("button", { type: "button", class: "plain", title: "show this moment", onclick: () => { show(from); document.getElementById("time").scrollIntoView(); } }, row.textContent));
}

readColours();
listeners.push(drawTime, drawMap, drawList);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); change({}); });
new ResizeObserver(() => change({})).observe(live);
const failed = run.steps.find((it) => it[4] === "fail");
change({ t: failed ? failed[3] : run.from });
