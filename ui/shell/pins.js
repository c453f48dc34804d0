// Keeps a visitor's pins in the browser's own storage, for all of its tabs. They are told to nobody but the server, which asks for them.
const KEY = "forecast-explorer pins", APPLIED = "forecast-explorer pins applied";

function same(one, other) {
  return ["source", "statistic", "region", "model", "horizon"].every((name) => String(one[name]) === String(other[name]));
}

// Changes are applied to what is kept now, which another tab may have changed, and once only.
function apply(changes, visit) {
  let pins = JSON.parse(localStorage.getItem(KEY) ?? "[]");
  const [before, number] = JSON.parse(sessionStorage.getItem(APPLIED) ?? '["", 0]');
  for (const change of changes.slice(before === visit ? number : 0)) {
    pins = pins.filter((pin) => !same(pin, change.pin));
    if (change.on) pins.push(change.pin);
  }
  if (changes.length) {
    localStorage.setItem(KEY, JSON.stringify(pins));
    sessionStorage.setItem(APPLIED, JSON.stringify([visit, changes.length]));
  }
  return pins;
}

export default function ({ data, setTriggerValue }) {
  let pins = [];
  try {
    pins = apply(data.changes, data.visit);
  } catch {
    // a browser that keeps nothing for this page, or something else than pins
  }
  if (!data.known && (data.waits || pins.length)) setTriggerValue("given", pins);
}
