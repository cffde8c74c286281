"use strict";
// The tree, the tabs, the tables and the source; it starts the page.
const ROWS = 400;  // rows of a table that are drawn before somebody asks for more
const tabs = [...document.querySelectorAll("#tabs button")];
let chosen = "";  // path of the chosen module

function show(tab, change = {}) {
  for (const button of tabs) {
    const active = button.id === `tab-${tab}`;
    button.setAttribute("aria-selected", active);
    byId(button.id.slice(4)).hidden = !active;
  }
  if (tab === "graph") { Object.assign(drawing, change); draw(); }
  if (tab === "layers") layers();
}

/** Choose a module: the tree marks it, the graph opens it, layers are its own, source shows its class. */
function select(path) {
  chosen = path;
  for (const item of document.querySelectorAll("#tree .item")) item.classList.toggle("chosen", item.dataset.path === path);
  Object.assign(drawing, {path, block: -1});
  const tab = tabs.find((button) => button.getAttribute("aria-selected") === "true").id.slice(4);
  if (tab === "source") openModule(path);
  else show(tab === "layers" ? "layers" : "graph");
}

function itemOf(module, label, whole) {
  const kind = module.className.split(".").at(-1);
  const item = make("div", {class: "item", role: "treeitem", tabindex: 0, "data-path": module.path, "aria-expanded": module.parts.length && !whole ? "false" : null,
    title: `${module.className || "module"}\n${module.nodes.before} → ${module.nodes.after} nodes, ${module.elements.toLocaleString("en")} elements of weights`},
    make("span", {class: "turn"}, module.parts.length && !whole ? "▸" : ""), make("span", {}, label),
    make("span", {class: "kind"}, kind === label ? "" : kind), make("span", {class: `dot ${grade(worst(module.errors))}`}));
  item.classList.toggle("chosen", module.path === chosen);
  return item;
}

function branchOf(module) {
  const item = itemOf(module, module.name, false), branch = make("div", {class: "branch", role: "group"});
  branch.hidden = true;
  const turn = (open) => {
    if (!module.parts.length) return;
    if (!branch.childElementCount) branch.append(...module.parts.map(branchOf));
    branch.hidden = !open;
    item.setAttribute("aria-expanded", open);
    item.firstChild.textContent = open ? "▾" : "▸";
  };
  item.firstChild.addEventListener("click", (event) => { event.stopPropagation(); turn(branch.hidden); });
  item.addEventListener("click", () => { turn(true); select(module.path); });
  item.addEventListener("keydown", (event) => {
    if (event.key === "Enter") select(module.path);
    else if (event.key === "ArrowRight") turn(true);
    else if (event.key === "ArrowLeft") turn(false);
  });
  const whole = make("div", {}, item, branch);
  if (!module.path) turn(true);
  return whole;
}

function tree() { byId("tree").replaceChildren(branchOf(moduleAt(""))); }

function search(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) { tree(); return; }
  const found = [...modules.values()].filter((module) => `${module.path} ${module.className}`.toLowerCase().includes(wanted));
  const nodes = graphs.after.nodes.filter((node) => `${node.operator} ${node.name} ${node.outputs.join(" ")}`.toLowerCase().includes(wanted));
  const rows = found.slice(0, ROWS).map((module) => {
    const item = itemOf(module, module.path || module.name, true);
    item.addEventListener("click", () => select(module.path));
    return item;
  });
  for (const node of nodes.slice(0, ROWS)) rows.push(make("div", {class: "item", tabindex: 0, onclick: () => openNode(node)},
    make("span", {class: "turn"}, "·"), make("span", {}, node.operator), make("span", {class: "kind"}, node.outputs[0] ?? "")));
  byId("tree").replaceChildren(...(rows.length ? rows : [make("p", {class: "hint"}, "nothing of that name")]));
}

