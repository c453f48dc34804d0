// What a tab is told once, around all pages.
export default function ({ data }) {
  if (window.forecastFrame) return;
  window.forecastFrame = true;

  const style = document.createElement("style");
  style.textContent = data.css;
  document.head.append(style);

  // A page's address is bare until the page has written its choices into it: that is no step on the browser's way back.
  const push = history.pushState;
  history.pushState = function (state, unused, url) {
    const filled = !location.search && new URL(url, location.href).pathname === location.pathname;
    return (filled ? history.replaceState : push).call(history, state, unused, url);
  };
}
