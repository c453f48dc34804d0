// Plotly.react on one element: drafts stream in, and zoom, hover and legend choices stay. st.plotly_chart builds the chart
// anew at every update and loses them.
let loading;

function plotly(source) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { loading = undefined; reject(new Error("plotly.min.js did not load")); };
    document.head.appendChild(script);
  });
  return loading;
}

// The y axis follows what is in view, so that dragging through time never leaves the curve squeezed at the bottom.
// Wide bands count only up to three times the lines: else the tail of a 95 % band flattens everything else.
function top(figure, range) {
  const { lines, bands } = extremes(figure, range, 0);
  return 1.06 * (Math.max(lines[1], Math.min(bands[1], 3 * lines[1])) || 1);
}

// The lowest and highest of lines and of bands in view, and `least` where there is nothing higher.
function extremes(figure, range, least) {
  const [from, to] = range.map((date) => +new Date(date));
  const found = { lines: [Infinity, least], bands: [Infinity, least] };
  const measured = isLog(figure) ? Math.log10 : Number;
  for (const trace of figure.data) {
    if (trace.visible === "legendonly") continue;
    const kind = trace.fill ? "bands" : "lines";
    trace.x.forEach((date, i) => {
      const at = +new Date(date);
      if (!(at >= from && at <= to) || trace.y[i] === null) return;
      const y = measured(trace.y[i]);
      found[kind] = [Math.min(found[kind][0], y), Math.max(found[kind][1], y)];
    });
  }
  return found;
}

const isLog = (figure) => figure.layout.yaxis.type === "log";

// Of figures that need not begin at zero: what is in view, bands as far as twice the height of the lines to either side. On a
// logarithmic axis, where a band may go down for ever, half of it; zeros lie on its lower edge.
function around(figure, range) {
  const { lines, bands } = extremes(figure, range, -Infinity);
  if (!Number.isFinite(lines[0])) return [0, 1];
  const reach = (isLog(figure) ? 0.5 : 2) * (lines[1] - lines[0]) || Math.abs(lines[1]) || 1;
  const low = Math.min(lines[0], Math.max(bands[0], lines[0] - reach));
  const high = Math.max(lines[1], Math.min(bands[1], lines[1] + reach));
  const margin = 0.05 * (high - low || reach), edge = isLog(figure) ? Math.log10(figure.layout.meta.edge) : -Infinity;
  return [Math.max(low - margin, edge), high + margin];
}

function axis(element, figure, range, given) {
  if (given && isLog(figure)) return [Math.log10(figure.layout.meta.edge), Math.log10(given)];
  if (figure.layout.yaxis.rangemode === "normal") return around(figure, range);
  return [0, given ?? settle(element, figure, range)];
}

// While drafts stream in, the top stays where it is unless the new one would be cut off or lost at the bottom.
function settle(element, figure, range) {
  const wanted = top(figure, range), now = element.fanTop;
  if (now && element.fanView === figure.layout.uirevision && wanted <= now && wanted > 0.72 * now) return now;
  element.fanView = figure.layout.uirevision;
  element.fanTop = wanted;
  return wanted;
}

// A picture that can be published stands by itself: it has a title, what the figures say, and where they come from.
const WIDE = [1200, 675], SQUARE = [1080, 1080];
// Pixels from the plot to the legend.
const LEGEND_BELOW = 46;

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function wrapped(text, width, size) {
  const most = Math.floor(width / (0.52 * size)), lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= most) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}

function note(lines, size, bold, place) {
  const text = lines.map(escaped).map((line) => (bold ? `<b>${line}</b>` : line)).join("<br>");
  return { text, xref: "paper", yref: "paper", x: 0, xanchor: "left", align: "left", showarrow: false, font: { size }, ...place };
}

