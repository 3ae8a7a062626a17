"use strict";
// Draws the graph in the element `data`: boxes in layers from left to right, a domain as one box until it is opened.
// Only what is in sight is in the document, so that thousands of boxes scroll.

const graph = JSON.parse(document.getElementById("data").textContent);
const nodes = graph.nodes, edges = graph.edges;
const byId = (id) => document.getElementById(id);
const WIDTH = 216, HEIGHT = 40, ACROSS = 64, DOWN = 12, MARGIN = 20, LONGEST = 26;
const SHOWN = 300; // how many entries of a list are made at a time
const TALL = 25; // how many boxes of a layer fit on a large screen
const CROWD = 300; // with more lines, each is faint
const OPENED = 40; // a graph with fewer nodes begins with all domains open
const NAMES = {
  table: "Table", asset: "Asset key", function: "Function", place: "Where", unique_key: "Key", cron: "Cron",
  partitions: "Partitions", owners: "Owners", group: "Group", materialized: "Materialized", description: "Description",
  checks: "Checks", projects: "Projects", unread_dependencies: "Computed dependencies", because: "Affected because",
};

const upstream = nodes.map(() => []), downstream = nodes.map(() => []);
for (const [from, to] of edges) { downstream[from].push(to); upstream[to].push(from); }
const domains = Object.keys(graph.domains).map((id) => ({ id, label: graph.domains[id], nodes: [] }));
const domainOf = new Map(domains.map((domain, position) => [domain.id, position]));
nodes.forEach((node, position) => { node.home = domainOf.get(node.domain); domains[node.home].nodes.push(position); });
const words = nodes.map((node) =>
  [node.name, node.asset, node.function, node.place, node.kind, node.domain, ...(node.owners || [])].join("\n").toLowerCase());

const state = { open: new Set(), chosen: null, lineage: null, scale: 1 };
let boxes = [], links = [], near = new Set(), size = [0, 0], drawn = new Map(), current = null, everything = false;

// What is shown.

function isShown(position) {
  const node = nodes[position], project = byId("project").value;
  return (!project || (node.projects || []).includes(project)) && (!byId("affected").checked || node.affected)
    && (!state.lineage || state.lineage.has(position));
}

function reached(start, following) {
  const found = new Set([start]), waiting = [start];
  while (waiting.length) for (const other of following[waiting.pop()]) if (!found.has(other)) { found.add(other); waiting.push(other); }
  return found;
}

// Layout: layers by longest paths, then an order in each layer by the mean position of neighbors.

function layout() {
  const at = new Array(nodes.length).fill(-1), found = new Map();
  boxes = [];
  nodes.forEach((node, position) => {
    if (!isShown(position)) return;
    const own = state.lineage || state.open.has(node.home), key = own ? position : -1 - node.home;
    if (!found.has(key)) {
      found.set(key, boxes.length);
      boxes.push(own ? { key, node: position, hot: !!node.affected } : { key, domain: node.home, count: 0, touched: 0 });
    }
    const box = boxes[at[position] = found.get(key)];
    if (!own) { box.count++; if (node.affected) { box.touched++; box.hot = true; } }
  });
  const seen = new Set();
  links = [];
  for (const [from, to] of edges) {
    const one = at[from], other = at[to], key = one * boxes.length + other;
    if (one < 0 || other < 0 || one === other || seen.has(key)) continue;
    seen.add(key);
    links.push([one, other]);
  }
  const after = boxes.map(() => []), before = boxes.map(() => []);
  for (const [one, other] of links) after[one].push(other);
  const order = withoutCycles(after, before);
  for (const box of order) boxes[box].layer = Math.max(-1, ...before[box].map((one) => boxes[one].layer)) + 1;
  for (const box of order)
    if (!before[box].length && after[box].length) boxes[box].layer = Math.min(...after[box].map((one) => boxes[one].layer)) - 1;
  const linked = new Set(links.flat()), layers = [];
  order.slice().sort((a, b) => a - b).forEach((box) => { if (linked.has(box)) (layers[boxes[box].layer] ||= []).push(box); });
  sortLayers(layers, before, after);
  const tallest = Math.max(0, ...layers.map((layer) => layer.length));
  layers.forEach((layer, column) => layer.forEach((box, row) => {
    boxes[box].x = MARGIN + column * (WIDTH + ACROSS);
    // Beside a layer that nobody sees whole, the middle is out of sight.
    const above = tallest > TALL ? 0 : (tallest - layer.length) / 2;
    boxes[box].y = MARGIN + Math.round((above + row) * (HEIGHT + DOWN));
  }));
  const top = MARGIN + tallest * (HEIGHT + DOWN) + (tallest ? DOWN : 0);
  const alone = boxes.filter((_, box) => !linked.has(box));
  const room = Math.floor((byId("main").clientWidth / state.scale - 2 * MARGIN + 16) / (WIDTH + 16));
  const columns = Math.max(1, Math.min(alone.length, Math.max(room, layers.length)));
  alone.forEach((box, position) => {
    box.x = MARGIN + (position % columns) * (WIDTH + 16);
    box.y = top + Math.floor(position / columns) * (HEIGHT + DOWN);
  });
  size = [
    2 * MARGIN + Math.max(layers.length * (WIDTH + ACROSS) - ACROSS, alone.length ? columns * (WIDTH + 16) - 16 : 0),
    top + Math.ceil(alone.length / columns) * (HEIGHT + DOWN) + MARGIN,
  ];
}

