"use strict";
// One module's graph: its parts as boxes, laid out by dagre, drawn as SVG.
const BLOCK = 100;  // nodes of one module that are not parts of it are drawn so many at a time

/** Return boxes and arrows of a module; constants and weights are none.
 *  `block`: which hundred of its own nodes; -1: all, in blocks. */
function viewOf(graph, path, block) {
  const own = graph.nodes.filter((node) => node.path === path && node.operator !== "Constant");
  const rank = new Map(own.map((node, index) => [node, index]));
  const blocks = own.length > 1.5 * BLOCK;
  const boxes = new Map(), arrows = new Map();
  const groupOf = (node) => {
    if (!node || node.operator === "Constant" || !inside(node.path, path)) return null;
    if (node.path !== path) {
      if (block >= 0) return null;
      const rest = path ? node.path.slice(path.length + 1) : node.path;
      const child = (path ? path + "." : "") + rest.split(".")[0];
      return {id: "m" + child, module: moduleAt(child)};
    }
    const at = Math.floor(rank.get(node) / BLOCK);
    if (block >= 0) return at === block ? {id: "n" + node.index, node} : null;
    return blocks ? {id: "b" + at, block: at, first: at * BLOCK, last: Math.min((at + 1) * BLOCK, own.length)} : {id: "n" + node.index, node};
  };
  const add = (box) => { if (!boxes.has(box.id)) boxes.set(box.id, box); return box.id; };
  const arrow = (from, to, value) => { if (from !== to) arrows.set(from + "\n" + to, {from, to, value}); };
  for (const node of graph.nodes) {
    const group = groupOf(node);
    if (!group) continue;
    const to = add(group);
    for (const value of node.inputs) {
      const source = graph.producer.get(value);
      if (source ? source.operator === "Constant" : !data.inputs.includes(value)) continue;  // a weight
      const from = groupOf(source);
      if (from) arrow(add(from), to, value);
      else arrow(add({id: "i" + value, port: value}), to, value);
    }
    for (const value of node.outputs) {
      const leaves = data.outputs.includes(value) || (graph.readers.get(value) ?? []).some((reader) => !groupOf(reader));
      if (leaves) arrow(to, add({id: "o" + value, port: value}), value);
    }
  }
  return {boxes: [...boxes.values()], arrows: [...arrows.values()]};
}

const shortened = (text, length) => text.length > length ? "…" + text.slice(1 - length) : text;

function wordsOf(box, name) {
  if (box.module) {
    const kind = box.module.className.split(".").at(-1);
    return [box.module.name, [kind, count(box.module.nodes[name], "node")].filter(Boolean).join(" · ")];
  }
  if (box.node) return [box.node.operator, shortened(box.node.outputs[0] ?? "", 28)];
  if (box.port !== undefined) return [shortened(box.port, 28)];
  return [`nodes ${box.first + 1} to ${box.last}`];
}

const drawing = {name: "after", path: "", block: -1, box: [0, 0, 1, 1]};

