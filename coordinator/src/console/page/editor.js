"use strict";
// An editor of one file: line numbers, squiggles below what is wrong, and what may be written at the cursor.

const editor = { problems: [], offers: [], chosen: 0, file: "", prefix: "" };

// `look(body)` asks the server; `save()` is the same event as saving in any editor.
function edits(look, save) {
  const text = $("text");
  let typing = 0, asked = 0;
  const lint = async () => {
    const number = ++asked;
    const { findings } = await look({ text: text.value });
    if (number !== asked) return;
    editor.problems = findings;
    paint();
  };
  const offer = async () => {
    const before = text.value.slice(0, text.selectionStart);
    const found = await look({ text: "", before });
    if (before !== text.value.slice(0, text.selectionStart)) return;
    editor.prefix = found.prefix;
    editor.offers = found.offers;
    editor.chosen = 0;
    offers();
  };
  editor.lint = () => lint().catch(() => {});
  text.addEventListener("input", () => {
    paint();
    clearTimeout(typing);
    typing = setTimeout(editor.lint, 200);
    if (/[\w.]$/.test(text.value.slice(0, text.selectionStart))) offer().catch(() => {}); else shut();
  });
  text.addEventListener("scroll", follow);
  text.addEventListener("blur", () => setTimeout(shut, 150));
  text.addEventListener("keydown", (event) => {
    const control = event.ctrlKey || event.metaKey;
    if (control && (event.key === "Enter" || event.key === "s")) { event.preventDefault(); shut(); save(); return; }
    if (control && event.key === " ") { event.preventDefault(); offer().catch(() => {}); return; }
    if (!$("offers").hidden) {
      const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (way) { event.preventDefault(); editor.chosen = (editor.chosen + way + editor.offers.length) % editor.offers.length; offers(); return; }
      if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); take(editor.chosen); return; }
      if (event.key === "Escape") { event.preventDefault(); shut(); return; }
    }
    if (event.key === "Escape") text.blur();
    if (event.key === "Enter" && !control) { event.preventDefault(); newLine(); }
  });
}

function insert(from, to, what) {
  const text = $("text");
  text.setRangeText(what, from, to, "end");
  text.dispatchEvent(new Event("input"));
}
// A new line begins where the last one did; below a key that opens something, further in.
function newLine() {
  const text = $("text"), line = text.value.slice(0, text.selectionStart).split("\n").pop();
  const indent = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? "  " : "");
  insert(text.selectionStart, text.selectionEnd, "\n" + indent);
  shut();
}
function take(index) {
  const text = $("text"), offer = editor.offers[index];
  if (!offer) return;
  const at = text.selectionStart;
  const colon = offer.key && text.value[at] !== ":" ? ": " : "";
  insert(at - editor.prefix.length, at, offer.word + colon);
  text.focus();
  shut();
}
function shut() { $("offers").hidden = true; $("text").removeAttribute("aria-activedescendant"); }
function offers() {
  const box = $("offers"), text = $("text");
  if (!editor.offers.length || document.activeElement !== text) return shut();
  box.replaceChildren(...editor.offers.map((offer, index) => {
    const item = make("li", offer.word);
    if (offer.detail) item.append(make("span", offer.detail));
    item.id = "offer-" + index;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(index === editor.chosen));
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(index); });
    return item;
  }));
  const lines = text.value.slice(0, text.selectionStart).split("\n"), style = getComputedStyle(text);
  const high = parseFloat(style.lineHeight), wide = parseFloat(style.fontSize) * .6;
  box.style.top = lines.length * high + 8 - text.scrollTop + "px";
  box.style.left = Math.max(0, Math.min(lines.at(-1).length * wide - text.scrollLeft, text.clientWidth - 200)) + "px";
  box.hidden = false;
  text.setAttribute("aria-activedescendant", "offer-" + editor.chosen);
  box.children[editor.chosen].scrollIntoView({ block: "nearest" });
}

function follow() {
  $("under").scrollTop = $("gutter").scrollTop = $("text").scrollTop;
  $("under").scrollLeft = $("text").scrollLeft;
}
// Numbers and squiggles for the text as it is.
function paint() {
  const lines = $("text").value.split("\n"), by = new Map();
  for (const one of editor.problems)
    if (one.file === editor.file) by.set(one.line, [...(by.get(one.line) || []), one]);
  $("gutter").replaceChildren(...lines.map((_, index) => {
    const worst = (by.get(index + 1) || [])[0];
    return make("span", (worst ? (worst.severity === "error" ? "✗ " : "! ") : "") + (index + 1) + "\n", worst && worst.severity);
  }));
  $("under").replaceChildren(...lines.flatMap((line, index) => {
    const letters = [...line], parts = [];
    let at = 0;
    for (const one of (by.get(index + 1) || []).sort((one, other) => one.column - other.column)) {
      const from = Math.max(at, one.column - 1), to = Math.max(from, one.column - 1 + one.length);
      parts.push(letters.slice(at, from).join(""), make("span", letters.slice(from, to).join("") || " ", one.severity));
      at = to;
    }
    parts.push(letters.slice(at).join("") + "\n");
    return parts;
  }));
  $("findings").replaceChildren(...editor.problems.map((one) => {
    const item = make("li", `${one.file}, line ${one.line}: ${one.message}${one.caption ? " (" + one.caption + ")" : ""}`, one.severity);
    for (const help of one.help) item.append(make("span", " " + help, "dim"));
    return item;
  }));
  follow();
}
// Another text stands in the editor.
function opened(file, text) {
  editor.file = file;
  editor.problems = [];
  $("text").value = text;
  shut();
  paint();
  editor.lint();
}

// Lines of `one` and `other`: [" ", "−" or "+", line].
function difference(one, other) {
  const [left, right] = [one.split("\n"), other.split("\n")];
  const table = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      table[i][j] = left[i] === right[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  const lines = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) { lines.push([" ", left[i++]]); j++; }
    else if (j >= right.length || i < left.length && table[i + 1][j] >= table[i][j + 1]) lines.push(["−", left[i++]]);
    else lines.push(["+", right[j++]]);
  }
  return lines;
}
