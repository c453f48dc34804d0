// What a tab is told once, around all pages.
export default function ({ data }) {
  if (window.forecastFrame) return;
  window.forecastFrame = true;

  const style = document.createElement("style");
  style.textContent = data.css;
  document.head.append(style);

  // What Streamlit leaves without a name where the keyboard stops; and the sidebar's button, in which a phone has the pages, too,
  // as it is labelled there (`frame.css`).
  const names = {
    "[data-testid=stMain]": "Page",
    "[data-testid=data-grid-canvas]": "Table; arrow keys go from cell to cell",
    "[data-testid=stExpandSidebarButton]": "Menu and choices",
  };
  // The page of an unknown address says so itself; on a server's first visit a dialog of Streamlit's does, too, and blocks it.
  const superfluous = (dialog) => dialog.querySelector("h2")?.textContent === "Page not found";
  // A table is a picture that is scrolled on its own; on a phone nothing else tells that there are more columns (`frame.css`).
  const markCutTables = () => {
    for (const table of document.querySelectorAll("[data-testid=stDataFrame] .dvn-scroller")) {
      const isCut = table.clientWidth > 0 && table.scrollWidth > table.clientWidth + 1;
      table.closest("[data-testid=stElementContainer]").toggleAttribute("data-cut", isCut);
    }
  };
  addEventListener("resize", () => setTimeout(markCutTables, 300));

  let due;
  const mend = () => {
    due = undefined;
    for (const [selector, name] of Object.entries(names)) {
      for (const one of document.querySelectorAll(selector)) if (one.ariaLabel !== name) one.ariaLabel = name;
    }
    markCutTables();
    const dialogs = [...document.querySelectorAll("body > [data-testid=stDialog]")];
    dialogs.find(superfluous)?.querySelector("[aria-label=Close]")?.click();
  };
  mend();

  // No line ends between a number and its unit, or within a range: before a text is painted, its spaces there become such that hold,
  // and its dashes get what holds after them. What can be copied
  // to be used elsewhere, and what is no text of a page, stays as it is.
  const holding = new RegExp(data.holding, "g"), dash = new RegExp(data.dash, "g"), AS_IT_IS = "pre, code, svg, script, style, textarea, [contenteditable]";
  const hold = (text) => {
    const held = /\d|·/.test(text.data) ? text.data.replace(holding, "\u00a0").replace(dash, "$&\u2060") : text.data;
    if (held !== text.data && !text.parentElement?.closest(AS_IT_IS)) text.data = held;
  };
  const holdAll = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return hold(node);
    const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) hold(texts.currentNode);
  };
  holdAll(document.body);
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) for (const node of target.nodeType === Node.TEXT_NODE ? [target] : addedNodes) holdAll(node);
  }).observe(document.body, { childList: true, subtree: true, characterData: true });

  new MutationObserver(() => { due ??= setTimeout(mend, 100); }).observe(document.body, { childList: true, subtree: true });

  // On a phone pages and choices lie over the page: a page that is chosen there, or what is chosen from a list, is seen at once. The
  // next visit begins with its page, too: Streamlit remembers that the sidebar was open.
  const PHONE = 768; // pixels, Streamlit's own limit
  addEventListener("click", (event) => {
    const list = event.target.closest?.("[role=option]")?.closest("[role=listbox]");
    const field = list && document.querySelector("[data-testid=stSidebar] [role=combobox][aria-expanded=true]");
    if (innerWidth > PHONE || !(field || event.target.closest?.("[data-testid=stSidebarNavLink]"))) return;
    setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click(), 0);
  }, true);
  addEventListener("pagehide", () => {
    if (innerWidth > PHONE) return;
    for (const name of Object.keys(localStorage)) if (name.startsWith("stSidebarCollapsed")) localStorage.removeItem(name);
  });

  // A list of choices closes when what is around it scrolls, and what was typed stays without one. So it does when nobody has scrolled:
  // the sidebar of a phone moves as it opens, and for the keyboard on the screen. Then the list stays, and goes with its field.
  const BY_HAND = 1000; // milliseconds in which a scroll follows from what a visitor does
  let scrolled = -BY_HAND;
  for (const event of ["wheel", "touchmove"]) addEventListener(event, () => { scrolled = performance.now(); }, { capture: true, passive: true });
  addEventListener("scroll", (event) => {
    const field = document.querySelector("[role=combobox][aria-expanded=true]");
    if (!field || !event.target.contains?.(field) || performance.now() - scrolled < BY_HAND) return;
    event.stopImmediatePropagation();
    dispatchEvent(new Event("resize")); // at which the list finds its place
  }, true);

  // What a visitor does is one step of the browser's way back. Streamlit makes several of it: the page's address is bare until the
  // page has written its choices into it, the choices may come before the page or in two parts, and a link is completed.
  const push = history.pushState;
  let acted = true; // since the last step
  for (const event of ["pointerup", "click", "keydown", "drop"]) addEventListener(event, () => { acted = true; }, true);
  addEventListener("popstate", () => { acted = false; }, true);
  history.pushState = function (state, unused, url) {
    const next = new URL(url, location.href), samePage = next.pathname === location.pathname;
    const completes = samePage ? !location.search : next.search && next.search === location.search;
    const step = acted && !completes;
    acted &&= !step;
    return (step ? push : history.replaceState).call(history, state, unused, url);
  };

  // On paper charts and tables are as wide as the paper, and dark is light: all is done before, for nobody waits for it then.
  const PAPER = 680; // pixels of A4 between margins of 15 mm
  const resize = (width) => {
    for (const chart of document.querySelectorAll(".fan-chart.js-plotly-plot")) {
      window.Plotly.relayout(chart, { width: width && Math.min(width, chart.clientWidth), autosize: !width });
    }
    for (const table of document.querySelectorAll("[data-testid=stDataFrame]")) { // a picture of so many pixels
      table.style.zoom = width ? Math.min(1, width / table.clientWidth) : "";
    }
  };
  const isDark = () => {
    const [red, green, blue] = getComputedStyle(document.querySelector(".stApp")).backgroundColor.match(/[\d.]+/g).map(Number);
    return 0.3 * red + 0.6 * green + 0.1 * blue < 128;
  };
  addEventListener("beforeprint", () => {
    document.documentElement.classList.toggle("from-dark", isDark());
    resize(PAPER);
  });
  addEventListener("afterprint", () => resize(null));
}
