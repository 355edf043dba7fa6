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
      ["what", KINDS[box.kind]],
      ["names", (box.names ?? []).join(", ")],
      ["formula", box.formula ? make("span", box.formula, {class: "formula"}) : null],
      ["shape", box.shape ? shapeText(box.shape) : null],
      ["dtype", box.dtype],
      ["memory", where],
      ["bytes", box.nbytes === undefined || box.kind === "fold" ? null : `${box.nbytes.toLocaleString("en")} (${bytes(box.nbytes)})`],
      ["operator", box.operator],
      ["read as", (box.roles ?? []).join(", ")],
      ["written in place", box.version ? `${box.version} times` : null],
      ["source", box.line ? make("code", `${box.line.file}:${box.line.number}`) : null],
    ]),
  ];
  if (box.line?.text) content.push(make("pre", box.line.text, {tabindex: 0}));
  if (box.kind === "fold") content.push(...contents(box));
  if (box.attributes) content.push(make("h3", "Attributes"), facts(Object.entries(box.attributes)));
  const code = data.operations[box.operation];
  if (code) {
    content.push(make("h3", `Forward and backward of ${box.operation}`), make("div", null, {class: "beside"},
      make("div", null, {}, make("h4", "forward"), make("pre", code.forward, {tabindex: 0})),
      make("div", null, {}, make("h4", "backward"), make("pre", code.backward, {tabindex: 0}))));
  }
  const near = (map) => box.kind === "fold" ? graph[map === "from" ? "behind" : "ahead"].get(box.key) ?? []
    : graph[map].get(box.key) ?? [];
  content.push(...links("Gradients come from", near("from")));
  content.push(...links(box.kind === "stored" ? "Read by" : "Gradients go to", near("to")));
  content.push(...links("Inside of", foldsAround(graph, box.key)));
  for (const name of box.kernels ?? []) {
    const kernel = graph.kernels.find((k) => k.name === name);
    if (kernel) content.push(kernelText(kernel, true));
  }
  panel.replaceChildren(...content);
  panel.scrollTop = 0;
}

// What a fold stands for: a button that opens it, and what is inside.
function contents(box) {
  const graph = graphs[current], opened = graph.open.has(box.key);
  const button = make("button", opened ? "Close" : "Open", {"aria-keyshortcuts": "Enter"});
  button.addEventListener("click", () => toggle(box.key));
  const operators = new Map(), values = [], inputs = [];
  const waiting = [...graph.inside.get(box.key)];
  while (waiting.length) {
    const inner = graph.boxes.get(waiting.pop());
    if (inner.kind === "fold") waiting.push(...graph.inside.get(inner.key));
    else if (inner.kind === "stored") values.push(inner);
    else if (inner.kind === "input") inputs.push(inner);
    else operators.set(inner.title, (operators.get(inner.title) ?? 0) + 1);
  }
  const kept = values.filter((value) => !value.recomputed).length;
  const counts = [...operators].sort((a, b) => b[1] - a[1]).map(([name, n]) => n > 1 ? `${n.toLocaleString("en")} × ${name}` : name);
  const named = values.filter((value) => value.names).sort((a, b) => (b.nbytes ?? 0) - (a.nbytes ?? 0));
  return [
    make("div", null, {class: "links"}, button),
    make("h3", "What is inside"),
    facts([
      ["operators", `${(box.count ?? 1).toLocaleString("en")}: ${counts.join(", ")}`],
      ["repeated", box.repeats > 1 ? `${box.repeats.toLocaleString("en")} × (${box.pattern.join(", ")})` : null],
      ["stored", kept ? `${kept.toLocaleString("en")} values, ${bytes(box.nbytes ?? 0)}` : null],
      ["recomputed", values.length > kept ? `${(values.length - kept).toLocaleString("en")} values, ${bytes(box.saved ?? 0)} saved` : null],
      ["gradients", inputs.length ? inputs.length.toLocaleString("en") : null],
    ]),
    ...links("Its parts", graph.inside.get(box.key).filter((key) => isFold(graph, key))),
    ...links("Values with names", named.map((value) => value.key)),
    ...links("Gradients of", inputs.filter((input) => input.names).map((input) => input.key)),
  ];
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
  unmark();
  graph.nodes.values().next().value?.setAttribute("tabindex", "0");
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
      ["n", "the first node"], ["Enter", "the details of a node; opens or closes a fold"],
      ...(graph.inside.size > 1 ? [["o", "open all folds"], ["c", "close the fold around a node, or all"]] : []),
      ["Esc", "back to this page"],
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
