"use strict";
// A layered layout, after Sugiyama, Tagawa and Toda (1981): rows by network simplex (Gansner, Koutsofios,
// North and Vo, 1993), few crossings by medians and exchanges, places within the rows by regression.
// Arrows point up: row 0, at the bottom, is where the backward pass starts. Knows nothing of the page.

const ROW_GAP = 26, COLUMN_GAP = 16, LINE_WIDTH = 6;

// Rows such that every arrow leads at least one up, of the smallest total length. `weight` in, row numbers out.
function rowsOf(count, arrows) {
  if (!count) return [];
  const edges = arrows.map(({tail, head, weight}) => ({tail, head, weight: weight ?? 1, length: 1, inTree: false}));
  joinComponents(count, edges);
  const around = Array.from({length: count}, () => []);
  for (const edge of edges) {
    around[edge.tail].push(edge);
    around[edge.head].push(edge);
  }
  const rank = longestPaths(count, edges, around);
  const slack = (edge) => rank[edge.head] - rank[edge.tail] - edge.length;
  tightTree(count, edges, around, rank, slack);

  const parent = new Array(count), sums = new Float64Array(count);
  const first = new Int32Array(count), last = new Int32Array(count);
  const survey = () => {  // numbers the tree, and sums what leaves each subtree, less what enters it
    sums.fill(0);
    for (const edge of edges) {
      sums[edge.tail] += edge.weight;
      sums[edge.head] -= edge.weight;
    }
    let clock = 0;
    const stack = [0];
    parent[0] = null;
    const order = [];
    while (stack.length) {
      const v = stack.pop();
      first[v] = clock++;
      order.push(v);
      for (const edge of around[v]) {
        if (!edge.inTree || edge === parent[v]) continue;
        const child = edge.tail === v ? edge.head : edge.tail;
        parent[child] = edge;
        stack.push(child);
      }
    }
    for (const v of order) last[v] = first[v];
    for (const v of order.reverse()) {
      const edge = parent[v];
      if (!edge) continue;
      const above = edge.tail === v ? edge.head : edge.tail;
      sums[above] += sums[v];
      last[above] = Math.max(last[above], last[v]);
    }
  };

  let at = 0;
  for (let turn = 0; turn < 10 * count + 100; turn++) {
    survey();
    let leaving = -1;
    for (let k = 0; k < count && leaving < 0; k++) {
      const v = (at + k) % count, edge = parent[v];
      if (edge && (edge.tail === v ? sums[v] : -sums[v]) < 0) leaving = v;
    }
    if (leaving < 0) break;
    at = leaving;
    const old = parent[leaving], down = old.tail === leaving;
    const inside = (v) => first[v] >= first[leaving] && first[v] <= last[leaving];
    let entering = null;
    for (const edge of edges) {
      const fits = down ? !inside(edge.tail) && inside(edge.head) : inside(edge.tail) && !inside(edge.head);
      if (fits && !edge.inTree && (!entering || slack(edge) < slack(entering))) entering = edge;
    }
    if (!entering) break;
    const shift = down ? -slack(entering) : slack(entering);
    if (shift) for (let v = 0; v < count; v++) if (inside(v)) rank[v] += shift;
    old.inTree = false;
    entering.inTree = true;
  }
  const lowest = rank.reduce((a, b) => Math.min(a, b), Infinity);
  return rank.map((r) => r - lowest);
}

// Parts without an arrow between them are tied together at their lowest nodes.
function joinComponents(count, edges) {
  const root = Array.from({length: count}, (_, k) => k);
  const find = (v) => {
    while (root[v] !== v) v = root[v] = root[root[v]];
    return v;
  };
  const entered = new Uint8Array(count);
  for (const {tail, head} of edges) {
    root[find(tail)] = find(head);
    entered[head] = 1;
  }
  let before = -1;
  for (let v = 0; v < count; v++) {
    if (entered[v]) continue;
    if (before >= 0 && find(v) !== find(before)) {
      edges.push({tail: before, head: v, weight: 0, length: 0, inTree: false});
      root[find(v)] = find(before);
    }
    if (before < 0) before = v;
  }
}

function longestPaths(count, edges, around) {
  const waiting = new Int32Array(count), rank = new Array(count).fill(0);
  for (const edge of edges) waiting[edge.head]++;
  const ready = [];
  for (let v = 0; v < count; v++) if (!waiting[v]) ready.push(v);
  while (ready.length) {
    const v = ready.pop();
    for (const edge of around[v]) {
      if (edge.tail !== v) continue;
      rank[edge.head] = Math.max(rank[edge.head], rank[v] + edge.length);
      if (!--waiting[edge.head]) ready.push(edge.head);
    }
  }
  return rank;
}