function openNode(node) {
  const own = graphs.after.nodes.filter((other) => other.path === node.path);
  const block = own.length > 1.5 * BLOCK ? Math.floor(own.indexOf(node) / BLOCK) : -1;
  for (const each of ["before", "after"]) byId(each).setAttribute("aria-pressed", each === "after");
  show("graph", {name: "after", path: node.path, block});
  tell({id: "n" + node.index, node}, "after");
}

/** Fill a table with its first rows, and a button with the rest. */
function fill(id, items, row) {
  let shown = 0;
  const body = byId(`${id}-rows`), more = byId(`${id}-more`);
  body.replaceChildren();
  const grow = () => {
    body.append(...items.slice(shown, shown + ROWS).map(row));
    shown = Math.min(shown + ROWS, items.length);
    more.hidden = shown >= items.length;
    more.textContent = `${(items.length - shown).toLocaleString("en")} more`;
  };
  more.onclick = grow;
  grow();
}

function layers() {
  const nodes = graphs.after.nodes.filter((node) => inside(node.path, chosen));
  byId("layers-hint").textContent = `${count(nodes.length, "node")} of ${chosen || data.root}, in the order of computation` +
    (modes.length ? "; max|a−b| / max|b| of each value against the reference." : "; nobody asked for their errors.");
  fill("layers", nodes.flatMap((node) => node.outputs.map((value) => [node, value])), ([node, value]) => {
    const place = places.get(value), errors = errorsOf(value);
    return make("tr", {class: "link", onclick: () => place?.line ? openLine(place.line) : openNode(node)},
      make("td", {}, make("code", {}, value)), make("td", {}, node.operator), make("td", {}, node.path),
      make("td", {}, place?.line ? `${place.line}${place.local ? `: ${place.local}` : ""}` : ""),
      ...["pynative", "graph"].map((mode) => make("td", {class: `number ${grade(errors[mode])}`}, figure(errors[mode]))));
  });
}

function weights(text = "") {
  const wanted = text.trim().toLowerCase();
  const found = data.weights.filter((weight) => `${weight.name} ${weight.state_dict} ${weight.initializer}`.toLowerCase().includes(wanted));
  byId("weights-hint").textContent = `${found.length} of ${data.weights.length}`;
  fill("weights", found, (weight) => make("tr", {},
    make("td", {}, make("code", {}, weight.name)), make("td", {}, weight.state_dict ? make("code", {}, weight.state_dict) : make("span", {class: "hint"}, weight.reason ?? "")),
    make("td", {}, make("code", {}, weight.initializer ?? "")), make("td", {class: "mono"}, weight.shape.join(" × ") || "scalar"), make("td", {}, weight.dtype), make("td", {}, weight.done.join("; "))));
}

function openLine(line) {
  show("source");
  for (const other of document.querySelectorAll("#code .chosen")) other.classList.remove("chosen");
  const item = byId(`L${line}`);
  item.classList.add("chosen");
  item.scrollIntoView({block: "center"});
  const nodes = graphs.after.nodes.filter((node) => node.outputs.some((value) => {
    const place = places.get(value);
    return place && place.line <= line && line <= place.end;
  }));
  const cards = nodes.slice(0, 60).map((node) => make("div", {class: "node"}, ...describe(node, "after")));
  byId("beside").replaceChildren(make("h3", {}, `line ${line}`), ...(cards.length ? cards : [make("p", {class: "hint"}, "no ONNX node is computed here")]));
}

function openModule(path) {
  const here = [...places.values()].find((place) => place.path === path && place.line) ?? [...places.values()].find((place) => inside(place.path, path) && place.line);
  if (here) openLine(here.line);
}

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

for (const button of tabs) button.addEventListener("click", () => show(button.id.slice(4)));
byId("tabs").addEventListener("keydown", (event) => {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
});
byId("search").addEventListener("input", (event) => search(event.target.value));
byId("weights-search").addEventListener("input", (event) => weights(event.target.value));
byId("code").addEventListener("click", (event) => { const item = event.target.closest("li"); if (item) openLine(item.value); });
byId("theme").addEventListener("click", theme);
watchDrawing();
tree();
weights();
