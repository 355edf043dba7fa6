// The data are texts of the user's: they reach the page through textContent alone.
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

const KINDS = {
  operator: "backward operator", output: "covariable of the output", input: "gradient to be computed",
  stored: "value of the forward pass", fold: "several operators",
};
// Units of the drawing in one pixel: text of 18, of 8 and of 7 pixels.
const LARGE = 0.6, READABLE = 1.3, SMALL = 1.5;
const MANY = 2000;  // boxes that are shown at once, where all folds are opened together

let data = null, graphs = [];

// The layout and large data are packed.
async function textOf(element) {
  if (element.type === "application/json") return element.textContent;
  const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function prepared(graph) {
  const boxes = new Map(graph.boxes.map((box) => [box.key, box]));
  const inside = new Map([["", []]]), to = new Map(), from = new Map();
  const push = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);
  for (const box of graph.boxes) {
    box.title ??= box.lines[0];
    push(inside, box.fold ?? "", box.key);
  }
  for (const {tail, head} of graph.arrows) {
    push(to, tail, head);
    push(from, head, tail);
  }
  return {...graph, boxes, inside, to, from, open: new Set(), svg: null};
}

function label(box) {
  const parts = [box.title];
  if (box.shape) parts.push(shapeText(box.shape));
  if (box.recomputed) parts.push("recomputed");
  return parts.join(" ");
}

function show(number) {
  return redraw(async () => {
    const graph = graphs[number];
    await paint(graph);
    current = number;
    place();
    overview();  // first: in a small window, the panel takes what it needs
    fit();
    const root = [...graph.boxes.values()].find((box) => box.is_output && !box.fold);
    if (root && scale() > SMALL) beginAt(graph.places.get(root.key));
  });
}

// One drawing after the other: the layout is computed beside the page, which can be used meanwhile. Whether it is drawn.
let turn = Promise.resolve(), waiting = 0;
function redraw(change) {
  waiting += 1;
  canvas.setAttribute("aria-busy", true);
  turn = turn.then(change).then(() => true, failed).finally(() => {
    waiting -= 1;
    if (!waiting) canvas.removeAttribute("aria-busy");
  });
  return turn;
}

function failed(error) {
  panel.replaceChildren(make("h2", "This cannot be drawn"), make("p", String(error.message)),
    make("p", "The drawing is as it was. The layout needs WebAssembly and Workers, and memory for all that is opened at once."));
  return false;
}

// The drawing into the page, where one node can be reached by the Tab key.
function place() {
  const graph = graphs[current];
  graph.svg.setAttribute("aria-label", graph.title);
  canvas.replaceChildren(graph.svg);
  graph.nodes.values().next().value?.setAttribute("tabindex", "0");
  const folds = graph.inside.size > 1;
  for (const id of ["open", "close"]) $(id).hidden = !folds;
  legend();
}

// ---- folds --------------------------------------------------------------------------------------

// Draws again with other folds open; `fixed`, a box that is drawn before and after, stays where it is.
function refold(change, fixed) {
  return redraw(async () => {
    const graph = graphs[current], opened = new Set(graph.open);
    const before = fixed && graph.places.get(fixed);
    change(graph.open);
    try {
      await paint(graph);
    } catch (error) {
      graph.open = opened;
      throw error;
    }
    const after = fixed && graph.places.get(fixed);
    if (before && after) {  // its lower middle: arrows come in there
      view.x += after.x + after.width / 2 - before.x - before.width / 2;
      view.y += after.y + after.height - before.y - before.height;
    }
    place();
    apply();
  });
}

async function toggle(key) {
  const drawn = await refold((open) => open.has(key) ? open.delete(key) : open.add(key), key);
  if (drawn && await choose(key)) bringIn(key);
}

// Opens the folds around a box, so that it is seen.
async function reveal(key) {
  const graph = graphs[current], around = foldsAround(graph, key);
  if (around.some((fold) => !graph.open.has(fold))) {
    await refold((open) => around.forEach((fold) => open.add(fold)), seen(graph, key));
  }
}

async function openAll() {
  let shown = 0;
  const drawn = await refold((open) => {
    const {inside} = graphs[current], waiting = [...inside.get("")];
    shown = waiting.length;
    for (const key of waiting) {  // the outer ones first
      const children = inside.get(key);
      if (!children) continue;
      if (shown + children.length > MANY) break;
      shown += children.length - 1;
      open.add(key);
      waiting.push(...children);
    }
  }, chosen);
  if (drawn) fit();
}

async function closeAll() {
  const kept = chosen && (foldsAround(graphs[current], chosen)[0] ?? chosen);
  if (!await refold((open) => open.clear(), kept)) return;
  fit();
  if (kept) await choose(kept);
}

// A fold whose size has changed is brought into view: as a whole where it can still be read, else its lower
// end, where arrows come in and its title is.
function bringIn(key) {
  const {x, y, width, height, title} = graphs[current].places.get(key), area = canvas.getBoundingClientRect();
  const pad = 16, whole = Math.max((width + 2 * pad) / area.width, (height + 2 * pad) / area.height);
  const unit = Math.max(scale(), Math.min(whole, READABLE));
  const wide = area.width * unit, high = area.height * unit;
  const left = view.x + view.width / 2 - wide / 2, top = view.y + view.height / 2 - high / 2;
  const shift = (start, size, from, room) => size + 2 * pad > room ? null
    : start - pad < from ? start - pad - from : Math.max(0, start + size + pad - from - room);
  view = {
    x: left + (shift(x, width, left, wide) ?? (title ?? x + width / 2) - left - wide / 2),
    y: top + (shift(y, height, top, high) ?? y + height + pad - top - high), width: wide, height: high,
  };
  apply();
}

