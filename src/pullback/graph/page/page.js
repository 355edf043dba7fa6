"use strict";
// The data are texts of the user's: they reach the page through textContent alone.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const canvas = $("canvas"), panel = $("panel"), search = $("search"), results = $("results");
let current = 0, view = null, chosen = null;

function make(tag, text, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== null && text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function bytes(count) {
  let size = count;
  for (const unit of ["B", "kB", "MB", "GB", "TB"]) {
    if (size < 1000 || unit === "TB") return unit === "B" ? `${size} B` : `${size.toFixed(1)} ${unit}`;
    size /= 1000;
  }
}

function seconds(time) {
  if (time === undefined || time === null) return null;
  if (time >= 1) return `${time.toFixed(2)} s`;
  return time >= 1e-3 ? `${(time * 1e3).toFixed(2)} ms` : `${(time * 1e6).toFixed(1)} µs`;
}

const shapeText = (shape) => `(${shape.join(", ")})`;

// ---- the graphs ---------------------------------------------------------------------------------

const graphs = data.graphs.map((graph, number) => {
  const svg = document.querySelector(`#graph-${number} svg`);
  const boxes = new Map(graph.boxes.map((box) => [box.key, box]));
  const nodes = new Map();
  const ahead = new Map(), behind = new Map(), edges = new Map();
  const push = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);
  for (const arrow of graph.arrows) {
    push(ahead, arrow.tail, arrow.head);
    push(behind, arrow.head, arrow.tail);
  }
  for (const element of svg.querySelectorAll(".node")) {
    const key = element.id.replace(/^g\d+-/, "");
    nodes.set(key, element);
    element.dataset.key = key;
    element.setAttribute("tabindex", "-1");
    element.setAttribute("role", "button");
    const box = boxes.get(key);
    const title = element.querySelector("title");
    element.setAttribute("aria-label", label(box));
    title.textContent = box.formula || label(box);
  }
  for (const element of svg.querySelectorAll(".edge")) {
    const [tail, head] = element.querySelector("title").textContent.split("->");
    element.querySelector("title").remove();
    push(edges, tail, element);
    push(edges, head, element);
  }
  const box = svg.viewBox.baseVal;
  const whole = {x: box.x, y: box.y, width: box.width, height: box.height};
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.setAttribute("preserveAspectRatio", "xMidYMid meet");
  svg.setAttribute("aria-label", graph.title);
  svg.remove();
  return {...graph, svg, boxes, nodes, ahead, behind, edges, whole};
});

function label(box) {
  const parts = [box.title];
  if (box.shape) parts.push(shapeText(box.shape));
  if (box.recomputed) parts.push("recomputed");
  return parts.join(" ");
}

function show(number) {
  current = number;
  chosen = null;
  canvas.replaceChildren(graphs[number].svg);
  const first = graphs[number].nodes.values().next().value;
  if (first) first.setAttribute("tabindex", "0");
  fit();
  // Too large to read as a whole: begin at the output.
  const root = graphs[number].svg.querySelector(".node.root");
  if (root && scale() > 4) lookAt(root);
  overview();
  legend();
}

// ---- pan and zoom -------------------------------------------------------------------------------

function apply() {
  graphs[current].svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
}

function fit() {
  const {x, y, width, height} = graphs[current].whole;
  const pad = 12;
  view = {x: x - pad, y: y - pad, width: width + 2 * pad, height: height + 2 * pad};
  apply();
}

function scale() {  // user units per pixel
  const area = canvas.getBoundingClientRect();
  return Math.max(view.width / area.width, view.height / area.height);
}

function zoom(factor, px, py) {
  const area = canvas.getBoundingClientRect(), unit = scale();
  const whole = graphs[current].whole;
  const next = Math.min(Math.max(view.width / factor, 20), 8 * Math.max(whole.width, whole.height) + 200);
  const real = view.width / next;
  const cx = view.x + view.width / 2 + ((px ?? area.width / 2) - area.width / 2) * unit;
  const cy = view.y + view.height / 2 + ((py ?? area.height / 2) - area.height / 2) * unit;
  view = {
    x: cx - (cx - view.x) / real, y: cy - (cy - view.y) / real,
    width: view.width / real, height: view.height / real,
  };
  apply();
}

function pan(dx, dy) {
  const unit = scale();
  view.x += dx * unit;
  view.y += dy * unit;
  apply();
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const area = canvas.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - area.x, event.clientY - area.y);
}, {passive: false});

