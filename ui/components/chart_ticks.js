// Ticks of an axis of dates: on dates that the figures have where they are days or weeks, else on first days of months and years,
// as many as there is room for. Plotly's own lie between weeks, and on a phone they touch.
const DAY_MS = 86400e3;
// Pixels from one tick to the next: of days, of months and of years.
const DAY_ROOM = 62, MONTH_ROOM = 48, YEAR_ROOM = 54;
const DAY_STEPS = [1, 2, 7, 14, 28], MONTH_STEPS = [1, 2, 3, 6], YEAR_STEPS = [1, 2, 5, 10, 20, 50, 100];

const dateOf = (text) => +new Date(/[T ]/.test(text) ? `${text.replace(" ", "T")}Z` : text);
const isoOf = (moment) => new Date(moment).toISOString().slice(0, 10);
const MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const dayName = (at) => `${at.getUTCDate()} ${monthName(at)}`, monthName = (at) => MONTH_NAMES[at.getUTCMonth()];

function dateTicks(range, width, { step, origin }) {
  const [from, to] = range.map((date) => dateOf(String(date))), span = to - from;
  if (!(span > 0)) return {};
  const room = (length) => (length / span) * width, days = Math.round(step);
  const first = from - span, last = to + span; // there are ticks while the chart is dragged, too
  if (step < 28) {
    const steps = DAY_STEPS.filter((count) => count % days === 0 || (days > 7 && count === days));
    const fits = steps.find((count) => room(count * DAY_MS) >= DAY_ROOM);
    if (fits) {
      const start = dateOf(origin), length = fits * DAY_MS, places = [];
      for (let at = start + Math.ceil((first - start) / length) * length; at <= last; at += length) places.push(at);
      return labelled(places, from, dayName, true);
    }
  }
  const months = MONTH_STEPS.find((count) => count * 31 >= step && room(count * 30.4 * DAY_MS) >= MONTH_ROOM);
  if (months) return labelled(starts(first, last, months), from, monthName, true);
  const years = YEAR_STEPS.find((count) => room(count * 365.25 * DAY_MS) >= YEAR_ROOM) ?? 200;
  return labelled(starts(first, last, 12 * years), from, (at) => String(at.getUTCFullYear()), false);
}

// First days of every so many months, counted from the year 0.
function starts(first, last, months) {
  const begin = new Date(first), found = [];
  let place = Math.ceil((begin.getUTCFullYear() * 12 + begin.getUTCMonth()) / months) * months;
  for (let at; (at = Date.UTC(Math.floor(place / 12), place % 12, 1)) <= last; place += months) if (at >= first) found.push(at);
  return found;
}

// With years, the first tick in view and that of a new year tell it below.
function labelled(places, from, name, withYears) {
  let before;
  const ticktext = places.map((moment) => {
    const at = new Date(moment), year = at.getUTCFullYear(), isNew = withYears && moment >= from && year !== before;
    if (moment >= from) before = year;
    return isNew ? `${name(at)}<br>${year}` : name(at);
  });
  return { tickmode: "array", tickvals: places.map(isoOf), ticktext };
}

// Ticks of a logarithmic axis: as many of each decade's as there is room for. Plotly's own touch below a full decade.
const TICK_HEIGHT = 22;
const DIGITS = [[1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];

function logTicks([from, to], height) {
  const pixels = height / (to - from);
  const digits = DIGITS.find((some) => [...some, 10].every((digit, i) => !i || Math.log10(digit / some[i - 1]) * pixels >= TICK_HEIGHT));
  const every = digits ? 1 : Math.ceil(TICK_HEIGHT / pixels), tickvals = [];
  for (let decade = every * Math.floor(from / every); decade <= to; decade += every)
    for (const digit of digits ?? [1]) tickvals.push(+(digit * 10 ** decade).toPrecision(3));
  const shown = tickvals.filter((value) => value >= 10 ** from && value <= 10 ** to);
  return shown.length > 1 ? { tickmode: "array", tickvals } : { tickmode: "auto" };
}