function withoutCycles(after, before) {
  const state = new Uint8Array(after.length), finished = [];
  for (let start = 0; start < after.length; start++) {
    if (state[start]) continue;
    state[start] = 1;
    const waiting = [[start, 0]];
    while (waiting.length) {
      const top = waiting[waiting.length - 1], other = after[top[0]][top[1]++];
      if (other === undefined) { waiting.pop(); state[top[0]] = 2; finished.push(top[0]); }
      else if (state[other] !== 1) {
        before[other].push(top[0]);
        if (!state[other]) { state[other] = 1; waiting.push([other, 0]); }
      }
    }
  }
  return finished.reverse();
}

function sortLayers(layers, before, after) {
  const place = new Map(), number = (layer) => layer.forEach((box, row) => place.set(box, row - (layer.length - 1) / 2));
  layers.forEach(number);
  for (let sweep = 0; sweep < 4; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : layers.slice().reverse()) {
      const mean = new Map(layer.map((box) => {
        const others = down ? before[box] : after[box];
        return [box, others.length ? others.reduce((sum, one) => sum + place.get(one), 0) / others.length : place.get(box)];
      }));
      layer.sort((one, other) => mean.get(one) - mean.get(other) || one - other);
      number(layer);
    }
  }
}

// Drawing.

function svg(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const short = (text) => (text.length > LONGEST ? text.slice(0, LONGEST - 1) + "…" : text);
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

function describeBox(box) {
  if (box.node === undefined) {
    const domain = domains[box.domain], touched = box.touched ? `, ${box.touched} affected` : "";
    return { kind: "domain", name: domain.label, title: `${domain.id}`, note: plural(box.count, "node") + touched };
  }
  const node = nodes[box.node], extra = node.affected ? " · affected" : node.cron ? ` · ${node.cron}` : "";
  return { kind: node.kind, name: node.name, title: node.name, note: `${node.kind} in ${graph.domains[node.domain]}${extra}` };
}

function makeBox(box) {
  const said = describeBox(box), made = svg("g", { class: `box ${said.kind}${box.hot ? " touched" : ""}`, role: "button",
    tabindex: "-1", transform: `translate(${box.x} ${box.y})`, "aria-label": `${said.name}, ${said.note}` });
  if (said.kind === "domain") made.setAttribute("aria-expanded", "false");
  made.append(svg("title", {}, said.title), svg("rect", { class: "face", width: WIDTH, height: HEIGHT, rx: 5 }),
    svg("rect", { class: "bar", y: 5, width: 4, height: HEIGHT - 10 }),
    svg("text", { class: "name", x: 12, y: 17 }, (said.kind === "domain" ? "▸ " : "") + short(said.name)),
    svg("text", { class: "note", x: 12, y: 32 }, short(said.note) ));
  made.box = box;
  return made;
}

function show() {
  const main = byId("main"), scale = state.scale, margin = everything ? Infinity : 400;
  const left = main.scrollLeft / scale - margin, top = main.scrollTop / scale - margin;
  const right = left + main.clientWidth / scale + 2 * margin, bottom = top + main.clientHeight / scale + 2 * margin;
  const inSight = (x, y, toX, toY) => everything || (x < right && toX > left && y < bottom && toY > top);
  boxes.forEach((box) => {
    const visible = inSight(box.x, box.y, box.x + WIDTH, box.y + HEIGHT), element = drawn.get(box.key);
    if (visible && !element) {
      drawn.set(box.key, makeBox(box));
      byId("boxes").append(drawn.get(box.key));
    } else if (!visible && element && element !== document.activeElement) {
      element.remove();
      drawn.delete(box.key);
    }
  });
  for (const [key, element] of drawn) {
    element.classList.toggle("chosen", key === state.chosen);
    element.classList.toggle("near", near.has(key));
    element.setAttribute("tabindex", key === current ? "0" : "-1");
  }
  const lines = [];
  for (const [one, other] of links) {
    const from = boxes[one], to = boxes[other], x = from.x + WIDTH, y = from.y + HEIGHT / 2, toY = to.y + HEIGHT / 2;
    if (!inSight(Math.min(x, to.x), Math.min(y, toY), Math.max(x, to.x), Math.max(y, toY))) continue;
    const bend = Math.max(Math.abs(to.x - x) / 2, ACROSS / 2), own = [from.key, to.key].every((key) => near.has(key));
    lines.push(svg("path", { class: own ? "near" : "", d: `M${x} ${y}C${x + bend} ${y} ${to.x - bend} ${toY} ${to.x} ${toY}` }));
  }
  byId("edges").replaceChildren(...lines);
  byId("drawing").classList.toggle("choosing", state.chosen !== null);
  byId("drawing").classList.toggle("crowded", links.length > CROWD);
}

function draw() {
  layout();
  for (const element of drawn.values()) element.remove();
  drawn.clear();
  near = new Set();
  if (state.chosen !== null) for (const one of [...reached(state.chosen, upstream), ...reached(state.chosen, downstream)])
    near.add(state.lineage || state.open.has(nodes[one].home) ? one : -1 - nodes[one].home);
  if (!boxes.some((box) => box.key === current)) current = boxes.length ? boxes[0].key : null;
  resize();
  const shown = boxes.reduce((sum, box) => sum + (box.count || 1), 0);
  byId("back").hidden = !state.lineage;
  byId("summary").textContent = boxes.length ? summary(shown) : "Nothing to show.";
  drawList();
}

function resize() {
  const [width, height] = size, drawing = byId("drawing");
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.setAttribute("width", width * state.scale);
  drawing.setAttribute("height", height * state.scale);
  show();
}

function summary(shown) {
  const touched = nodes.filter((node) => node.affected).length;
  const parts = [state.lineage ? `The lineage of ${nodes[state.chosen].name}: ${plural(shown, "node")}`
    : `${plural(shown, "node")} in ${plural(domains.length, "domain")}`];
  if (graph.since) parts.push(`${touched.toLocaleString("en")} affected since ${graph.since}`);
  const hot = graph.projects.filter((one) => one.affected);
  if (hot.length) parts.push(`affected: ${hot.map((one) => one.name).join(", ")}`);
  return parts.join(" · ");
}

// The list on the left: domains, or what was searched for.

function button(text, note, hot, pressed) {
  const made = document.createElement("button");
  made.append(text);
  if (note) made.append(element("small", ` ${note}`));
  if (hot) {
    const mark = element("span", " ●", "hot");
    mark.title = "affected";
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", "affected");
    made.append(mark);
  }
  made.addEventListener("click", pressed);
  return made;
}

function item(content, inside) {
  const made = document.createElement("li");
  if (inside) made.className = "in";
  made.append(content);
  return made;
}

let limit = SHOWN;

function drawList() {
  const wanted = byId("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean), items = [];
  const add = (position, inside) => items.push(() => {
    const node = nodes[position];
    return item(button(node.name, inside ? node.kind : `${node.kind} in ${graph.domains[node.domain]}`, node.affected,
      () => choose(position)), inside);
  });
  let count = 0;
  if (wanted.length) {
    const found = [];
    nodes.forEach((node, position) => { if (isShown(position) && wanted.every((word) => words[position].includes(word))) found.push(position); });
    // Names that begin with the first word come first.
    const rank = (position) => { const name = nodes[position].name.toLowerCase(); return name.startsWith(wanted[0]) ? 0 : name.includes(wanted[0]) ? 1 : 2; };
    found.sort((one, other) => rank(one) - rank(other) || one - other).forEach((position) => add(position, false));
    byId("count").textContent = found.length ? `${plural(found.length, "match").replace("matchs", "matches")}` : "No match.";
  } else {
    domains.forEach((domain, position) => {
      const shown = domain.nodes.filter(isShown);
      if (!shown.length) return;
      count++;
      const open = state.open.has(position);
      items.push(() => {
        const made = button(`${open ? "▾" : "▸"} ${domain.label}`, `${shown.length}`, shown.some((one) => nodes[one].affected), () => toggle(position));
        made.setAttribute("aria-expanded", String(open));
        made.title = domain.id;
        return item(made, false);
      });
      if (open) shown.forEach((one) => add(one, true));
    });
    byId("count").textContent = plural(count, "domain");
  }
  const made = items.slice(0, limit).map((make) => make());
  if (items.length > limit) made.push(item(button(`Show ${Math.min(SHOWN, items.length - limit)} more of ${(items.length - limit).toLocaleString("en")}`, "", false, () => {
    limit += SHOWN;
    drawList();
  }), false));
  byId("list").replaceChildren(...made);
}

// What the user does.

function toggle(domain) {
  if (!state.open.delete(domain)) state.open.add(domain);
  state.lineage = null;
  const focused = document.activeElement && document.activeElement.title;
  draw();
  const again = [...byId("list").querySelectorAll("button[aria-expanded]")].find((one) => one.title && one.title === focused);
  if (again) again.focus();
}

function choose(position) {
  state.chosen = position;
  if (state.lineage && !state.lineage.has(position)) state.lineage = null;
  state.open.add(nodes[position].home);
  current = position;
  draw();
  drawDetails();
  reveal(position);
  history.replaceState(null, "", "#" + encodeURIComponent(nodes[position].id));
}

function release() {
  state.chosen = state.lineage = null;
  byId("details").hidden = true;
  history.replaceState(null, "", "#");
  draw();
}

function reveal(key) {
  const box = boxes.find((one) => one.key === key), main = byId("main");
  if (!box) return;
  main.scrollTo((box.x + WIDTH / 2) * state.scale - main.clientWidth / 2, (box.y + HEIGHT / 2) * state.scale - main.clientHeight / 2);
  show();
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text || "";
  if (className) made.className = className;
  return made;
}

function drawDetails() {
  const node = nodes[state.chosen], facts = element("dl"), row = element("div", "", "row");
  for (const [key, name] of Object.entries(NAMES)) {
    const value = node[key];
    if (!value || value.length === 0) continue;
    facts.append(element("dt", name), element("dd", Array.isArray(value) ? value.join("\n") : value, key === "because" ? "hot" : ""));
  }
  const all = new Set([...reached(state.chosen, upstream), ...reached(state.chosen, downstream)]);
  row.append(button(`Show only its lineage (${all.size.toLocaleString("en")})`, "", false, () => showLineage(all)),
    button(`Fold ${graph.domains[node.domain]}`, "", false, () => { state.open.delete(node.home); release(); }),
    button("Close", "", false, release));
  const made = [element("h2", node.name),
    element("p", `${node.kind} in ${node.domain}${node.in_factory ? ", declared by a function on every call" : ""}`), facts, row];
  for (const [name, direct] of [["Upstream", upstream], ["Downstream", downstream]]) {
    const near = direct[state.chosen], far = reached(state.chosen, direct).size - 1, listed = element("ul");
    near.slice(0, SHOWN).forEach((one) => listed.append(
      item(button(nodes[one].name, nodes[one].kind, nodes[one].affected, () => choose(one)), false)));
    made.push(element("h3", far > near.length ? `${name}: ${near.length} directly, ${far} in all` : `${name}: ${near.length}`), listed);
  }
  byId("details").replaceChildren(...made);
  byId("details").hidden = false;
}

function showLineage(found) {
  state.lineage = found;
  draw();
  reveal(state.chosen);
}

function zoom(scale) {
  state.scale = Math.min(2, Math.max(0.1, scale));
  resize();
}

function fit(least) {
  const main = byId("main");
  zoom(Math.max(least, Math.min(1, main.clientWidth / size[0], main.clientHeight / size[1])));
}

function activate(box) {
  if (box.node !== undefined) { choose(box.node); focusBox(box.node); return; }
  const first = domains[box.domain].nodes.find(isShown);
  toggle(box.domain);
  reveal(first);
  focusBox(first);
}

function focusBox(key) {
  current = key;
  show();
  if (drawn.has(key)) drawn.get(key).focus();
}

function move(x, y) {
  const from = boxes.find((box) => box.key === current);
  let best = null, least = Infinity;
  for (const box of boxes) {
    const right = box.x - from.x, down = box.y - from.y, along = right * x + down * y;
    const distance = along + 3 * Math.abs(right * y) + 0.7 * Math.abs(down * x);
    if (along > 0 && distance < least) { best = box; least = distance; }
  }
  if (!best) return;
  current = best.key;
  const main = byId("main"), scale = state.scale;
  if (best.x * scale < main.scrollLeft || (best.x + WIDTH) * scale > main.scrollLeft + main.clientWidth
    || best.y * scale < main.scrollTop || (best.y + HEIGHT) * scale > main.scrollTop + main.clientHeight) reveal(best.key);
  focusBox(best.key);
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
byId("boxes").addEventListener("click", (event) => { const one = event.target.closest(".box"); if (one) activate(one.box); });
byId("boxes").addEventListener("keydown", (event) => {
  const one = event.target.closest(".box");
  if (!one) return;
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); activate(one.box); }
  else if (MOVES[event.key]) { event.preventDefault(); move(...MOVES[event.key]); }
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select");
  if (event.key === "/" && !typing) { event.preventDefault(); byId("search").focus(); }
  else if (event.key === "Escape" && (!typing || !byId("search").value)) release();
});
byId("main").addEventListener("scroll", () => requestAnimationFrame(show), { passive: true });
window.addEventListener("resize", () => requestAnimationFrame(draw));
window.addEventListener("beforeprint", () => { everything = true; show(); });
window.addEventListener("afterprint", () => { everything = false; show(); });
byId("search").addEventListener("input", () => { limit = SHOWN; drawList(); });
byId("project").addEventListener("change", draw);
byId("affected").addEventListener("change", draw);
byId("back").addEventListener("click", () => { state.lineage = null; draw(); if (state.chosen !== null) reveal(state.chosen); });
byId("fold").addEventListener("click", () => { state.open.clear(); release(); });
byId("smaller").addEventListener("click", () => zoom(state.scale / 1.25));
byId("larger").addEventListener("click", () => zoom(state.scale * 1.25));
byId("fit").addEventListener("click", () => fit(0.1));

byId("title").textContent = graph.title;
if (graph.projects.length > 1) {
  byId("project").hidden = byId("project-label").hidden = false;
  byId("project").append(new Option("All projects", ""), ...graph.projects.map((one) => new Option(one.affected ? `${one.id} (affected)` : one.id, one.id)));
}
byId("affected-label").hidden = !graph.since;
if (nodes.length <= OPENED) domains.forEach((_, position) => state.open.add(position));
draw();
if (nodes.length <= OPENED) fit(0.6);
let asked = "";
try { asked = decodeURIComponent(location.hash.slice(1)); } catch { /* A damaged link names nothing. */ }
const linkedTo = nodes.findIndex((node) => node.id === asked);
if (linkedTo >= 0) choose(linkedTo);