const pointers = new Map();
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  pointers.set(event.pointerId, event);
  moved = 0;
});
window.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  if (pointers.size === 1) {
    pan(before.clientX - event.clientX, before.clientY - event.clientY);
  } else {
    const other = [...pointers.values()].find((p) => p.pointerId !== event.pointerId);
    const far = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1;
    const area = canvas.getBoundingClientRect();
    zoom(far(event, other) / far(before, other),
      (event.clientX + other.clientX) / 2 - area.x, (event.clientY + other.clientY) / 2 - area.y);
  }
  moved += Math.abs(before.clientX - event.clientX) + Math.abs(before.clientY - event.clientY);
  pointers.set(event.pointerId, event);
});
for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, (event) => pointers.delete(event.pointerId));
}

// ---- choosing a node ----------------------------------------------------------------------------

canvas.addEventListener("click", (event) => {
  const node = event.target.closest?.(".node");
  if (node && moved < 6) choose(node.dataset.key);
});

function choose(key, look = false) {
  const graph = graphs[current];
  for (const element of graph.svg.querySelectorAll(".chosen, .near")) element.classList.remove("chosen", "near");
  for (const element of graph.svg.querySelectorAll(".node[tabindex='0']")) element.setAttribute("tabindex", "-1");
  chosen = key;
  const node = graph.nodes.get(key);
  if (node) {
    node.classList.add("chosen");
    node.setAttribute("tabindex", "0");
    for (const edge of graph.edges.get(key) ?? []) edge.classList.add("near");
    for (const other of [...(graph.ahead.get(key) ?? []), ...(graph.behind.get(key) ?? [])]) {
      graph.nodes.get(other)?.classList.add("near");
    }
    if (look) lookAt(node);
    node.focus({preventScroll: true});
  }
  details(graph.boxes.get(key));
}

function lookAt(node) {
  const inner = node.getBBox();
  const area = canvas.getBoundingClientRect(), seen = node.getBoundingClientRect();
  const inside = seen.left >= area.left && seen.right <= area.right && seen.top >= area.top && seen.bottom <= area.bottom;
  if (inside && scale() < 1.6) return;  // in view, and large enough to read
  const matrix = node.ownerSVGElement.querySelector(".graph").transform.baseVal.consolidate()?.matrix;
  const cx = inner.x + inner.width / 2 + (matrix?.e ?? 0), cy = inner.y + inner.height / 2 + (matrix?.f ?? 0);
  const unit = Math.min(scale(), Math.max(0.8, 1.4 * inner.width / area.width));
  const width = unit * area.width, height = unit * area.height;
  view = {x: cx - width / 2, y: cy - height / 2, width, height};
  apply();
}

function centre(node) {
  const area = node.getBoundingClientRect();
  return [area.x + area.width / 2, area.y + area.height / 2];
}

function step(key, direction) {
  const graph = graphs[current];
  let candidates = [];
  if (direction === "ArrowUp") candidates = graph.ahead.get(key) ?? [];
  else if (direction === "ArrowDown") candidates = graph.behind.get(key) ?? [];
  else {
    const [x, y] = centre(graph.nodes.get(key));
    const sign = direction === "ArrowRight" ? 1 : -1;
    candidates = [...graph.nodes.keys()]
      .map((other) => [other, centre(graph.nodes.get(other))])
      .filter(([other, [ox]]) => other !== key && sign * (ox - x) > 1)
      .sort((a, b) => (Math.hypot(a[1][0] - x, 3 * (a[1][1] - y)) - Math.hypot(b[1][0] - x, 3 * (b[1][1] - y))))
      .map(([other]) => other);
  }
  if (candidates.length) choose(candidates[0], true);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select")) return;
  const node = event.target.closest?.(".node");
  const arrows = {ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60]};
  if (event.key === "/") search.focus();
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-" || event.key === "_") zoom(0.8);
  else if (event.key === "0") fit();
  else if (event.key === "n" && event.target === canvas) choose(graphs[current].nodes.keys().next().value, true);
  else if (event.key === "Escape") { overview(); canvas.focus(); }
  else if (node && (event.key === "Enter" || event.key === " ")) { choose(node.dataset.key); panel.focus(); }
  else if (node && event.key in arrows) step(node.dataset.key, event.key);
  else if (event.target === canvas && event.key in arrows) pan(...arrows[event.key]);
  else return;
  event.preventDefault();
});

