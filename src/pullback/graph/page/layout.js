"use strict";
// Runs in a Worker, behind Graphviz, whose `dot` does all of the placing: here its input is written and its
// output is read. Every open fold is laid out by itself, and is one box of what is around it. Where an arrow
// leads into or out of it, it has a port: one for each box inside that arrows from outside end at.

const FRAME = 12, FOOT = 25;  // between the frame of a fold and what is in it; below, there is its title
const GRAPH = 'rankdir=BT;nodesep=0.2;ranksep=0.36;node[shape=box,fixedsize=true,label=""];edge[arrowsize=0.8]';

const round = (x) => Math.round(10 * x) / 10;
const inches = (x) => Math.max(x, 1) / 72;

// ---- one graph, by Graphviz -----------------------------------------------------------------------

// What Graphviz answered to the same text for the last drawing: folds that stay as they are cost nothing.
let known = new Map(), used = new Map();

function answer(viz, text) {
  const found = known.get(text) ?? JSON.parse(viz.renderString(text, {format: "json0", yInvert: true}));
  used.set(text, found);
  return found;
}

// nodes: {width, height}, with the places from the left of the ports `ins` and `outs` that an open fold has; or
// {port: "in" or "out"}, below or above all others. arrows: {tail, head}, numbers of nodes, with `from` and `to`,
// numbers of ports; `head` without a tip is `plain`, and `light` ones may be longer than others.
// Gives {width, height, places: [{x, y}] of the middles, paths: [{points: [[x, y], …], tip}] of each arrow:
// cubic pieces that share their ends.
function laidOut(viz, nodes, arrows) {
  const ports = {in: [], out: []};
  const lines = nodes.map((node, k) => {
    if (node.port) {
      ports[node.port].push(k);
      return `${k}[shape=point,width=0.02,height=0.02]`;
    }
    const size = `width=${inches(node.width)},height=${inches(node.height)}`;
    return node.ins ? `${k}[shape=none,${size},label=<${table(node)}>]` : `${k}[${size}]`;
  });
  arrows.forEach(({tail, head, from, to, plain, light}, k) => {
    const start = from === undefined ? tail : `${tail}:o${from}:n`, end = to === undefined ? head : `${head}:i${to}:s`;
    lines.push(`${start}->${end}[id=${k},weight=${light ? 1 : 3}${plain ? ",arrowhead=none" : ""}]`);
  });
  if (ports.in.length) lines.push(`{rank=source;${ports.in.join(";")}}`);
  if (ports.out.length) lines.push(`{rank=sink;${ports.out.join(";")}}`);
  const found = answer(viz, `digraph{${GRAPH};${lines.join(";")}}`);
  const places = [], paths = [];
  for (const {name, pos} of found.objects ?? []) {
    if (pos) [places[name]] = numbers(pos).map(([x, y]) => ({x, y}));
  }
  for (const {id, pos} of found.edges ?? []) {
    const tip = pos.startsWith("e,");
    const points = numbers(tip ? pos.slice(2) : pos);
    paths[id] = tip ? {tip: points[0], points: points.slice(1)} : {points};
  }
  const [[, height], [width]] = numbers(found.bb.replace(/^([^,]*,[^,]*),/, "$1 "));
  return {width, height, places, paths};
}

const numbers = (text) => text.split(" ").map((pair) => pair.split(",").map(Number));

// A table as large as an open fold, with a narrow cell for each port: Graphviz knows no other ports that are
// where one wants them.
function table({width, height, ins, outs}) {
  const plain = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"';
  const row = (name, ports, high) => {
    const cell = (size, port = "") => size > 0 ? `<TD${port} WIDTH="${size}" HEIGHT="${high}" FIXEDSIZE="TRUE"></TD>` : "";
    const sorted = ports.map((x, k) => [x, k]).sort(([a], [b]) => a - b);
    let at = 0, cells = "";
    for (const [x, k] of sorted) {
      const left = Math.max(at, Math.round(x) - 1);
      cells += cell(left - at) + cell(2, ` PORT="${name}${k}"`);
      at = left + 2;
    }
    return `<TR><TD><TABLE ${plain}><TR>${cells}${cell(Math.floor(width) - at)}</TR></TABLE></TD></TR>`;
  };
  const top = Math.floor(height / 2), size = `FIXEDSIZE="TRUE" WIDTH="${Math.floor(width)}" HEIGHT="${Math.floor(height)}"`;
  return `<TABLE ${plain} ${size}>${row("o", outs, top)}${row("i", ins, Math.floor(height) - top)}</TABLE>`;
}

