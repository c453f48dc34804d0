// Every region at a glance: a map of tiles where the regions are US states, and a list whose headings sort it. An element
// is made once a region and changed only where its figures have, so that nothing flickers and the keyboard keeps its place.
const SORTABLE = ["name", "latest", "change", "record"];
const SVG = "http://www.w3.org/2000/svg";

function part(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// The past as a line, the forecast's 80 % band as a surface with its median in it. Heights come as 0 to 100.
function sparkline(spark) {
  const chart = shape("svg", { viewBox: "0 0 200 40", preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" });
  if (!spark) return chart;
  const now = 200 * spark.share;
  const points = (heights, from, to) => heights.map((height, i) => {
    const x = heights.length > 1 ? from + ((to - from) * i) / (heights.length - 1) : to;
    return `${x.toFixed(1)},${(38.5 - 0.36 * height).toFixed(1)}`;
  });
  chart.append(shape("line", { class: "floor", x1: 0, x2: 200, y1: 39.4, y2: 39.4 }));
  if (spark.middle.length) {
    const band = [...points(spark.high, now, 200), ...points(spark.low, now, 200).reverse()];
    chart.append(shape("polygon", { class: "fan", points: band.join(" ") }));
    chart.append(shape("polyline", { class: "median", points: points(spark.middle, now, 200).join(" ") }));
  }
  chart.append(shape("polyline", { class: "past", points: points(spark.past, 0, now).join(" ") }));
  return chart;
}

// A link that opens in a new tab as any other, and in this one without loading the page anew.
function link(root, row, content) {
  const element = part("a", "open", content);
  element.href = row.address;
  element.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(root, row.region);
  });
  return element;
}

// A click that reaches the server in the wrong moment of a run is dropped there, so it is sent until something has come of it.
const AGAIN = 2500, TRIES = 4;

function ask(root, what, value, done) {
  clearInterval(root.asking);
  let left = TRIES;
  const send = () => {
    if (left && root.isConnected && !done()) root.act(what, value); else clearInterval(root.asking);
    left -= 1;
  };
  root.asking = setInterval(send, AGAIN);
  send();
}

function open(root, region) {
  ask(root, "open", region, () => false);
}

// The tapped region is the one that every page shows from now on; its ring moves at once and the server is told.
function choose(root, region) {
  root.tapped = region;
  markChosen(root, root.data);
  ask(root, "choose", region, () => root.data.chosen === region);
}

function markChosen(root, data) {
  const chosen = root.tapped ?? data.chosen;
  for (const tile of root.querySelectorAll(".tile")) {
    tile.classList.toggle("chosen", tile.dataset.region === chosen);
    if (tile.dataset.region === chosen) tile.setAttribute("aria-current", "true"); else tile.removeAttribute("aria-current");
  }
  for (const [region, line] of root.lines ?? []) line.classList.toggle("chosen", region === chosen);
}

function cell(name, ...content) {
  const element = part("div", name);
  element.setAttribute("role", "cell");
  element.append(...content);
  return element;
}

function arrow(row) {
  const element = part("span", `arrow ${row.direction}`, row.arrow);
  element.setAttribute("aria-hidden", "true");
  const names = { rising: "rising, ", falling: "falling, ", unsure: "unclear, " };
  return [element, part("span", "unseen", names[row.direction] ?? "")];
}

function change(row) {
  const whole = part("span", "small", row.range), percent = part("span", "small percent", row.change);
  percent.title = row.band;
  return [...arrow(row), part("span", `figure${row.few ? " few" : ""}`, row.expected), whole, percent];
}

function latest(row) {
  return [part("span", "figure", row.latest || "…"), part("span", row.late ? "small late" : "small", row.moved)];
}

function record(row) {
  return [part("span", "figure", row.record || "–"), part("span", "small", row.held)];
}

function fill(root, element, row) {
  element.dataset.region = row.region;
  element.dataset.state = row.state;
  const name = cell("name", link(root, row, row.region));
  name.setAttribute("role", "rowheader");
  element.replaceChildren(
    name, cell("chart", sparkline(row.spark)), cell("latest", ...latest(row)), cell("change", ...change(row)),
    cell("record", ...record(row)),
  );
}

function drawHead(root, data) {
  const head = root.querySelector(".head"), said = JSON.stringify([data.heads, data.sort]);
  if (head.said === said) return;
  head.said = said;
  const focused = head.getRootNode().activeElement?.dataset?.sort;
  const [, backwards, by] = data.sort.match(/^(-?)(.*)$/);
  head.replaceChildren(...Object.entries(data.heads).map(([name, label]) => {
    const element = part("div", name === "spark" ? "chart" : name);
    element.setAttribute("role", "columnheader");
    if (!SORTABLE.includes(name)) {
      element.append(part("span", "quiet", label));
      return element;
    }
    const down = (name === "name" || name === "record") === Boolean(backwards);
    if (by === name) element.setAttribute("aria-sort", down ? "descending" : "ascending");
    const button = part("button", by === name ? "sort now" : "sort", label);
    button.type = "button";
    button.dataset.sort = name;
    button.title = by === name ? "Turn the order round" : "Sort by this";
    const mark = part("span", "mark", by === name ? (down ? "▾" : "▴") : "");
    mark.setAttribute("aria-hidden", "true");
    button.append(mark);
    button.onclick = () => {
      const next = (root.wanted ?? root.data.sort) === name ? `-${name}` : name; // a second click may be quicker than news
      root.wanted = next;
      ask(root, "sort", next, () => root.data.sort === next);
    };
    element.append(button);
    return element;
  }));
  if (focused) head.querySelector(`[data-sort="${focused}"]`)?.focus();
}

// While somebody points at the list and figures still come in, rows stay where they are: else a click would hit another.
function held(root, data) {
  const list = root.querySelector(".body");
  const pointed = window.matchMedia("(hover: hover)").matches && list.matches(":hover");
  const same = list.sort === data.sort && list.order?.length === data.order.length;
  return data.busy && pointed && same && list.order.every((region) => data.order.includes(region));
}

function drawList(root, data) {
  const list = root.querySelector(".body");
  root.lines ??= new Map();
  const order = held(root, data) ? list.order : data.order;
  const wanted = new Set(order);
  for (const [region, line] of root.lines) {
    if (!wanted.has(region)) { line.remove(); root.lines.delete(region); }
  }
  const focused = list.contains(list.getRootNode().activeElement) ? list.getRootNode().activeElement : null;
  const region = focused?.closest(".line")?.dataset.region;
  order.forEach((name, place) => {
    const row = root.rows.get(name);
    let line = root.lines.get(name);
    if (!line) {
      line = part("div", "line");
      line.setAttribute("role", "row");
      root.lines.set(name, line);
    }
    const said = JSON.stringify(row);
    if (line.said !== said) { fill(root, line, row); line.said = said; }
    if (list.children[place] !== line) list.insertBefore(line, list.children[place] ?? null);
  });
  if (region && !list.contains(list.getRootNode().activeElement)) root.lines.get(region)?.querySelector("a").focus();
  [list.order, list.sort] = [order, data.sort];
  root.querySelector(".list").hidden = !order.length;
}

function drawMap(root, data) {
  const map = root.querySelector(".map"), tiles = root.querySelector(".tiles");
  map.hidden = !data.tiles.length;
  if (map.hidden) return;
  const where = JSON.stringify(data.tiles);
  if (tiles.where !== where) {
    tiles.where = where;
    tiles.setAttribute("role", "group");
    tiles.setAttribute("aria-label", "Map of the states, coloured by expected change; arrow keys go from one to the next");
    tiles.replaceChildren(...data.tiles.map((tile) => makeTile(root, tile)));
  }
  const shown = new Set(data.order);
  const chosen = root.tapped ?? data.chosen;
  const here = root.pointed ?? (root.rows.has(chosen) ? chosen : data.tiles[0].region);
  for (const tile of tiles.children) {
    const row = root.rows.get(tile.dataset.region);
    tile.className = `tile ${row.level === null ? "empty" : `level${row.level}`}`;
    tile.classList.toggle("dimmed", !shown.has(row.region));
    tile.href = row.address;
    tile.setAttribute("aria-label", row.spoken);
    tile.querySelector(".sure").textContent = row.direction === "unsure" ? "" : row.arrow;
    tile.tabIndex = tile.dataset.region === (root.reached ?? data.tiles[0].region) ? 0 : -1;
  }
  drawLegend(root, data);
  showCard(root, here);
}

function makeTile(root, place) {
  const tile = part("a", "tile");
  tile.dataset.region = place.region;
  tile.style.gridColumn = place.column + 1;
  tile.style.gridRow = place.row + 1;
  const sure = part("span", "sure");
  tile.append(part("span", "code", place.code), sure);
  tile.firstChild.setAttribute("aria-hidden", "true");
  sure.setAttribute("aria-hidden", "true");
  const point = () => { root.pointed = place.region; showCard(root, place.region); };
  tile.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") point(); });
  tile.addEventListener("focus", () => { root.reached = place.region; rove(root); point(); });
  tile.addEventListener("keydown", (event) => walk(root, place, event));
  tile.addEventListener("pointerdown", (event) => { tile.by = event.pointerType; });
  tile.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const touched = tile.by === "touch";
    tile.by = undefined;
    point();
    if (touched) choose(root, place.region); // a finger sees the figures first; their card has the link
    else open(root, place.region);
  });
  return tile;
}

