// What a chart says of one date: a box beside the pointer, never over what is forecast, and on a narrow screen above the chart.
// Plotly's own box takes the nearest point of every line, so that it tells of a past figure on a date to come.
const BESIDE = 14;
const WEEKDAY_NAMES = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

// Plotly is told names in HTML, with these signs escaped.
function plain(text) {
  return String(text).replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function figureText(trace, place) {
  const { hovertemplate: template, customdata, y } = trace;
  const text = Array.isArray(template) ? template[place] : template;
  if (!text || y[place] === null || (trace.meta?.joined && !place)) return "";
  const digits = (_, count) => y[place].toLocaleString("en-US", { minimumFractionDigits: +count, maximumFractionDigits: +count }).replace(/^-/, "−");
  return plain(text.replace(/%\{y:,?\.(\d+)f\}/g, digits).replace("<extra></extra>", "").replace(/%\{customdata\}/g, () => customdata?.[place] ?? ""));
}

function readoutRows(element, date) {
  const rows = [];
  for (const [i, trace] of element.fanData.figure.data.entries()) {
    if (element.data[i]?.visible === "legendonly" || trace.hoverinfo === "skip") continue;
    const place = trace.x.indexOf(date), text = place < 0 ? "" : figureText(trace, place);
    if (text) rows.push({ name: plain(trace.name), text, colour: colourOf(trace) });
  }
  return rows;
}

function showReadout(element, points) {
  const box = element.parentElement.querySelector(".chart-readout"), axis = points[0]?.xaxis;
  const pointer = Math.min(...points.map((point) => point.distance ?? 0));
  const nearest = points.find((point) => (point.distance ?? 0) === pointer) ?? points[0];
  const date = nearest?.data.x[nearest.pointNumber], rows = date ? readoutRows(element, date) : [];
  if (!rows.length) return hideReadout(element);
  const heading = document.createElement("b"), at = new Date(dateOf(date));
  heading.textContent = `${WEEKDAY_NAMES[at.getUTCDay()]} ${dayName(at)} ${at.getUTCFullYear()} ${date.slice(11, 16)}`;
  box.replaceChildren(heading, ...rows.map((row) => {
    const line = document.createElement("div"), name = document.createElement("span"), text = document.createElement("span");
    line.style.setProperty("--line", row.colour);
    [name.textContent, text.textContent] = [row.name, row.text];
    line.append(name, text);
    return line;
  }));
  box.hidden = false;
  placeReadout(element, box, axis, date);
}

function placeReadout(element, box, axis, date) {
  const width = element.clientWidth, line = element.parentElement.querySelector(".chart-pointer");
  box.classList.remove("docked");
  box.style.left = "0"; // where it is as wide as its text
  const docked = isNarrow(width) && 2 * (box.offsetWidth + BESIDE) > width;
  const { t, b } = element.layout.margin;
  line.hidden = false;
  line.style.left = `${axis._offset + axis.d2p(date)}px`;
  line.style.top = `${element.offsetTop + t}px`;
  line.style.height = `${element.clientHeight - t - b}px`;
  if (docked) {
    box.classList.add("docked");
    box.style.top = `${element.offsetTop + t - box.offsetHeight}px`;
    return;
  }
  const at = axis._offset + axis.d2p(date), origin = element.layout.meta?.origin;
  const future = origin && dateOf(date) > dateOf(origin);
  const right = future ? Math.min(at, axis._offset + axis.d2p(origin)) : at;
  const left = right - BESIDE - box.offsetWidth;
  box.style.left = `${left > 0 ? left : at + BESIDE}px`;
  box.style.top = `${element.offsetTop + t + 8}px`;
}

function hideReadout(element) {
  for (const part of element.parentElement?.querySelectorAll(".chart-readout, .chart-pointer") ?? []) part.hidden = true;
}

// Once an element: the pointer leaves the chart, or a finger touches something else.
function followPointer(element) {
  element.on("plotly_hover", ({ points }) => showReadout(element, points));
  element.on("plotly_unhover", () => hideReadout(element));
  if (element.fanTouched) return;
  element.fanTouched = (event) => {
    if (!element.isConnected) document.removeEventListener("pointerdown", element.fanTouched, true);
    else if (!element.contains(event.target)) hideReadout(element);
  };
  document.addEventListener("pointerdown", element.fanTouched, true);
}