function tightTree(count, edges, around, rank, slack) {
  const inside = new Uint8Array(count);
  const members = [];
  const grow = (start) => {
    const stack = [start];
    inside[start] = 1;
    while (stack.length) {
      const v = stack.pop();
      members.push(v);
      for (const edge of around[v]) {
        const other = edge.tail === v ? edge.head : edge.tail;
        if (inside[other] || slack(edge)) continue;
        edge.inTree = true;
        inside[other] = 1;
        stack.push(other);
      }
    }
  };
  grow(0);
  while (members.length < count) {
    let best = null;
    for (const edge of edges) {
      if (inside[edge.tail] !== inside[edge.head] && (!best || slack(edge) < slack(best))) best = edge;
    }
    const shift = inside[best.tail] ? slack(best) : -slack(best);
    for (const v of members) rank[v] += shift;
    best.inTree = true;
    grow(inside[best.tail] ? best.head : best.tail);
  }
}

// ---- the order within the rows -------------------------------------------------------------------

// `rows` of vertices; `up` and `down` list, for each vertex, {other, at, there}: the neighbour in the next row,
// and where on the two the line ends, from -½ to ½ of their widths.
function orderRows(rows, up, down) {
  const place = [];
  const number = () => rows.forEach((row) => row.forEach((v, k) => { place[v] = k; }));
  const spot = (link) => place[link.other] + link.there * 0.9;
  number();
  let best = rows.map((row) => [...row]), fewest = crossings(rows, up, spot);
  const size = rows.reduce((sum, row) => sum + row.length, 0);
  const rounds = size > 6000 ? 6 : size > 2000 ? 10 : 18;
  for (let round = 0, idle = 0; round < rounds && fewest && idle < 6; round++, idle++) {
    const links = round % 2 ? up : down;
    const order = round % 2 ? [...rows.keys()].reverse() : [...rows.keys()];
    for (const r of order) {
      byMedian(rows[r], links, spot, round % 4 > 1);
      rows[r].forEach((v, k) => { place[v] = k; });
    }
    exchange(rows, up, down, place, spot);
    const found = crossings(rows, up, spot);
    if (found < fewest) {
      fewest = found;
      best = rows.map((row) => [...row]);
      idle = -1;
    }
  }
  return best;
}

function byMedian(row, links, spot, leftFirst) {
  const wanted = new Map();
  for (const v of row) {
    const spots = links[v].map(spot).sort((a, b) => a - b);
    if (spots.length) wanted.set(v, medianOf(spots));
  }
  // What has no neighbour there keeps its place.
  const moving = row.filter((v) => wanted.has(v));
  const rank = new Map(moving.map((v, k) => [v, leftFirst ? k : -k]));
  moving.sort((a, b) => wanted.get(a) - wanted.get(b) || rank.get(a) - rank.get(b));
  let next = 0;
  row.forEach((v, k) => { if (wanted.has(v)) row[k] = moving[next++]; });
}

function medianOf(spots) {
  const middle = spots.length >> 1;
  if (spots.length % 2) return spots[middle];
  if (spots.length === 2) return (spots[0] + spots[1]) / 2;
  const left = spots[middle - 1] - spots[0], right = spots[spots.length - 1] - spots[middle];
  return left + right ? (spots[middle - 1] * right + spots[middle] * left) / (left + right)
    : (spots[middle - 1] + spots[middle]) / 2;
}

// Neighbours change places where that saves crossings.
function exchange(rows, up, down, place, spot) {
  const spots = (v, links) => links[v].map(spot).sort((a, b) => a - b);
  for (let turn = 0, better = true; better && turn < 4; turn++) {
    better = false;
    for (const row of rows) {
      for (let k = 0; k + 1 < row.length; k++) {
        const a = row[k], b = row[k + 1];
        let gain = 0;
        for (const links of [up, down]) {
          if (!links[a].length || !links[b].length) continue;
          const left = spots(a, links), right = spots(b, links);
          gain += pairsAbove(left, right) - pairsAbove(right, left);
        }
        if (gain > 0) {
          row[k] = b;
          row[k + 1] = a;
          place[b] = k;
          place[a] = k + 1;
          better = true;
        }
      }
    }
  }
}

// Pairs of sorted numbers in which the first is larger: the crossings of two vertices side by side.
function pairsAbove(left, right) {
  let count = 0, below = 0;
  for (const x of left) {
    while (below < right.length && right[below] < x) below++;
    count += below;
  }
  return count;
}