function rove(root) {
  for (const tile of root.querySelectorAll(".tile")) tile.tabIndex = tile.dataset.region === root.reached ? 0 : -1;
}

// The nearest tile in the direction of an arrow key.
function walk(root, from, event) {
  const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  if (!right && !down) return;
  event.preventDefault();
  const far = (tile) => {
    const [across, along] = [tile.column - from.column, tile.row - from.row];
    const ahead = across * right + along * down, aside = Math.abs(across * down) + Math.abs(along * right);
    return ahead > 0 ? ahead + 2 * aside : Infinity;
  };
  const next = root.data.tiles.reduce((best, tile) => (far(tile) < far(best) ? tile : best), from);
  root.querySelector(`.tile[data-region="${CSS.escape(next.region)}"]`)?.focus();
}

function showCard(root, region) {
  const card = root.querySelector(".card"), row = root.rows.get(region);
  const said = JSON.stringify([row, root.data.heads]);
  if (!row || card.said === said) return;
  card.said = said;
  const heads = root.data.heads;
  const title = part("div", "title");
  title.append(link(root, row, row.region), part("span", "go", "Explore →"));
  title.lastChild.setAttribute("aria-hidden", "true");
  const figures = part("dl", "figures");
  for (const [label, content] of [
    [heads.latest, latest(row)], [heads.change, change(row)], [heads.record, record(row)],
  ]) {
    const definition = part("dd", "");
    definition.append(...content);
    figures.append(part("dt", "", label), definition);
  }
  card.replaceChildren(title, sparkline(row.spark), figures);
}