function download(Plotly, element, format, [width, height]) {
  const { name: filename, background, caption } = element.fanData, figure = fitted(element.fanData, width, true);
  const layout = { ...figure.layout, paper_bgcolor: background, plot_bgcolor: background };
  const [across, upwards] = [element.layout.xaxis.range, element.layout.yaxis.range];
  layout.xaxis = { ...layout.xaxis, range: across };
  layout.yaxis = { ...layout.yaxis, range: upwards };
  const shown = [across, upwards, width, height - 250]; // less what stands above and below
  setTicks(layout, ticksOf(figure, ...shown));
  placeNotes(figure, ...shown);
  if (caption) {
    const inside = width - 80, title = wrapped(caption.title, inside, 27), said = wrapped(caption.said, inside, 17);
    const source = wrapped(caption.source, inside, 13), below = 26 + 22 * said.length;
    layout.margin = { ...layout.margin, l: 40, t: below + 34 * title.length + 26, b: 92 + 17 * source.length };
    layout.annotations = [
      ...(layout.annotations ?? []),
      note(title, 27, true, { y: 1, yanchor: "bottom", yshift: below }),
      note(said, 17, false, { y: 1, yanchor: "bottom", yshift: 18 }),
      note(source, 13, false, { y: 0, yanchor: "top", yshift: -78 }),
    ];
    const under = -LEGEND_BELOW / (height - layout.margin.t - layout.margin.b);
    layout.legend = { ...layout.legend, yref: "paper", y: under, yanchor: "top" };
  }
  figure.data.forEach((trace, i) => { trace.visible = element.data[i]?.visible ?? true; });
  return Plotly.downloadImage({ data: figure.data, layout }, { format, filename, width, height });
}

function button(title, label, click) {
  return { name: title, title, icon: { width: 24, height: 24, path: label }, click };
}

const ARROW = "M11 3h2v9l3.5-3.5 1.4 1.4L12 15.8 6.1 9.9l1.4-1.4L11 12V3zM5 19h14v2H5z";
const FRAME = "M4 4h16v16H4V4zm2 2v12h12V6H6zm5 2h2v4h2.5L12 15.5 8.5 12H11V8z";
const VECTOR = "M4 4h5v2h6V4h5v5h-2v6h2v5h-5v-2H9v2H4v-5h2V9H4V4zm4 4v8h8V8H8z";

// Made once an element: Plotly.react takes a config with new functions in it for a changed one and starts from nothing.
function config(Plotly, element) {
  element.fanConfig ??= {
    displaylogo: false,
    scrollZoom: false,
    modeBarButtons: [
      ["zoom2d", "pan2d", "resetScale2d"],
      [
        button("Download as PNG", ARROW, () => download(Plotly, element, "png", WIDE)),
        button("Download as square PNG", FRAME, () => download(Plotly, element, "png", SQUARE)),
        button("Download as SVG", VECTOR, () => download(Plotly, element, "svg", WIDE)),
      ],
    ],
  };
  return element.fanConfig;
}

// Pixels: the line with the unit, which the buttons of Plotly's bar share; the room for the labels of either axis; that for a word, and a line's height; and half a label's above a
// plot that nothing stands over.
const UNIT_HEIGHT = 30, BARE_HEIGHT = 10, AXIS_HEIGHT = 40, AXIS_WIDTH = 48, WORD_WIDTH = 64, LINE_HEIGHT = 15;

// The figure as it is drawn at a width, or in a picture. On the page its legend stands below it, its dates have ticks and a box on hover
// of our own, and on a narrow screen models are named in the legend alone; with a strip on its edge, the buttons for its range and the
// name of its y axis stand there.
function fitted({ figure: given, strip }, width, inPicture) {
  const figure = structuredClone(given), { layout } = figure;
  // Plotly makes names of classes of them when a chart is resized: a space or a dash of print would stop it.
  for (const trace of figure.data) trace.uid = trace.uid?.replace(/[^\w-]/g, (sign) => `-${sign.charCodeAt(0)}-`);
  delete layout.xaxis.rangeselector;
  if (inPicture) return figure;
  layout.showlegend = false;
  if (isOfDates(figure)) withOwnHover(figure);
  if (strip) {
    delete layout.yaxis.title;
    layout.margin.t = UNIT_HEIGHT;
  } else if (hasNoButtons() && !layout.annotations?.length) layout.margin.t = BARE_HEIGHT;
  if (isNarrow(width) && layout.annotations) {
    const named = new Set(figure.data.map((trace) => trace.meta?.named)), all = layout.annotations.length;
    layout.annotations = layout.annotations.filter(({ name }) => !name || !named.has(name));
    if (layout.annotations.length < all) layout.margin.r = 12;
  }
  return figure;
}

// On a phone a chart without a strip has none above it (`chart.css`).
const hasNoButtons = () => matchMedia("(max-width: 640px)").matches;

// Whether the x axis is of dates, each of which a box tells of as a whole.
const isOfDates = ({ layout }) => layout.xaxis.type === "date" && layout.hovermode !== "closest";

