// One quiet row a model: how good it was, what it expects, what it is doing, for how long, and a way to stop it. The seconds tick here, so that the server
// sends a row only when there is something new to say.
const ICONS = { done: "✓", failed: "!", cancelled: "–", timed_out: "!", queued: "·" };

function part(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

function spoken(seconds) {
  if (seconds < 0.05) return "< 0.1 s";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
}

function bar(row, same) {
  const element = part("span", "error");
  element.setAttribute("role", "cell");
  if (row.bar === null) {
    element.append(part("span", "", row.error));
    return element;
  }
  const full = part("span", "bar"), filled = part("i", "");
  full.style.setProperty("--same", `${100 * same}%`);
  filled.style.width = `${100 * row.bar}%`;
  full.append(filled);
  full.setAttribute("aria-hidden", "true");
  element.append(full, part("span", "", row.error));
  return element;
}

// What a model is doing; of a finished one what exactly was fitted, for who asks.
function text(row, open) {
  if (!row.method) return part("span", "", row.text);
  const element = part("details", ""), notes = row.text.replace(/^done( · )?/, "");
  element.open = open;
  element.append(part("summary", "", notes || "How it was made"), part("span", "method", row.method));
  return element;
}

function cell(name, words, label) {
  const element = part("span", `${name} number`, words);
  element.setAttribute("role", "cell");
  element.dataset.label = label;
  return element;
}

// A row of a table has nothing but cells.
function within(name, ...content) {
  const element = part("span", name);
  element.setAttribute("role", "cell");
  element.append(...content);
  return element;
}

function build(row, data, open, act) {
  const element = part("div", `row ${row.state}${row.lead ? " lead" : ""}`);
  element.dataset.model = row.model;
  element.dataset.state = row.state;
  element.setAttribute("role", "row");
  element.style.setProperty("--model", row.colour);
  const mark = part("span", row.state === "running" ? "mark spinner" : "mark", ICONS[row.state] ?? "");
  mark.setAttribute("aria-hidden", "true");
  const name = part("span", "name", row.label);
  name.setAttribute("role", "rowheader");
  const time = part("span", "time", row.seconds === null ? "" : spoken(row.seconds));
  time.setAttribute("role", "cell");
  if (row.state === "running") {
    time.dataset.since = String(performance.now() - 1000 * row.seconds);
  }
  const cells = [bar(row, data.no_change), cell("held", row.held, ""), cell("expected", row.expected, data.next)];
  element.append(mark, name, ...cells, time);
  if (row.action) {
    const button = part("button", "press", row.action);
    button.type = "button";
    button.setAttribute("aria-label", `${row.action} ${row.label}`);
    button.dataset.key = row.key;
    button.onclick = () => { button.disabled = true; act(row.action === "Cancel" ? "cancel" : "retry", row.key); };
    element.append(within("action", button));
  } else {
    element.append(within("action"));
  }
  element.append(within("text", text(row, open.has(row.model))));
  return element;
}

function head(data) {
  const element = part("div", "head");
  element.setAttribute("role", "row");
  for (const words of ["", "Model", "Error vs no change", "50 / 80 / 95 % held", data.next, "Time", ""]) {
    const one = part("span", ["50 / 80 / 95 % held", data.next, "Time"].includes(words) ? "number" : "", words);
    one.setAttribute("role", words ? "columnheader" : "cell");
    element.append(one);
  }
  return element;
}

// A click on a button that is replaced while it is pressed is lost: one that does the same as before stays.
function renew(old, row) {
  old.className = row.className;
  Object.assign(old.dataset, row.dataset);
  [...row.children].forEach((fresh, i) => {
    const part = old.children[i];
    const [before, after] = [part.querySelector("button"), fresh.querySelector("button")];
    const stays = before && after && after.ariaLabel === before.ariaLabel && after.dataset.key === before.dataset.key;
    if (stays) before.disabled = false;
    else part.replaceWith(fresh);
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".rows");
  if (data.visit === list.visit && data.number < list.number) return; // see ui/components/sequence.py
  [list.visit, list.number] = [data.visit, data.number];
  const focused = list.contains(list.getRootNode().activeElement) && list.getRootNode().activeElement.ariaLabel;
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.closest(".row").dataset.model));
  const rows = data.rows.map((row) => build(row, data, open, setTriggerValue)), shown = [...list.querySelectorAll(".row")];
  const same = rows.length === shown.length && rows.every((row, i) => row.dataset.model === shown[i].dataset.model);
  if (same) {
    list.querySelector(".head")?.replaceWith(head(data)); // the unit may be another
    rows.forEach((row, i) => renew(shown[i], row));
  }
  else list.replaceChildren(head(data), ...rows);
  if (focused) list.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  clearInterval(list.ticking);
  list.ticking = setInterval(() => {
    if (!list.isConnected) clearInterval(list.ticking);
    for (const time of list.querySelectorAll("[data-since]")) {
      time.textContent = spoken((performance.now() - Number(time.dataset.since)) / 1000);
    }
  }, 200);
}
