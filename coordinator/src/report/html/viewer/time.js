// Time: lanes, bands and arrows on a canvas; drag goes to any moment.
const LEFT = 118, TOP = 24, BAR = 26, LANE = 58, FAULT = 18;
const faultRows = Math.min(run.faults.length, 6);
const canvas = h("canvas", { id: "canvas", tabindex: "0", role: "slider", "aria-label": "Moment of the run: arrow keys go from event to event, plus and minus zoom" });
const context = canvas.getContext("2d");
const laneTop = (region) => TOP + BAR + faultRows * FAULT + region * LANE;
const height = TOP + BAR + faultRows * FAULT + run.regions.length * LANE + 6;
let width = 800;
let colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ink", "soft", "line", "card", "ok", "unknown", "fail", "accent", "quiet-back"]) {
    colours[name] = style.getPropertyValue(`--${name}`).trim();
  }
}
const sight = (u) => LEFT + ((u - state.low) / (state.high - state.low)) * (width - LEFT - 12);
const x = (t) => sight(place(t));
const back = (px) => state.low + ((px - LEFT) / (width - LEFT - 12)) * (state.high - state.low);

function line(x1, y1, x2, y2, colour, thick, dash) {
  context.strokeStyle = colour;
  context.lineWidth = thick;
  context.setLineDash(dash || []);
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function letters(text, px, py, colour, font, align) {
  context.fillStyle = colour;
  context.font = font || "11px system-ui, 'DejaVu Sans', sans-serif";
  context.textAlign = align || "left";
  context.fillText(text, px, py);
}

function hatch(px, py, wide, high) {
  context.save();
  context.beginPath();
  context.rect(px, py, wide, high);
  context.clip();
  context.globalAlpha = 0.45;
  const from = Math.max(px - high, LEFT - high), to = Math.min(px + wide, width);
  for (let at = from - (from % 7); at < to; at += 7) line(at, py + high, at + high, py, colours.unknown, 1.5);
  context.restore();
  context.setLineDash([]);
  context.strokeStyle = colours.unknown;
  context.lineWidth = 1;
  context.strokeRect(px, py, wide, high);
}

function ruler() {
  let last = -1e9;
  const wanted = Math.max(2, Math.floor((width - LEFT) / 92));
  for (let index = 0; index <= wanted; index += 1) {
    const t = moment(state.low + (index / wanted) * (state.high - state.low));
    const px = x(t);
    if (px - last < 80 || px < LEFT - 1 || px > width || (index < wanted && width - px < 150)) continue;
    last = px;
    line(px, TOP - 6, px, height, colours.line, 1);
    letters(told(t), px, 12, colours.soft, null, px > width - 50 ? "right" : "center");
  }
}

function bands() {
  run.faults.forEach(([from, to, text, regions], row) => {
    const px = Math.max(LEFT, x(from)), end = Math.min(width - 4, x(to < 0 ? run.to : to));
    if (end < LEFT || px > width) return;
    if (row < faultRows) {
      const top = TOP + BAR + row * FAULT;
      hatch(px, top + 2, Math.max(3, end - px), FAULT - 5);
      const right = px > width * 0.66;
      letters(text.slice(0, 60), right ? px - 5 : Math.min(end + 5, width - 60), top + 12, colours.unknown, null, right ? "right" : "left");
    }
    for (const region of regions) hatch(px, laneTop(region) + 2, Math.max(3, end - px), LANE - 8);
  });
}

function bars() {
  for (const [, , from, to, tone, block] of run.steps) {
    if (block) continue;
    const px = x(from), end = x(to);
    if (end < LEFT || px > width) continue;
    const left = Math.max(LEFT, px);
    context.fillStyle = tone === "quiet" ? colours.line : colours[tone];
    context.globalAlpha = 0.8;
    context.fillRect(left, TOP + 2, Math.max(2, Math.min(width, end) - left - 1), 14);
    context.globalAlpha = 1;
    if (tone === "fail") letters("✕", left + 2, TOP + 13, colours.card, "700 11px sans-serif");
  }
}

function sign(px, py, tone) {
  context.fillStyle = colours[tone];
  context.setLineDash([]);
  context.beginPath();
  if (tone === "ok") {
    context.arc(px, py, 3.6, 0, 7);
    context.fill();
  } else if (tone === "unknown") {
    context.moveTo(px, py - 6);
    context.lineTo(px + 6, py + 5);
    context.lineTo(px - 6, py + 5);
    context.closePath();
    context.lineWidth = 2;
    context.strokeStyle = colours.unknown;
    context.stroke();
  } else {
    line(px - 5, py - 5, px + 5, py + 5, colours.fail, 2.4);
    line(px - 5, py + 5, px + 5, py - 5, colours.fail, 2.4);
  }
}

function marks() {
  // What went wrong lies above what went well; where much is, each is fainter.
  const list = visible();
  const faint = Math.max(0.1, Math.min(0.5, 300 / (1 + list.length * ((state.high - state.low) / 1000))));
  some(list, faint, true);
  some(list, 0.9, false);
}

function some(list, faint, well) {
  for (const event of list) {
    if (event.region < 0 || event.kind === "fault" || (event.tone === "ok") !== well) continue;
    const px = x(event.t), end = event.to >= 0 ? x(event.to) : px;
    if (Math.max(px, end) < LEFT || px > width) continue;
    const py = laneTop(event.region) + LANE / 2;
    if (event.kind === "message") {
      const from = laneTop(event.from) + LANE / 2;
      const [tx, ty] = event.lost ? [(px + end) / 2, (from + py) / 2] : [end, py];
      context.globalAlpha = event.lost ? 0.9 : faint;
      line(px, from, tx, ty, event.lost ? colours.fail : colours.ok, 1.1, event.lost ? [4, 3] : null);
      if (event.lost) sign(tx, ty, "fail");
      else if (state.high - state.low < 400) arrow(px, from, tx, ty);
      context.globalAlpha = 1;
    } else if (event.kind === "call") {
      if (end > px + 2) {
        context.globalAlpha = 0.35;
        line(Math.max(px, LEFT), py, end, py, colours[event.tone], 4, event.tone === "unknown" ? [3, 3] : null);
        context.globalAlpha = 1;
      }
      if (px >= LEFT) sign(px, py, event.tone);
    } else if (px >= LEFT) {
      context.globalAlpha = 0.8;
      const low = event.tone === "fail" ? 12 : 6;
      line(px, laneTop(event.region) + 4, px, laneTop(event.region) + 4 + low, colours[event.tone], 2);
      context.globalAlpha = 1;
    }
  }
}

function arrow(x1, y1, x2, y2) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  context.fillStyle = colours.ok;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x2, y2);
  context.lineTo(x2 - 8 * Math.cos(angle - 0.35), y2 - 8 * Math.sin(angle - 0.35));
  context.lineTo(x2 - 8 * Math.cos(angle + 0.35), y2 - 8 * Math.sin(angle + 0.35));
  context.fill();
}

