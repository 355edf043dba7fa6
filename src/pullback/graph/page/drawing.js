// ---- from a graph, some of whose folds are open, to a drawing -------------------------------------

const FONT = '11px system-ui, "Segoe UI", Helvetica, Arial, sans-serif';
const LINE = 14, PAD_X = 9, PAD_Y = 6, FRAME = 12, FOOT = 25, HEAD = 8;

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

// Every open fold is laid out by itself, and is one box of what is around it. Where an arrow leads into or
// out of it, it has a port: one for each box inside that arrows from outside end at.
function arrange(graph) {
  const {shown, around, pairs} = scene(graph);
  const levels = new Map([...shown.keys()].map((fold) => [fold, {arrows: [], ports: new Map()}]));
  for (const [t, h] of pairs) {
    const a = around.get(t), b = around.get(h);
    let common = 1;
    while (common < a.length && common < b.length && a[common] === b[common]) common++;
    for (const [key, path, way] of [[t, a, "out"], [h, b, "in"]]) {
      const port = `${way} ${key}`;
      for (let k = common; k < path.length; k++) {
        const {ports, arrows} = levels.get(path[k]);
        if (!ports.has(port)) {
          const child = path[k + 1] ?? key, arrow = {keys: new Set(), child, port, way, ends: child === h && way === "in"};
          ports.set(port, arrow);
          arrows.push(arrow);
        }
        ports.get(port).keys.add(t).add(h);
      }
    }
    const tail = a[common] ?? t, head = b[common] ?? h;
    levels.get(a[common - 1]).arrows.push({
      keys: new Set([t, h]), tail, head, out: `out ${t}`, into: `in ${h}`, ends: head === h,
    });
  }

  const drawing = {places: new Map(), lines: [], pairs, around, width: 0, height: 0};
  const build = (fold) => {
    const level = levels.get(fold);
    level.children = shown.get(fold);
    const nodes = [], numbers = new Map();
    for (const key of level.children) {
      numbers.set(key, nodes.length);
      nodes.push(isOpen(graph, key) ? build(key) : sizeOf(graph.boxes.get(key)));
    }
    for (const [port, {way}] of level.ports) {
      numbers.set(port, nodes.length);
      nodes.push({width: LINE_WIDTH, height: 0, port: way});
    }
    const offset = (key, port) => isOpen(graph, key) ? levels.get(key).offsets.get(port) : undefined;
    const arrows = level.arrows.map((arrow) => {
      let {tail, head} = arrow, from, to;
      if (arrow.way === "out") [tail, head, from] = [arrow.child, arrow.port, offset(arrow.child, arrow.port)];
      else if (arrow.way === "in") [tail, head, to] = [arrow.port, arrow.child, offset(arrow.child, arrow.port)];
      else [from, to] = [offset(tail, arrow.out), offset(head, arrow.into)];
      return {tail: numbers.get(tail), head: numbers.get(head), from, to};
    });
    level.found = layout(nodes, arrows);
    level.nodes = nodes;
    const {width, height, places} = level.found;
    level.offsets = new Map([...level.ports.keys()].map((port) => [port, places[numbers.get(port)].x - width / 2]));
    const title = fold ? titleWidth(graph.boxes.get(fold)) + 8 : 0;
    return {width: Math.max(width + 2 * FRAME, title), height: height + FRAME + FOOT};
  };
  const whole = build("");

  const put = (fold, left, top) => {
    const {children, nodes, found, arrows} = levels.get(fold);
    children.forEach((key, k) => {
      const {x, y} = found.places[k], {width, height} = nodes[k];
      const place = {x: left + x - width / 2, y: top + y - height / 2, width, height, open: isOpen(graph, key)};
      drawing.places.set(key, place);
      if (!place.open) return;
      put(key, place.x + (width - levels.get(key).found.width) / 2, place.y + FRAME);
      // The title is at the lower edge, beside an arrow that comes in.
      const entries = [...levels.get(key).offsets].filter(([port]) => port.startsWith("in ")).map(([, x]) => x);
      const beside = entries.length ? width / 2 + medianOf(entries.sort((a, b) => a - b)) + 7 : 4;
      place.title = place.x + Math.min(beside, width - titleWidth(graph.boxes.get(key)) - 4);
    });
    arrows.forEach((arrow, k) => {
      const path = found.paths[k].map((piece) => piece.map(([x, y]) => [x + left, y + top]));
      // From the row of ports to the border.
      if (arrow.way === "out") path.at(-1)[1][1] = top - FRAME;
      if (arrow.way === "in") path[0][0][1] = top + found.height + FOOT;
      drawing.lines.push({path, keys: arrow.keys, ends: arrow.ends});
    });
  };
  put("", 0, 0);
  drawing.width = levels.get("").found.width;
  drawing.height = levels.get("").found.height;
  return drawing;
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

function curve(path, ends) {
  const shorter = path.map((piece) => piece.map(([x, y]) => [round(x), round(y)]));
  if (ends) shorter.at(-1)[1][1] += HEAD - 1;  // the line does not show beside the tip
  let text = "";
  shorter.forEach(([[x, y], [, high]], k) => {
    if (k) {
      const [px, py] = shorter[k - 1][1], middle = round((py + y) / 2);
      text += px === x ? `L${x} ${y}` : `C${px} ${middle} ${x} ${middle} ${x} ${y}`;
    } else text += `M${x} ${y}`;
    if (high !== y) text += `V${high}`;
  });
  return text;
}

// Fills in `svg`, `nodes` (elements by key), `edges` (elements by the keys that they touch), `ahead`, `behind`.
function paint(graph) {
  const drawing = arrange(graph);
  graph.places = drawing.places;
  graph.whole = {x: 0, y: 0, width: drawing.width, height: drawing.height};
  graph.nodes = new Map();
  graph.edges = new Map();
  graph.ahead = new Map();
  graph.behind = new Map();
  const push = (map, key, value) => map.has(key) ? map.get(key).push(value) : map.set(key, [value]);
  for (const [t, h] of drawing.pairs) {
    push(graph.ahead, t, h);
    push(graph.behind, h, t);
  }
  const frames = draw("g"), lines = draw("g"), nodes = draw("g");
  for (const {path, keys, ends} of drawing.lines) {
    const line = draw("g", {class: "edge"}, draw("path", {d: curve(path, ends)}));
    if (ends) {
      const [x, y] = path.at(-1)[1].map(round);
      line.append(draw("path", {class: "head", d: `M${x} ${y}l-3.2 ${HEAD}h6.4z`}));
    }
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