// Lines that cross between neighbouring rows: the inversions among their upper ends.
function crossings(rows, up, spot) {
  let count = 0;
  for (const row of rows) {
    const ends = row.flatMap((v) => [...up[v]].sort((a, b) => a.at - b.at || spot(a) - spot(b)).map(spot));
    const sorted = Float64Array.from(new Set(ends)).sort();
    const number = new Map(Array.from(sorted, (end, k) => [end, k + 1]));
    const tree = new Int32Array(sorted.length + 1);
    ends.forEach((end, seen) => {
      let below = 0;
      for (let k = number.get(end); k > 0; k -= k & -k) below += tree[k];
      count += seen - below;
      for (let k = number.get(end); k <= sorted.length; k += k & -k) tree[k]++;
    });
  }
  return count;
}

// ---- the places within the rows ------------------------------------------------------------------

// Every vertex goes as near to its neighbours as the order allows: in each row, the least squares under
// the distances between neighbours (pooled where they would overlap), up and down until it is still.
function placeRows(rows, up, down, width) {
  const x = [];
  for (const row of rows) {
    let at = 0;
    row.forEach((v, k) => { at = x[v] = k ? at + distance(row[k - 1], v, width) : 0; });
    for (const v of row) x[v] -= at / 2;
  }
  const settle = (row, sides) => {
    const wanted = [], weights = [], starts = [];
    let start = 0;
    row.forEach((v, k) => {
      let sum = 0, weight = 0;
      for (const links of sides) {
        for (const link of links[v]) {
          sum += link.weight * (x[link.other] + link.there * width[link.other] - link.at * width[v]);
          weight += link.weight;
        }
      }
      start = k ? start + distance(row[k - 1], v, width) : 0;
      starts.push(start);
      wanted.push(weight ? sum / weight : x[v]);
      weights.push(weight || 1e-3);
    });
    const blocks = [];
    row.forEach((v, k) => {
      let block = {sum: weights[k] * (wanted[k] - starts[k]), weight: weights[k], count: 1};
      while (blocks.length) {
        const left = blocks[blocks.length - 1];
        if (left.sum / left.weight <= block.sum / block.weight) break;
        blocks.pop();
        block = {sum: left.sum + block.sum, weight: left.weight + block.weight, count: left.count + block.count};
      }
      blocks.push(block);
    });
    let k = 0;
    for (const {sum, weight, count} of blocks) {
      for (let i = 0; i < count; i++, k++) x[row[k]] = starts[k] + sum / weight;
    }
  };
  const upwards = [...rows.keys()], downwards = [...upwards].reverse();
  for (let round = 0; round < 12; round++) {
    for (const r of upwards) settle(rows[r], [down]);
    for (const r of downwards) settle(rows[r], [up]);
  }
  for (let round = 0; round < 16; round++) {
    for (const r of round % 2 ? upwards : downwards) settle(rows[r], [up, down]);
  }
  return x;
}

const distance = (a, b, width) => (width[a] + width[b]) / 2
  + (width[a] > LINE_WIDTH || width[b] > LINE_WIDTH ? COLUMN_GAP : COLUMN_GAP / 2);

// ---- all of it -----------------------------------------------------------------------------------

// nodes: {width, height, port: "in", "out" or nothing, light: keeps out of the way of the others}.
// arrows: {tail, head} by number, with `from` and `to`: where they end on nodes that have ports of their own,
// from the middle. Ports are the ends of arrows that come from outside: below and above all others.
// Gives {width, height, places: [{x, y}] of the middles, paths: [[[x, y], [x, y]], …] of each arrow: straight
// pieces, with a curve between one and the next}.
function layout(nodes, arrows) {
  const rows = assignRows(nodes, arrows);
  const {layers, up, down, width, chains} = withLines(nodes, arrows, rows);
  const order = orderRows(layers, up, down);
  const x = placeRows(order, up, down, width);
  const heights = order.map((row) => Math.max(0, ...row.map((v) => nodes[v]?.height ?? 0)));
  const ends = endsOf(nodes, arrows, chains, x);
  // Rows are further apart where arrows between them go far to the side.
  const gaps = order.map(() => ROW_GAP);
  chains.forEach((chain, k) => {
    for (let i = 0; i + 1 < chain.length; i++) {
      const a = i ? x[chain[i]] : ends[k].from, b = i + 2 < chain.length ? x[chain[i + 1]] : ends[k].to;
      const r = rows[arrows[k].tail] + i;
      gaps[r] = Math.max(gaps[r], Math.min(110, 0.16 * Math.abs(a - b)));
    }
  });
  const bottoms = [];
  let y = 0;
  heights.forEach((height, r) => {
    bottoms[r] = -y;
    y += height + (r + 1 < heights.length ? gaps[r] : 0);
  });
  const middle = (r) => bottoms[r] - heights[r] / 2;
  let left = Infinity, right = -Infinity;
  x.forEach((at, v) => {
    left = Math.min(left, at - width[v] / 2);
    right = Math.max(right, at + width[v] / 2);
  });
  const dx = -left, dy = y;
  const paths = chains.map((chain, k) => {
    const {tail, head} = arrows[k], low = rows[tail];
    const path = [[[ends[k].from + dx, middle(low) - nodes[tail].height / 2 + dy],
      [ends[k].from + dx, bottoms[low] - heights[low] + dy]]];
    for (let i = 1; i + 1 < chain.length; i++) {
      const at = x[chain[i]] + dx;
      path.push([[at, bottoms[low + i] + dy], [at, bottoms[low + i] - heights[low + i] + dy]]);
    }
    path.push([[ends[k].to + dx, bottoms[rows[head]] + dy],
      [ends[k].to + dx, middle(rows[head]) + nodes[head].height / 2 + dy]]);
    return path;
  });
  const places = nodes.map((_, v) => ({x: x[v] + dx, y: middle(rows[v]) + dy}));
  return {width: right - left, height: y, places, paths};
}