function drawTime() {
  const ratio = window.devicePixelRatio || 1;
  const room = canvas.parentElement.clientWidth || 800;
  if (width !== room || canvas.height !== Math.round(height * ratio)) {
    width = room;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  ruler();
  bands();
  context.save();
  context.beginPath();
  context.rect(LEFT - 7, 0, width - LEFT + 7, height);
  context.clip();
  bars();
  run.regions.forEach((_, region) => {
    line(LEFT, laneTop(region) + LANE / 2, width, laneTop(region) + LANE / 2, colours.soft, 0.6);
  });
  marks();
  const now = x(state.t);
  line(now, 0, now, height, colours.accent, 2);
  context.restore();
  letters("steps", 4, TOP + 13, colours.ink, "600 12px system-ui, 'DejaVu Sans', sans-serif");
  if (faultRows) letters("faults", 4, TOP + BAR + 13, colours.ink, "600 12px system-ui, 'DejaVu Sans', sans-serif");
  run.regions.forEach((name, region) => {
    letters(name, 4, laneTop(region) + LANE / 2 + 4, colours.ink, "600 12px system-ui, 'DejaVu Sans', sans-serif");
  });
  canvas.setAttribute("aria-valuemin", "0");
  canvas.setAttribute("aria-valuemax", "1000");
  canvas.setAttribute("aria-valuenow", String(Math.round(place(state.t))));
  canvas.setAttribute("aria-valuetext", told(state.t));
}

let dragging = false;
const go = (event) => {
  const u = back(event.clientX - canvas.getBoundingClientRect().left);
  change({ t: moment(Math.min(1000, Math.max(0, u))) });
};
canvas.addEventListener("pointerdown", (event) => {
  dragging = true;
  canvas.setPointerCapture(event.pointerId);
  go(event);
});
canvas.addEventListener("pointermove", (event) => { if (dragging) go(event); });
canvas.addEventListener("pointerup", () => { dragging = false; });
canvas.addEventListener("pointercancel", () => { dragging = false; });
canvas.addEventListener("wheel", (event) => {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, back(event.clientX - canvas.getBoundingClientRect().left));
  } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    pan((event.deltaX / width) * (state.high - state.low));
  }
}, { passive: false });
function pan(by) {
  const wide = state.high - state.low;
  const low = Math.max(0, Math.min(1000 - wide, state.low + by));
  change({ low, high: low + wide });
}
canvas.addEventListener("keydown", (event) => {
  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1),
    Home: () => show(run.from), End: () => show(run.to),
    PageDown: () => pan((state.high - state.low) / 2), PageUp: () => pan((state.low - state.high) / 2),
    "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.7), "0": () => change({ low: 0, high: 1000 }), " ": () => play(),
  };
  if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    keys[event.key]();
  }
});

// Playing: from event to event, calmly for whoever wants less motion.
let timer = null;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const playButton = h("button", { type: "button", id: "play", "aria-pressed": "false", onclick: () => play() }, "▶ play");
function play() {
  const stop = timer !== null;
  if (stop) {
    clearInterval(timer);
    timer = null;
  } else {
    if (state.t >= run.to) show(run.from);
    const list = visible();
    const pace = calm.matches ? 900 : Math.max(40, Math.min(400, 20000 / Math.max(1, list.length)));
    timer = setInterval(() => {
      const last = list.length ? list[list.length - 1].t : run.to;
      if (state.t >= last) play(); else step(1);
    }, pace);
  }
  playButton.textContent = stop ? "▶ play" : "‖ pause";
  playButton.setAttribute("aria-pressed", String(!stop));
}