function draw() {
  const {name, path, block} = drawing;
  const svg = byId("drawing"), view = viewOf(graphs[name], path, block);
  const plan = new dagre.graphlib.Graph({multigraph: false});
  plan.setGraph({rankdir: "TB", nodesep: 22, ranksep: 34, marginx: 20, marginy: 20});
  plan.setDefaultEdgeLabel(() => ({}));
  for (const box of view.boxes) {
    box.words = wordsOf(box, name);
    const width = Math.max(...box.words.map((word) => word.length)) * 7 + 30;
    plan.setNode(box.id, {width: Math.max(width, 70), height: box.words.length > 1 ? 44 : 28});
  }
  for (const arrow of view.arrows) plan.setEdge(arrow.from, arrow.to);
  dagre.layout(plan);
  const shapes = view.arrows.map((arrow) => {
    const line = plan.edge(arrow.from, arrow.to).points.map(({x, y}) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    return make("path", {d: `M ${line.join(" L ")}`, "marker-end": "url(#head)"}, make("title", {}, arrow.value));
  });
  for (const box of view.boxes) {
    const {x, y, width, height} = plan.node(box.id);
    const kind = box.module ? "module" : box.port !== undefined ? "port" : box.node ? "node" : "module";
    const error = name !== "after" ? undefined : box.module ? worst(box.module.errors) : box.node ? worst(Object.assign({}, ...box.node.outputs.map(errorsOf))) : undefined;
    const open = () => {
      if (box.module) select(box.module.path);
      else if (box.block !== undefined) show("graph", {path, block: box.block});
      else tell(box, name);
    };
    shapes.push(make("g", {class: `box ${kind}`, "data-id": box.id, onclick: open},
      make("rect", {x: x - width / 2, y: y - height / 2, width, height, rx: kind === "port" ? height / 2 : 7}),
      ...box.words.map((word, line) => make("text", {x, y: y + (box.words.length > 1 ? line * 16 - 4 : 4), class: line ? "small" : null}, word)),
      error === undefined ? null : make("circle", {cx: x + width / 2 - 9, cy: y - height / 2 + 9, r: 3.5, class: grade(error)}, make("title", {}, `error ${figure(error)}`)),
      make("title", {}, box.module ? box.module.path : box.node ? box.node.name : box.port ?? "")));
  }
  const head = document.createElementNS("http://www.w3.org/2000/svg", "marker");
  for (const [key, value] of Object.entries({id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto"})) head.setAttribute(key, value);
  head.append(make("path", {d: "M 0 0 L 8 4 L 0 8 z"}));
  svg.replaceChildren(head, ...shapes);
  svg.dataset.boxes = view.boxes.length;
  const {width, height} = plan.graph();
  drawing.whole = [0, 0, Math.max(width || 1, 1), Math.max(height || 1, 1)];
  fit();
  crumbs();
}

function fit() {
  const svg = byId("drawing"), [, , width, height] = drawing.whole;
  const {clientWidth, clientHeight} = svg;
  // A long chain is shown from its beginning at a size that can be read.
  const scale = Math.max(Math.min((clientWidth || 800) / width, (clientHeight || 600) / height, 1.2), 0.45);
  const seen = [(clientWidth || 800) / scale, (clientHeight || 600) / scale];
  drawing.box = [(width - seen[0]) / 2, height > seen[1] ? 0 : (height - seen[1]) / 2, ...seen];
  look();
}
function look() { byId("drawing").setAttribute("viewBox", drawing.box.map((n) => n.toFixed(2)).join(" ")); }

function crumbs() {
  const names = drawing.path ? drawing.path.split(".") : [];
  const links = [make("button", {type: "button", onclick: () => select("")}, data.root)];
  names.forEach((name, index) => links.push("›", make("button", {type: "button", onclick: () => select(names.slice(0, index + 1).join("."))}, name)));
  if (drawing.block >= 0) links.push(`› nodes from ${drawing.block * BLOCK + 1}`);
  byId("crumbs").replaceChildren(...links);
}

function tell(box, name) {
  for (const other of document.querySelectorAll("#drawing .chosen")) other.classList.remove("chosen");
  document.querySelector(`#drawing [data-id="${CSS.escape(box.id)}"]`)?.classList.add("chosen");
  byId("details").replaceChildren(...(box.node ? describe(box.node, name) : [make("h3", {}, box.port), make("p", {class: "hint"}, "a value from or for elsewhere")]));
}

/** Return the elements that tell of a node. */
function describe(node, name) {
  const pairs = [["name", node.name], ["module", node.path || data.root], ["reads", node.inputs.join(", ")], ["makes", node.outputs.join(", ")], ["attributes", node.attributes]];
  const list = make("dl", {}, ...pairs.filter(([, text]) => text).flatMap(([term, text]) => [make("dt", {}, term), make("dd", {class: "mono"}, text)]));
  for (const value of name === "after" ? node.outputs : []) {
    const place = places.get(value);
    if (place?.line) list.append(make("dt", {}, "in model.py"), make("dd", {}, make("button", {type: "button", onclick: () => openLine(place.line)}, `line ${place.line}${place.local ? `, ${place.local}` : ""}`)));
    for (const [mode, error] of Object.entries(errorsOf(value))) list.append(make("dt", {}, `error in ${mode.toUpperCase()}`), make("dd", {class: grade(error)}, figure(error)));
  }
  return [make("h3", {}, node.operator), list];
}

function watchDrawing() {
  const svg = byId("drawing");
  let from = null;
  svg.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY, ...drawing.box]; });
  svg.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const scale = drawing.box[2] / (svg.clientWidth || 1);
    svg.classList.add("moving");
    drawing.box = [from[2] - (event.clientX - from[0]) * scale, from[3] - (event.clientY - from[1]) * scale, from[4], from[5]];
    look();
  });
  for (const name of ["pointerup", "pointerleave"]) svg.addEventListener(name, () => { from = null; svg.classList.remove("moving"); });
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const factor = Math.exp(event.deltaY * 0.0015), {left, top} = svg.getBoundingClientRect();
    const at = [(event.clientX - left) / svg.clientWidth, (event.clientY - top) / svg.clientHeight];
    const [x, y, width, height] = drawing.box;
    drawing.box = [x + width * at[0] * (1 - factor), y + height * at[1] * (1 - factor), width * factor, height * factor];
    look();
  }, {passive: false});
  byId("fit").addEventListener("click", fit);
  for (const name of ["before", "after"]) byId(name).addEventListener("click", () => {
    for (const each of ["before", "after"]) byId(each).setAttribute("aria-pressed", each === name);
    show("graph", {name, block: -1});
  });
}