function assignRows(nodes, arrows) {
  const numbers = [], real = [];
  nodes.forEach((node, v) => { if (!node.port) numbers[v] = real.push(v) - 1; });
  const inner = arrows.filter(({tail, head}) => !nodes[tail].port && !nodes[head].port)
    .map(({tail, head}) => ({tail: numbers[tail], head: numbers[head]}));
  const found = rowsOf(real.length, inner);
  const entries = nodes.some((node) => node.port === "in") ? 1 : 0;
  const top = found.reduce((a, b) => Math.max(a, b), 0) + entries + 1;
  return nodes.map((node, v) => node.port === "in" ? 0 : node.port === "out" ? top : found[numbers[v]] + entries);
}

// An arrow over several rows is a chain of vertices, one in each.
function withLines(nodes, arrows, rows) {
  const width = nodes.map((node) => node.width), up = nodes.map(() => []), down = nodes.map(() => []);
  const rowOf = [...rows];
  const chains = arrows.map((arrow) => {
    const {tail, head} = arrow, chain = [tail];
    const light = nodes[tail].light || nodes[head].light;
    for (let r = rows[tail] + 1; r < rows[head]; r++) {
      chain.push(width.push(LINE_WIDTH) - 1);
      up.push([]);
      down.push([]);
      rowOf.push(r);
    }
    chain.push(head);
    for (let i = 0; i + 1 < chain.length; i++) {
      const a = chain[i], b = chain[i + 1];
      const at = i ? 0 : (arrow.from ?? 0) / width[a], there = i + 2 < chain.length ? 0 : (arrow.to ?? 0) / width[b];
      const bends = (i > 0) + (i + 2 < chain.length);  // long arrows are straight first of all
      const weight = (light ? 0.005 : 1) * [1, 2, 8][bends];
      up[a].push({other: b, at, there, weight});
      down[b].push({other: a, at: there, there: at, weight});
    }
    return chain;
  });
  // The first order: as a walk from the bottom meets them.
  const layers = Array.from({length: rowOf.reduce((a, b) => Math.max(a, b), 0) + 1}, () => []);
  const seen = new Uint8Array(rowOf.length);
  const starts = nodes.map((_, v) => v).sort((a, b) => rows[a] - rows[b] || a - b);
  for (const start of starts) {
    const stack = [start];
    while (stack.length) {
      const v = stack.pop();
      if (seen[v]) continue;
      seen[v] = 1;
      layers[rowOf[v]].push(v);
      for (const {other} of up[v]) if (!seen[other]) stack.push(other);
    }
  }
  return {layers, up, down, width, chains};
}

// Where arrows end on nodes: side by side, in the order of what is at their other ends.
function endsOf(nodes, arrows, chains, x) {
  const ends = arrows.map(({tail, head, from, to}) => ({
    from: from === undefined ? null : x[tail] + from, to: to === undefined ? null : x[head] + to,
  }));
  for (const [side, own, next] of [["from", "tail", 1], ["to", "head", -2]]) {
    const groups = new Map();
    arrows.forEach((arrow, k) => {
      if (ends[k][side] !== null) return;
      if (!groups.has(arrow[own])) groups.set(arrow[own], []);
      groups.get(arrow[own]).push(k);
    });
    for (const [v, group] of groups) {
      group.sort((a, b) => x[chains[a].at(next)] - x[chains[b].at(next)]);
      const gap = Math.min(14, (nodes[v].width - 16) / group.length);
      group.forEach((k, i) => { ends[k][side] = x[v] + (nodes[v].port ? 0 : gap * (i - (group.length - 1) / 2)); });
    }
  }
  return ends;
}