$("in").addEventListener("click", () => zoom(1.25));
$("out").addEventListener("click", () => zoom(0.8));
$("fit").addEventListener("click", fit);
$("theme").addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
});

// ---- search -------------------------------------------------------------------------------------

let selected = 0;

function words(box) {
  return [box.title, box.operator, box.formula, ...(box.names ?? []), ...(box.roles ?? []),
    ...(box.kernels ?? []), ...(box.pattern ?? []), box.line?.text].filter(Boolean).join("\n").toLowerCase();
}

function find() {
  const text = search.value.trim().toLowerCase();
  const found = !text ? [] : [...graphs[current].boxes.values()]
    .filter((box) => (box.words ??= words(box)).includes(text))
    .sort((a, b) => rank(a, text) - rank(b, text)).slice(0, 50);
  selected = 0;
  results.replaceChildren(...found.map((box, k) => {
    const item = make("li", null, {role: "option", id: `result-${k}`, "aria-selected": k === 0},
      make("span", box.title), make("small", `  ${box.kindText}${box.shape ? ` ${shapeText(box.shape)}` : ""}`));
    item.dataset.key = box.key;
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(box.key); });
    return item;
  }));
  if (text && !found.length) results.replaceChildren(make("li", "Nothing has this name", {role: "option", "aria-disabled": "true"}));
  open(Boolean(text));
}

const rank = (box, text) =>
  (box.names ?? []).some((name) => name.toLowerCase() === text) ? (box.kind === "stored" ? 0 : 1)
    : box.title.toLowerCase().startsWith(text) ? 2 : 3;

function open(shown) {
  results.hidden = !shown;
  search.setAttribute("aria-expanded", shown);
  mark();
}

function mark() {
  [...results.children].forEach((item, k) => item.setAttribute("aria-selected", k === selected));
  const item = results.children[selected];
  if (item && !results.hidden) {
    search.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({block: "nearest"});
  } else search.removeAttribute("aria-activedescendant");
}

function take(key) {
  if (!key) return;
  open(false);
  choose(key, true);
}

search.addEventListener("input", find);
search.addEventListener("focus", () => { if (search.value.trim()) find(); });
search.addEventListener("blur", () => open(false));
search.addEventListener("keydown", (event) => {
  const count = results.children.length;
  if (event.key === "ArrowDown" && count) selected = (selected + 1) % count;
  else if (event.key === "ArrowUp" && count) selected = (selected + count - 1) % count;
  else if (event.key === "Enter") take(results.children[selected]?.dataset.key);
  else if (event.key === "Escape") { search.value = ""; open(false); canvas.focus(); }
  else return;
  event.preventDefault();
  mark();
});

// ---- the panel ----------------------------------------------------------------------------------

function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(make("dt", name));
    list.append(value instanceof Node ? make("dd", null, {}, value) : make("dd", value));
  }
  return list;
}

function links(title, keys) {
  const unique = [...new Set(keys)];
  if (!unique.length) return [];
  const row = make("div", null, {class: "links"});
  for (const key of unique.slice(0, 40)) {
    const button = make("button", graphs[current].boxes.get(key).title);
    button.addEventListener("click", () => choose(key, true));
    row.append(button);
  }
  if (unique.length > 40) row.append(`and ${unique.length - 40} more`);
  return [make("h3", title), row];
}