// ---- pan and zoom -------------------------------------------------------------------------------

function apply() {
  graphs[current].svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
}

function fit() {
  const {x, y, width, height} = graphs[current].whole;
  const pad = 12;
  view = {x: x - pad, y: y - pad, width: width + 2 * pad, height: height + 2 * pad};
  if (scale() < LARGE) zoom(scale() / LARGE);
  apply();
}

// Too large to read as a whole: begin at an output, at the lower edge.
function beginAt({x, width}) {
  const area = canvas.getBoundingClientRect(), whole = graphs[current].whole, pad = 16;
  const wide = area.width * READABLE, high = area.height * READABLE;
  view = {x: x + width / 2 - wide / 2, y: whole.height + pad - high, width: wide, height: high};
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
  const key = event.target.closest?.(".node")?.dataset.key;
  if (!key || moved >= 6) return;
  if (isFold(graphs[current], key)) toggle(key);
  else choose(key);
});

// Whether the box could be shown.
async function choose(key, look = false) {
  const graph = graphs[current];
  await reveal(key);
  const node = graph.nodes.get(key);
  if (!node || graph !== graphs[current]) return false;
  unmark();
  chosen = key;
  node.classList.add("chosen");
  node.setAttribute("tabindex", "0");
  for (const edge of graph.edges.get(key) ?? []) edge.classList.add("near");
  for (const other of [...(graph.ahead.get(key) ?? []), ...(graph.behind.get(key) ?? [])]) {
    graph.nodes.get(other).classList.add("near");
  }
  if (look) lookAt(node);
  node.focus({preventScroll: true});
  details(graph.boxes.get(key));
  return true;
}

function unmark() {
  const {svg} = graphs[current];
  for (const element of svg.querySelectorAll(".chosen, .near")) element.classList.remove("chosen", "near");
  for (const element of svg.querySelectorAll(".node[tabindex='0']")) element.setAttribute("tabindex", "-1");
}

function lookAt(node) {
  const inner = graphs[current].places.get(node.dataset.key);
  if (inner.open) return bringIn(node.dataset.key);
  const area = canvas.getBoundingClientRect(), seen = node.getBoundingClientRect();
  const inside = seen.left >= area.left && seen.right <= area.right && seen.top >= area.top && seen.bottom <= area.bottom;
  if (inside && scale() < 1.6) return;  // in view, and large enough to read
  const unit = Math.min(scale(), Math.max(0.8, 1.4 * inner.width / area.width));
  const width = unit * area.width, height = unit * area.height;
  view = {x: inner.x + inner.width / 2 - width / 2, y: inner.y + inner.height / 2 - height / 2, width, height};
  apply();
}

function centre(node) {
  const area = node.getBoundingClientRect();
  return [area.x + area.width / 2, area.y + area.height / 2];
}

function step(key, direction) {
  const graph = graphs[current];
  let candidates = [];
  if (graph.places.get(key).open) candidates = graph.inside.get(key);
  else if (direction === "ArrowUp") candidates = graph.ahead.get(key) ?? [];
  else if (direction === "ArrowDown") candidates = graph.behind.get(key) ?? [];
  else {
    const [x, y] = centre(graph.nodes.get(key));
    const sign = direction === "ArrowRight" ? 1 : -1;
    candidates = [...graph.nodes.keys()].filter((other) => !graph.places.get(other).open)
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
  else if (node && (event.key === "Enter" || event.key === " ")) enter(node.dataset.key);
  else if (event.key === "o") openAll();
  else if (event.key === "c") closeAround();
  else if (node && event.key in arrows) step(node.dataset.key, event.key);
  else if (event.target === canvas && event.key in arrows) pan(...arrows[event.key]);
  else return;
  event.preventDefault();
});

// Enter on a fold opens or closes it; on another node, it goes on to the details.
async function enter(key) {
  if (isFold(graphs[current], key)) return toggle(key);
  await choose(key);
  panel.focus();
}

// Closes the innermost open fold around the chosen node; without one, all.
function closeAround() {
  const graph = graphs[current];
  if (!chosen) return closeAll();
  const fold = graph.open.has(chosen) ? chosen : graph.boxes.get(chosen).fold;
  if (fold) toggle(fold);
}

$("open").addEventListener("click", openAll);
$("close").addEventListener("click", closeAll);
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
      make("span", box.title), make("small", `  ${KINDS[box.kind]}${box.shape ? ` ${shapeText(box.shape)}` : ""}`));
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

// ---- the beginning ------------------------------------------------------------------------------

async function start() {
  if (!("DecompressionStream" in window)) {
    panel.replaceChildren(make("p", "This browser is too old to unpack this page: it has no DecompressionStream."));
    return;
  }
  data = JSON.parse(await textOf($("data")));
  graphs = data.graphs.map(prepared);
  if (graphs.length > 1) {
    $("graph-choice").hidden = false;
    graphs.forEach((graph, number) => $("graphs").append(make("option", graph.title, {value: number})));
    $("graphs").addEventListener("change", (event) => show(Number(event.target.value)));
  }
  if (graphs.length) await show(0);
  document.documentElement.dataset.ready = "yes";
}

start();