function withOwnHover({ data, layout }) {
  layout.hovermode = "x";
  layout.hoverdistance = -1; // the nearest date, however far the pointer is from it
  layout.margin.b = AXIS_HEIGHT;
  layout.xaxis.automargin = false; // else the plot grows and shrinks with the years below its ticks
  for (const trace of data) {
    if (trace.hoverinfo !== "skip") trace.hoverinfo = "none";
    delete trace.hovertemplate;
  }
}

// Names where lines end keep a line's height apart, and a word stands over what is to come where there is room for it.
function placeNotes({ layout }, dates, [low, high], width, height) {
  const notes = (layout.annotations ?? []).map((note, i) => ({ note, name: `annotations[${i}]` })), placed = {};
  const ends = notes.filter(({ note }) => note.name === "line ends").sort((one, other) => one.note.y - other.note.y);
  let lowest = -Infinity;
  for (const { note, name } of ends) {
    const here = ((note.y - low) / (high - low)) * (height - UNIT_HEIGHT - AXIS_HEIGHT);
    lowest = Math.max(here, lowest + LINE_HEIGHT);
    placed[`${name}.yshift`] = note.yshift = Math.round(lowest - here);
  }
  const [zone] = layout.shapes ?? [], word = notes.find(({ note }) => note.name === "forecast");
  if (zone && word) {
    const room = dateShare(zone, dates) * (width - AXIS_WIDTH - layout.margin.r);
    placed[`${word.name}.visible`] = word.note.visible = room >= WORD_WIDTH;
  }
  return placed;
}

// What part of what is on show a shape takes.
function dateShare({ x0, x1 }, [from, to]) {
  return (dateOf(x1) - dateOf(x0)) / (dateOf(String(to)) - dateOf(String(from)));
}

// The ticks of both axes, for what is on show in so many pixels; Plotly's own where it does as well.
function ticksOf(figure, dates, heights, width, height) {
  const { layout } = figure, across = width - AXIS_WIDTH - layout.margin.r;
  if (layout.xaxis.type !== "date") return {};
  return {
    xaxis: layout.meta?.step ? dateTicks(dates, across, layout.meta) : { nticks: Math.floor(across / 90) },
    yaxis: isLog(figure) ? logTicks(heights, height - UNIT_HEIGHT - AXIS_HEIGHT) : {},
  };
}

function setTicks(layout, ticks) {
  for (const axis in ticks) Object.assign(layout[axis], ticks[axis]);
}

function draw(Plotly, element, data) {
  const figure = fitted(data, element.clientWidth);
  const same = element.fanRevision === data.view;
  if (!same && element.data) { // else "Reset axes" would go back to the dates of the view before
    Plotly.purge(element);
    element.fanFollows = false;
    hideReadout(element);
  }
  const view = same && element.layout?.xaxis?.range ? [...element.layout.xaxis.range] : figure.layout.xaxis.range;
  if (same && element.data) {
    const hidden = new Map(element.data.map((trace) => [trace.uid, trace.visible]));
    for (const trace of figure.data) if (hidden.get(trace.uid)) trace.visible = hidden.get(trace.uid);
  }
  figure.layout.xaxis.range = view;
  figure.layout.yaxis.range = axis(element, figure, view, data.top);
  const shown = [view, figure.layout.yaxis.range, element.clientWidth, element.clientHeight];
  setTicks(figure.layout, ticksOf(figure, ...shown));
  placeNotes(figure, ...shown);
  element.fanRevision = data.view;
  element.fanFigure = figure;
  element.setAttribute("aria-label", data.description);
  return Plotly.react(element, figure.data, figure.layout, config(Plotly, element)).then(() => {
    element.dataset.drawn = figure.data.map((trace) => trace.uid).join(" ");
    if (data.strip) markRange(element);
    drawLegend(Plotly, element);
    if (element.fanFollows) return;
    element.fanFollows = true;
    element.fanShow = (range) => Plotly.relayout(element, { "xaxis.range": range });
    element.on("plotly_relayout", (changed) => follow(Plotly, element, changed));
    if (isOfDates(data.figure)) followPointer(element);
  });
}