function drawLegend(root, data) {
  const legend = root.querySelector(".legend");
  if (legend.said === data.classes.name) return;
  legend.said = data.classes.name;
  const scale = part("div", "scale");
  for (let level = -3; level <= 3; level += 1) {
    const swatch = part("span", `swatch level${level}`);
    if (level < 3) swatch.append(part("span", "border", data.classes.ends[level + 3]));
    scale.append(swatch);
  }
  legend.replaceChildren(
    part("div", "quiet", data.classes.name), scale,
    part("div", "quiet", "↑ or ↓ on a tile: the whole 80 % range is above or below the present."),
  );
}

// Streamlit does not run the page again when the reader turns the lights on or off; the colours are all in the style sheet.
function followLight(root) {
  const look = () => {
    if (!root.isConnected) clearInterval(root.watch);
    const shade = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
    const channels = shade.match(/^#(..)(..)(..)/)?.slice(1).map((hex) => parseInt(hex, 16))
      ?? (shade.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
    const dark = 0.3 * channels[0] + 0.6 * channels[1] + 0.1 * channels[2] < 128;
    root.classList.toggle("dark", dark);
    root.style.setProperty("--model", root.data.colours[Number(dark)]);
  };
  look();
  clearInterval(root.watch);
  root.watch = setInterval(look, 1000);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".regions");
  if (data.visit === root.data?.visit && data.number < root.data.number) return; // see ui/components/sequence.py
  if (root.data && data.chosen !== root.data.chosen) root.pointed = root.tapped; // the sidebar's choice is shown, too
  [root.data, root.act] = [data, setTriggerValue];
  if (root.tapped === data.chosen) root.tapped = undefined;
  if (root.wanted === data.sort) root.wanted = undefined;
  root.rows = new Map(data.rows.map((row) => [row.region, row]));
  followLight(root);
  drawMap(root, data);
  drawHead(root, data);
  drawList(root, data);
  markChosen(root, data);
  root.dataset.busy = data.busy;
}
