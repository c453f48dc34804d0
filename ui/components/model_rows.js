// One quiet row a model: what it is doing, for how long, and a way to stop it. The seconds tick here, so that the server
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

function build(row, act) {
  const element = part("div", `row ${row.state}`);
  element.dataset.model = row.model;
  element.dataset.state = row.state;
  const mark = part("span", row.state === "running" ? "mark spinner" : "mark", ICONS[row.state] ?? "");
  mark.setAttribute("aria-hidden", "true");
  const name = part("span", "name", row.label);
  name.style.setProperty("--model", row.colour);
  const text = part("span", "text", row.text);
  const time = part("span", "time", row.seconds === null ? "" : spoken(row.seconds));
  if (row.state === "running") {
    time.dataset.since = String(performance.now() - 1000 * row.seconds);
  }
  element.append(mark, name, text, time);
  if (row.action) {
    const button = part("button", "action", row.action);
    button.type = "button";
    button.setAttribute("aria-label", `${row.action} ${row.label}`);
    button.dataset.key = row.key;
    button.onclick = () => { button.disabled = true; act(row.action === "Cancel" ? "cancel" : "retry", row.key); };
    element.append(button);
  } else {
    element.append(part("span", "action", ""));
  }
  return element;
}

// A click on a button that is replaced while it is pressed is lost: one that does the same as before stays.
function renew(old, row) {
  old.className = row.className;
  Object.assign(old.dataset, row.dataset);
  [...row.children].forEach((fresh, i) => {
    const part = old.children[i];
    const stays = fresh.matches("button") && fresh.ariaLabel === part.ariaLabel && fresh.dataset.key === part.dataset.key;
    if (stays) part.disabled = false;
    else part.replaceWith(fresh);
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".rows");
  if (data.visit === list.visit && data.number < list.number) return; // see ui/components/sequence.py
  [list.visit, list.number] = [data.visit, data.number];
  const focused = list.contains(list.getRootNode().activeElement) && list.getRootNode().activeElement.ariaLabel;
  const rows = data.rows.map((row) => build(row, setTriggerValue)), shown = [...list.children];
  const same = rows.length === shown.length && rows.every((row, i) => row.dataset.model === shown[i].dataset.model);
  if (same) rows.forEach((row, i) => renew(shown[i], row));
  else list.replaceChildren(...rows);
  if (focused) list.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  clearInterval(list.ticking);
  list.ticking = setInterval(() => {
    if (!list.isConnected) clearInterval(list.ticking);
    for (const time of list.querySelectorAll("[data-since]")) {
      time.textContent = spoken((performance.now() - Number(time.dataset.since)) / 1000);
    }
  }, 200);
}