function details(box) {
  const graph = graphs[current];
  const where = !box.nbytes && box.nbytes !== 0 ? null : box.recomputed
    ? `recomputed: ${bytes(box.nbytes)} saved` : box.kind !== "stored" ? null : box.view_of
      ? `stored: a view of ${graph.boxes.get(box.view_of)?.title ?? "another value"}` : `stored: ${bytes(box.nbytes)}`;
  const content = [
    make("h2", box.title),
    facts([
      ["what", box.kindText],
      ["names", (box.names ?? []).join(", ")],
      ["formula", box.formula ? make("span", box.formula, {class: "formula"}) : null],
      ["shape", box.shape ? shapeText(box.shape) : null],
      ["dtype", box.dtype],
      ["memory", where],
      ["bytes", box.nbytes === undefined ? null : `${box.nbytes.toLocaleString("en")} (${bytes(box.nbytes)})`],
      ["operators", box.count > 1 ? box.count.toLocaleString("en") : null],
      ["pattern", box.pattern ? `${box.repeats ?? 1} × (${box.pattern.join(", ")})` : null],
      ["values inside", box.values],
      ["gradients inside", box.inputs],
      ["operator", box.operator],
      ["read as", (box.roles ?? []).join(", ")],
      ["written in place", box.version ? `${box.version} times` : null],
      ["source", box.line ? make("code", `${box.line.file}:${box.line.number}`) : null],
    ]),
  ];
  if (box.line?.text) content.push(make("pre", box.line.text, {tabindex: 0}));
  if (box.attributes) content.push(make("h3", "Attributes"), facts(Object.entries(box.attributes)));
  const code = data.operations[box.operation];
  if (code) {
    content.push(make("h3", `Forward and backward of ${box.operation}`), make("div", null, {class: "beside"},
      make("div", null, {}, make("h4", "forward"), make("pre", code.forward, {tabindex: 0})),
      make("div", null, {}, make("h4", "backward"), make("pre", code.backward, {tabindex: 0}))));
  }
  content.push(...links("Gradients come from", graph.behind.get(box.key) ?? []));
  content.push(...links(box.kind === "stored" ? "Read by" : "Gradients go to", graph.ahead.get(box.key) ?? []));
  for (const name of box.kernels ?? []) {
    const kernel = graph.kernels.find((k) => k.name === name);
    if (kernel) content.push(kernelText(kernel, true));
  }
  panel.replaceChildren(...content);
  panel.scrollTop = 0;
}

function arrayText(array) {
  const names = array.names ? ` = ${array.names.join(", ")}` : "";
  return `${array.name}${names}: ${array.dtype} ${shapeText(array.shape)}, ${bytes(array.nbytes)}`;
}

function kernelText(kernel, whole) {
  const calls = Object.entries(kernel.calls ?? {}).map(([name, n]) => `${n.toLocaleString("en")} ${name}`);
  const box = make("section", null, {class: "kernel"}, make("h3", whole ? `Computed by ${kernel.name}` : kernel.name), facts([
    ["loops", kernel.summary],
    ["predicted", seconds(kernel.predicted)],
    ["measured", kernel.measured === undefined ? "not run yet"
      : seconds(kernel.measured) + (kernel.compiled ? ", its first run, with the compiling" : "")],
    ["operations", kernel.flops ? [`${kernel.flops.toLocaleString("en")} flops`, ...calls].join(", ") : null],
    ["reads", (kernel.reads ?? []).map(arrayText).join("; ")],
    ["writes", (kernel.writes ?? []).map(arrayText).join("; ")],
    ["code", kernel.state],
  ]));
  if (whole && kernel.body) box.append(make("h4", "What it computes"), make("pre", kernel.body.join("\n"), {tabindex: 0}));
  if (whole && kernel.code) {
    box.append(make("details", null, {}, make("summary", "LLVM code"), make("pre", kernel.code, {tabindex: 0})));
  }
  return box;
}

function overview() {
  const graph = graphs[current];
  for (const element of graph.svg.querySelectorAll(".chosen, .near")) element.classList.remove("chosen", "near");
  chosen = null;
  panel.replaceChildren(
    make("h2", graph.title),
    facts([
      ["operators", graph.operators.toLocaleString("en")],
      ["stored", bytes(graph.stored)],
      ["recomputed", `${bytes(graph.saved)} never stored`],
    ]),
    ...graph.notes.map((note) => make("p", note)),
    ...graph.kernels.map((kernel) => kernelText(kernel, false)),
    make("h3", "Keys"),
    facts([
      ["/", "search"], ["+ and -", "zoom"], ["0", "the whole graph"], ["arrow keys", "move, or go to the next node"],
      ["n", "the first node"], ["Enter", "the details of a node"], ["Esc", "back to this page"],
    ]),
  );
}

function legend() {
  const names = {
    root: "where the backward pass starts", operator: "backward operator", input: "gradient to be computed",
    stored: "stored value", recomputed: "recomputed, never stored", fold: "several operators",
  };
  const there = new Set();
  for (const node of graphs[current].nodes.values()) for (const name of node.classList) there.add(name);
  $("legend").replaceChildren(...Object.entries(names).filter(([name]) => there.has(name))
    .map(([name, text]) => make("span", null, {}, make("i", null, {class: name}), text)));
}

if (graphs.length > 1) {
  $("graph-choice").hidden = false;
  graphs.forEach((graph, number) => $("graphs").append(make("option", graph.title, {value: number})));
  $("graphs").addEventListener("change", (event) => show(Number(event.target.value)));
}
if (graphs.length) show(0);
document.documentElement.dataset.ready = "yes";
