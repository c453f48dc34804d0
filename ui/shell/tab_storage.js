// Keeps a visitor's tables in the tab's own storage, so that a reload does not lose them. They are sent to nobody but the server that
// they were given to, when it asks at the start of a visit; the browser lets go of them with the tab.
const PREFIX = "forecast table ";

function stored() {
  const found = {};
  for (let i = 0; i < sessionStorage.length; i++) {
    const key = sessionStorage.key(i);
    if (key.startsWith(PREFIX)) found[key.slice(PREFIX.length)] = sessionStorage.getItem(key);
  }
  return found;
}

// Where there is no room for a table its name is kept, so that the same file can be asked for.
function keep(table, before) {
  const whole = { ...(before && JSON.parse(before)), ...table }, text = JSON.stringify(whole);
  if (text === before) return;
  try {
    sessionStorage.setItem(PREFIX + table.source, text);
  } catch {
    delete whole.packed;
    sessionStorage.removeItem(PREFIX + table.source);
    sessionStorage.setItem(PREFIX + table.source, JSON.stringify(whole));
  }
}

function has(packed) {
  return Object.values(stored()).map(JSON.parse).filter((table) => Boolean(table.packed) === packed).map(({ source }) => source).sort();
}

export default function ({ data, setTriggerValue }) {
  let tables = {};
  try {
    tables = stored();
    if (data.asks) {
      if (data.waits || Object.keys(tables).length) setTriggerValue("given", Object.values(tables));
      return;
    }
    for (const source of Object.keys(tables)) {
      if (!data.tables.some((table) => table.source === source)) sessionStorage.removeItem(PREFIX + source);
    }
    for (const table of data.tables) keep(table, tables[table.source]);
    const now = { kept: has(true), named: has(false) };
    if (JSON.stringify(now) !== JSON.stringify(data.has)) setTriggerValue("has", now);
  } catch (error) {  // a browser that keeps nothing for this page
    if (data.waits) setTriggerValue("given", []);
  }
}