// ---- folds in folds -------------------------------------------------------------------------------

// shown: the boxes by the open fold that they are in, "" for the graph itself; around: the folds around each box,
// from the outside; pairs: the arrows between boxes; sizes: {width, height, light}, of an open fold that of its title.
function arrange(viz, {shown, around, pairs, sizes}) {
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
          const child = path[k + 1] ?? key, ends = child === h && way === "in";
          ports.set(port, {keys: new Set(), port, way, ends, ...way === "in" ? {tail: port, head: child} : {tail: child, head: port}});
          arrows.push(ports.get(port));
        }
        ports.get(port).keys.add(t).add(h);
      }
    }
    const tail = a[common] ?? t, head = b[common] ?? h;
    levels.get(a[common - 1]).arrows.push({keys: new Set([t, h]), tail, head, out: `out ${t}`, into: `in ${h}`, ends: head === h});
  }

  const build = (fold) => {
    const level = levels.get(fold), keys = [...shown.get(fold), ...level.ports.keys()];
    level.numbers = new Map(keys.map((key, k) => [key, k]));
    level.nodes = keys.map((key) => shown.has(key) ? build(key) : sizes.get(key) ?? {port: level.ports.get(key).way});
    const light = (key) => sizes.get(key)?.light;
    level.found = laidOut(viz, level.nodes, level.arrows.map((arrow) => ({
      tail: level.numbers.get(arrow.tail), head: level.numbers.get(arrow.head),
      from: levels.get(arrow.tail)?.outs.get(arrow.out ?? arrow.port),
      to: levels.get(arrow.head)?.ins.get(arrow.into ?? arrow.port),
      plain: !arrow.ends, light: light(arrow.tail) || light(arrow.head),
    })));
    const width = Math.max(level.found.width + 2 * FRAME, fold && sizes.get(fold).width + 8);
    level.left = (width - level.found.width) / 2;
    const sides = {in: [], out: []};
    level.ins = new Map();
    level.outs = new Map();
    for (const [port, {way}] of level.ports) {
      (way === "in" ? level.ins : level.outs).set(port, sides[way].length);
      sides[way].push(level.left + level.found.places[level.numbers.get(port)].x);
    }
    return {width, height: level.found.height + FRAME + FOOT, ins: sides.in, outs: sides.out};
  };
  build("");
  [known, used] = [used, new Map()];

  const places = new Map(), lines = [];
  const put = (fold, left, top) => {
    const {nodes, found, arrows} = levels.get(fold);
    shown.get(fold).forEach((key, k) => {
      const {x, y} = found.places[k], {width, height, ins} = nodes[k];
      const place = {x: left + x - width / 2, y: top + y - height / 2, width, height, open: shown.has(key)};
      places.set(key, place);
      if (!place.open) return;
      put(key, place.x + levels.get(key).left, place.y + FRAME);
      // The title is at the lower edge, beside an arrow that comes in.
      const beside = ins.length ? [...ins].sort((a, b) => a - b)[ins.length >> 1] + 7 : 4;
      place.title = place.x + Math.min(beside, width - sizes.get(key).width - 4);
    });
    arrows.forEach(({way, keys, ends}, k) => {
      const move = ([x, y]) => [round(x + left), round(y + top)];
      const {points, tip} = found.paths[k], [first, ...rest] = points.map(move);
      // Between the border and the ports, straight.
      const path = (way === "in" ? `M${first[0]} ${round(top + found.height + FOOT)}L${first}` : `M${first}`)
        + `C${rest.join(" ")}` + (way === "out" ? `V${round(top - FRAME)}` : "");
      lines.push({path, keys: [...keys], head: ends ? [rest.at(-1), move(tip)] : null});
    });
  };
  put("", 0, 0);
  const {width, height} = levels.get("").found;
  return {width, height, places, lines};
}

const ready = Viz.instance();
self.onmessage = async ({data}) => {
  try {
    self.postMessage({drawing: arrange(await ready, data)});
  } catch (error) {
    self.postMessage({error: String(error)});
  }
};
