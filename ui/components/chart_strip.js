// The strip on a chart's edge: stretches of time, which the browser shows by itself, and choices that the page answers. On a narrow
// screen the choices are behind a button.
const NARROW = 560;
const isNarrow = (width) => width > 0 && width < NARROW;

function strippedButton(text, click) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.onclick = click;
  return button;
}

function buttonGroup(label, buttons) {
  const group = document.createElement("div");
  group.className = "group";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", label);
  group.append(...buttons);
  return group;
}

// The range that a button of the figure's own asks for: so much before the end of the figures, and all that is forecast.
function rangeOf({ count, step }, layout) {
  const { minallowed, range } = layout.xaxis;
  const end = layout.meta?.end ?? range[1], start = new Date(dateOf(layout.meta?.origin ?? range[1]));
  if (step === "all") return [minallowed, end];
  start.setUTCMonth(start.getUTCMonth() - count * (step === "year" ? 12 : 1));
  const iso = isoOf(start);
  return [iso < minallowed ? minallowed : iso, end];
}

const rangesOf = ({ layout }) => layout.xaxis.rangeselector?.buttons ?? [];

function isRange(range, shown) {
  const [[a, b], [c, d]] = [range, shown].map((pair) => pair.map((date) => dateOf(String(date))));
  return Math.max(Math.abs(a - c), Math.abs(b - d)) < 0.04 * (b - a);
}

function drawStrip(element, { controls, figure }, choose) {
  const strip = element.parentElement.querySelector(".chart-strip");
  const ranges = rangesOf(figure);
  const made = JSON.stringify([ranges, controls.map(({ chosen, ...rest }) => rest)]);
  if (element.fanStrip !== made) {
    element.fanStrip = made;
    const range = ranges.map((one) => strippedButton(one.label, () => element.fanShow(rangeOf(one, element.fanData.figure.layout))));
    const groups = controls.map((group) => buttonGroup(group.label, group.options.map(([value, label]) => {
      const button = strippedButton(label, () => {
        button.classList.add("asked"); // until the page has answered
        choose({ name: group.name, value });
      });
      button.dataset.choice = `${group.name} ${value}`;
      return button;
    })));
    const more = strippedButton("Options", () => {
      more.setAttribute("aria-expanded", strip.classList.toggle("open"));
    });
    more.className = "more";
    more.setAttribute("aria-expanded", strip.classList.contains("open"));
    const rest = document.createElement("div");
    rest.className = "rest";
    rest.append(...groups);
    strip.replaceChildren(...(range.length ? [buttonGroup("Range", range)] : []), ...(groups.length ? [more, rest] : []));
  }
  for (const { name, options, chosen } of controls)
    for (const [value] of options) {
      const button = strip.querySelector(`[data-choice="${name} ${value}"]`);
      button.setAttribute("aria-pressed", chosen.includes(value));
      button.classList.remove("asked");
    }
  strip.classList.toggle("narrow", isNarrow(element.clientWidth));
}

// Which stretch of time is on show.
function markRange(element) {
  const layout = element.fanData.figure.layout, buttons = element.parentElement.querySelectorAll(".chart-strip > .group > button");
  const shown = element.layout.xaxis.range;
  let found = false;
  rangesOf(element.fanData.figure).forEach((one, i) => {
    const here = !found && isRange(rangeOf(one, layout), shown);
    found ||= here;
    buttons[i]?.setAttribute("aria-pressed", here);
  });
}

// All that stands around the plot: the strip, the unit above the y axis, and what one has to know of how it is drawn.
function drawEdge(element, choose) {
  const { strip, figure } = element.fanData, frame = element.parentElement;
  frame.classList.toggle("with-strip", Boolean(strip));
  const [unit, notes] = [".chart-unit", ".chart-notes"].map((name) => frame.querySelector(name));
  unit.textContent = strip ? plain(figure.layout.yaxis.title?.text ?? "") : "";
  notes.textContent = strip ? strip.notes.join(" ") : "";
  if (strip) drawStrip(element, { controls: strip.controls, figure }, choose);
}
