// A legend that wraps as text does: Plotly's own takes a line for each entry on a phone. A press hides a line or shows it again.
function legendEntries(element) {
  const entries = new Map(), narrow = isNarrow(element.clientWidth);
  element.data.forEach((trace, i) => {
    const named = trace.showlegend !== false || (narrow && trace.meta?.named);
    const key = trace.legendgroup ?? trace.uid, entry = entries.get(key) ?? { key, places: [] };
    entry.places.push(i);
    if (named) Object.assign(entry, { name: plain(trace.name), trace });
    entries.set(key, entry);
  });
  const found = [...entries.values()].filter(({ trace }) => trace);
  return found.length < 2 || element.fanData.figure.layout.showlegend === false ? [] : found;
}

// A line's markers may be hollow, in the colour of the background.
const colourOf = ({ mode, marker, line }) => (mode?.includes("lines") && line?.color) || (marker?.color ?? line?.color);

function swatch({ type, fill, fillcolor, mode, marker, line }) {
  const mark = document.createElement("i");
  mark.className = fill || type === "bar" ? "band" : mode === "markers" ? `mark ${marker.symbol}` : `line ${line.dash ?? "solid"}`;
  mark.style.setProperty("--line", fill ? fillcolor : colourOf({ mode, marker, line }));
  return mark;
}

function drawLegend(Plotly, element) {
  const legend = element.parentElement.querySelector(".chart-legend"), entries = legendEntries(element);
  const made = JSON.stringify(entries.map(({ key, name, trace }) => [key, name, trace.line, trace.marker, trace.fillcolor]));
  if (element.fanLegend !== made) {
    element.fanLegend = made;
    legend.replaceChildren(...entries.map(({ key, name, trace }) => {
      const button = strippedButton("", () => toggle(Plotly, element, key));
      button.dataset.key = key;
      button.setAttribute("aria-label", `${name} on the chart`);
      button.append(swatch(trace), name);
      return button;
    }));
  }
  for (const { key, trace } of entries)
    legend.querySelector(`[data-key="${CSS.escape(key)}"]`).setAttribute("aria-pressed", trace.visible !== "legendonly");
}

function toggle(Plotly, element, key) {
  const entry = legendEntries(element).find((one) => one.key === key);
  if (!entry) return;
  const visible = entry.trace.visible === "legendonly" ? true : "legendonly";
  Plotly.restyle(element, { visible }, entry.places).then(() => drawLegend(Plotly, element));
}