// What depends on the dates on show, once the reader has changed them.
function follow(Plotly, element, changed) {
  const moved = Object.keys(changed).some((name) => name.startsWith("xaxis") && !name.includes("tick"));
  if (!moved) return;
  const shown = element.layout.xaxis.range, figure = element.fanFigure, { strip, top: given } = element.fanData;
  if (!given && figure.layout.yaxis.rangemode !== "normal") element.fanTop = top(figure, shown);
  const update = given ? {} : { "yaxis.range": axis(element, figure, shown, element.fanTop) };
  const now = [shown, update["yaxis.range"] ?? element.layout.yaxis.range, element.clientWidth, element.clientHeight];
  for (const [axis, some] of Object.entries(ticksOf(figure, ...now))) for (const name in some) update[`${axis}.${name}`] = some[name];
  Object.assign(update, placeNotes(figure, ...now));
  if (strip) markRange(element);
  hideReadout(element);
  Plotly.relayout(element, update);
}

// One drawing at a time, and of those that came meanwhile only the last: two at once would undo each other for ever.
async function drawLatest(element) {
  if (element.fanDrawing) return;
  element.fanDrawing = true;
  try {
    const Plotly = await plotly(element.fanData.source);
    for (;;) {
      const data = element.fanData, size = `${element.clientWidth} ${element.clientHeight}`;
      if (data !== element.fanDrawn) {
        if (!element.fanDrawn) element.fanSize = size;
        await draw(Plotly, element, data);
        element.fanDrawn = data;
      } else if (element.clientWidth && size !== element.fanSize) { // hidden elements have no width
        element.fanSize = size;
        await Plotly.Plots.resize(element);
        await draw(Plotly, element, data);
      } else break;
    }
  } catch (error) {
    element.textContent = `The chart could not be drawn: ${error.message}. Reload the page.`;
  } finally {
    element.fanDrawing = false;
  }
}

// A finger that goes up or down moves the page, one that goes sideways the chart: Plotly alone would keep both, and who has
// a thumb on the chart could not get past it. Plotly hears of a touch once it goes sideways.
const SLOP = 6;

function shareTouches(element) {
  let start;
  element.style.touchAction = "pan-y pinch-zoom";
  element.addEventListener("touchstart", (event) => {
    if (!event.isTrusted || !event.target.closest(".draglayer")) return;
    event.stopImmediatePropagation();
    const [touch] = event.touches;
    start = event.touches.length === 1 ? { x: touch.clientX, y: touch.clientY } : undefined;
  }, { capture: true, passive: true });
  element.addEventListener("touchmove", (event) => {
    const [touch] = event.touches;
    const across = start && Math.abs(touch.clientX - start.x), along = start && Math.abs(touch.clientY - start.y);
    if (!(Math.max(across, along) > SLOP)) return;
    start = undefined;
    if (across <= along || !event.cancelable) return; // it cannot be taken from a page that still scrolls
    const touches = { touches: [touch], targetTouches: [touch], changedTouches: [touch] };
    event.target.dispatchEvent(new TouchEvent("touchstart", { ...touches, bubbles: true, cancelable: true }));
  }, { capture: true, passive: true });
}

// Streamlit does not run the page again when the reader turns the lights on or off, and the figure's colours come from there.
function followTheme(element, setTriggerValue) {
  const look = () => {
    if (!element.isConnected) clearInterval(element.fanWatch);
    const background = getComputedStyle(element).getPropertyValue("--st-background-color").trim().toLowerCase();
    if (!background || background === element.fanBackground) return;
    element.fanBackground = background;
    if (background !== element.fanData.background) setTriggerValue("theme", background);
  };
  look();
  clearInterval(element.fanWatch);
  element.fanWatch = setInterval(look, 1000);
}

export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const element = parentElement.querySelector(".fan-chart");
  const data = JSON.parse(new TextDecoder().decode(bytes));
  data.figure.layout.uirevision = data.view;
  // Not while older data come late, see ui/components/sequence.py.
  if (data.visit === element.fanData?.visit && data.number < element.fanData.number) return;
  element.style.height = `${data.height}px`;
  element.fanData = data;
  drawEdge(element, (choice) => setTriggerValue("choice", choice));
  drawLatest(element);
  if (!element.fanWatched) { // Plotly itself follows the window, but not the sidebar
    element.fanWatched = new ResizeObserver(() => {
      element.parentElement.querySelector(".chart-strip").classList.toggle("narrow", isNarrow(element.clientWidth));
      drawLatest(element);
    });
    element.fanWatched.observe(element);
    shareTouches(element);
  }
  followTheme(element, setTriggerValue);
}
