// ---- from a graph, some of whose folds are open, to a drawing -------------------------------------

const FONT = '11px system-ui, "Segoe UI", Helvetica, Arial, sans-serif';
const LINE = 14, PAD_X = 9, PAD_Y = 6;

const pen = document.createElement("canvas").getContext("2d");
const widths = new Map();
function textWidth(text) {
  if (!widths.has(text)) {
    pen.font = FONT;
    widths.set(text, pen.measureText(text).width);
  }
  return widths.get(text);
}

const isOpen = (graph, key) => graph.open.has(key) && graph.inside.has(key);
const isFold = (graph, key) => graph.inside.has(key);

// The folds that a box is in, from the outside.
function foldsAround(graph, key) {
  const found = [];
  for (let fold = graph.boxes.get(key).fold; fold; fold = graph.boxes.get(fold).fold) found.push(fold);
  return found.reverse();
}

// What is seen of a box: itself, or the outermost closed fold around it.
function seen(graph, key) {
  return foldsAround(graph, key).find((fold) => !graph.open.has(fold)) ?? key;
}

// The boxes that are seen, by the open fold that they are in, and the arrows between them.
function scene(graph) {
  const shown = new Map(), around = new Map();
  const visit = [["", []]];
  while (visit.length) {
    const [fold, path] = visit.pop();
    shown.set(fold, graph.inside.get(fold) ?? []);
    for (const key of shown.get(fold)) {
      around.set(key, [...path, fold]);
      if (isOpen(graph, key)) visit.push([key, [...path, fold]]);
    }
  }
  const outermost = new Map();  // of every fold: what is seen of what is in it, or nothing if it is open
  const hider = (fold) => {
    if (!fold) return null;
    if (!outermost.has(fold)) {
      outermost.set(fold, hider(graph.boxes.get(fold).fold) ?? (isOpen(graph, fold) ? null : fold));
    }
    return outermost.get(fold);
  };
  const pairs = new Map();
  for (const {tail, head} of graph.arrows) {
    const t = hider(graph.boxes.get(tail).fold) ?? tail, h = hider(graph.boxes.get(head).fold) ?? head;
    if (t !== h) pairs.set(`${t} ${h}`, [t, h]);
  }
  return {shown, around, pairs: [...pairs.values()]};
}

// ---- the layout, by Graphviz in a Worker ------------------------------------------------------------

let program = null, worker = null;

// The places and lines of what is seen. The page stays alive meanwhile; one call at a time.
async function arrange({shown, around, pairs}, graph) {
  program ??= URL.createObjectURL(new Blob([await textOf($("layout"))], {type: "text/javascript"}));
  worker ??= new Worker(program);
  const sizes = new Map();
  for (const key of around.keys()) {
    const box = graph.boxes.get(key);
    sizes.set(key, isOpen(graph, key) ? {width: titleWidth(box)} : sizeOf(box));
  }
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({data: {drawing, error}}) => drawing ? resolve(drawing) : reject(new Error(error));
      worker.onerror = (event) => reject(new Error(event.message || "the layout could not be started"));
      worker.postMessage({shown, around, pairs, sizes});
    });
  } catch (error) {  // after a failure, Graphviz's memory is not to be trusted
    worker.terminate();
    worker = null;
    throw error;
  }
}

function sizeOf(box) {
  const width = Math.max(26, ...box.lines.map(textWidth)) + 2 * PAD_X;
  return {width, height: box.lines.length * LINE + 2 * PAD_Y, light: box.kind === "stored" || box.kind === "input"};
}

const frameTitle = (box) => `− ${box.lines[0]}`;
const titleWidth = (box) => textWidth(frameTitle(box)) + 14;

// ---- the drawing as SVG ---------------------------------------------------------------------------

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const round = (x) => Math.round(10 * x) / 10;

// Fills in `svg`, `nodes` (elements by key), `edges` (elements by the keys that they touch), `ahead`, `behind`.
async function paint(graph) {
  const {shown, around, pairs} = scene(graph);
  const drawing = await arrange({shown, around, pairs}, graph);
  graph.places = drawing.places;
  graph.whole = {x: 0, y: 0, width: drawing.width, height: drawing.height};
  graph.nodes = new Map();
  graph.edges = new Map();
  graph.ahead = new Map();
  graph.behind = new Map();
  const push = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);
  for (const [t, h] of pairs) {
    push(graph.ahead, t, h);
    push(graph.behind, h, t);
  }
  const frames = draw("g"), lines = draw("g"), nodes = draw("g");
  for (const {path, keys, head} of drawing.lines) {
    const line = draw("g", {class: "edge"}, draw("path", {d: path}));
    if (head) line.append(draw("path", {class: "head", d: arrowHead(...head)}));
    for (const key of keys) push(graph.edges, key, line);
    lines.append(line);
  }
  for (const [key, place] of drawing.places) {
    const box = graph.boxes.get(key);
    const node = place.open ? frame(box, place, frames) : nodeOf(box, place);
    node.dataset.key = key;
    node.setAttribute("tabindex", "-1");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", label(box));
    node.querySelector("title").textContent = place.open ? "A click closes it" : box.formula || label(box);
    if (isFold(graph, key)) node.setAttribute("aria-expanded", place.open);
    graph.nodes.set(key, node);
    nodes.append(node);
  }
  const svg = draw("svg", {preserveAspectRatio: "xMidYMid meet"}, draw("g", {class: "graph"}, frames, lines, nodes));
  svg.style.font = FONT;
  graph.svg = svg;
}

// A triangle from where the line ends to its tip.
function arrowHead([x, y], [tx, ty]) {
  const half = 0.4, dx = half * (ty - y), dy = half * (x - tx);
  return `M${tx} ${ty}L${round(x + dx)} ${round(y + dy)}L${round(x - dx)} ${round(y - dy)}Z`;
}

function nodeOf(box, {x, y, width, height}) {
  const node = draw("g", {class: `node ${box.look}`});
  const shape = {x: round(x), y: round(y), width: round(width), height: round(height), rx: box.kind === "fold" ? 7 : 1};
  if (box.kind === "fold") node.append(draw("rect", {...shape, x: shape.x + 3, y: shape.y - 3, class: "behind"}));
  node.append(draw("title"), draw("rect", shape));
  box.lines.forEach((line, k) => {
    const text = draw("text", {x: round(x + width / 2), y: round(y + PAD_Y + LINE * (k + 0.78)), "text-anchor": "middle"});
    text.textContent = line;
    node.append(text);
  });
  return node;
}

// An open fold: the frame behind what is in it, and its title, which closes it.
function frame(box, place, frames) {
  const [x, y, width, height] = [place.x, place.y, place.width, place.height].map(round);
  frames.append(draw("rect", {class: "frame", x, y, width, height, rx: 9}));
  const text = draw("text", {x: round(place.title + 7), y: round(y + height - 9)});
  text.textContent = frameTitle(box);
  const size = {width: round(titleWidth(box)), height: 18, rx: 6};
  return draw("g", {class: "node fold opened"}, draw("title"),
    draw("rect", {x: round(place.title), y: round(y + height - 22), ...size}), text);
}
