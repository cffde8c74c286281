"use strict";
// What the report holds, indexed: graphs, modules, errors. Everything else of the page reads this.
const data = JSON.parse(document.getElementById("data").textContent);

/** Make an element; text becomes text nodes, so that nothing of a model is ever read as HTML. */
function make(tag, fields = {}, ...children) {
  const svg = ["g", "rect", "text", "path", "circle", "title"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const byId = (id) => document.getElementById(id);

function readGraph(rows) {
  const nodes = rows.map(([name, operator, inputs, outputs, path, attributes], index) =>
    ({index, name, operator, path: data.paths[path][0], attributes,
      inputs: inputs.map((value) => data.values[value]), outputs: outputs.map((value) => data.values[value])}));
  const producer = new Map(), readers = new Map();
  for (const node of nodes) {
    for (const value of node.outputs) producer.set(value, node);
    for (const value of node.inputs) {
      if (!readers.has(value)) readers.set(value, []);
      readers.get(value).push(node);
    }
  }
  return {nodes, producer, readers};
}

const graphs = {before: readGraph(data.before), after: readGraph(data.after)};
const places = new Map(data.places.map(([value, className, path, local, line, end]) =>
  [value, {className, path, local, line, end}]));
const modes = Object.keys(data.errors);

/** The modules, each with its parts; a path that only others pass through is one too. */
const modules = new Map();
function moduleAt(path) {
  let found = modules.get(path);
  if (!found) {
    found = {path, name: path.split(".").at(-1), className: "", parts: [], nodes: {before: 0, after: 0}, elements: 0, errors: {}};
    modules.set(path, found);
    if (path) moduleAt(parentOf(path)).parts.push(found);
  }
  return found;
}
function parentOf(path) { return path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : ""; }
function* around(path) {
  for (let each = path; ; each = parentOf(each)) {
    yield moduleAt(each);
    if (!each) return;
  }
}
const inside = (path, module) => !module || path === module || path.startsWith(module + ".");

for (const [path, className] of data.paths) moduleAt(path).className = className;
for (const [name, graph] of Object.entries(graphs))
  for (const node of graph.nodes) for (const module of around(node.path)) module.nodes[name] += 1;
for (const weight of data.weights) {
  const path = parentOf(weight.state_dict ?? weight.name);
  const size = weight.shape.reduce((a, b) => a * b, 1);
  if (modules.has(path)) for (const module of around(path)) module.elements += size;
}
for (const mode of modes)
  for (const [value, error] of Object.entries(data.errors[mode])) {
    const node = graphs.after.producer.get(value);
    if (node) for (const module of around(node.path))
      module.errors[mode] = Math.max(module.errors[mode] ?? 0, error ?? Infinity);
  }
moduleAt("").name = data.root;
moduleAt("").className ||= data.root;

const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

function figure(error) {
  if (error === undefined) return "";
  if (error === null || error === Infinity) return "not equal";
  return error === 0 ? "0" : error.toExponential(1);
}
/** How an error is to be looked at: a value on the way may pass the outputs' tolerance by noise. */
function grade(error) {
  if (error === undefined) return "";
  if (error === null || !Number.isFinite(error)) return "bad";
  return error <= data.tolerance ? "good" : "warn";
}
const worst = (errors) => {
  const told = Object.values(errors).map((error) => error ?? Infinity);
  return told.length ? Math.max(...told) : undefined;
};
const errorsOf = (value) => Object.fromEntries(
  modes.filter((mode) => value in data.errors[mode]).map((mode) => [mode, data.errors[mode][value]]));
