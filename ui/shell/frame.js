// What a tab is told once, around all pages.
export default function ({ data }) {
  if (window.forecastFrame) return;
  window.forecastFrame = true;

  const style = document.createElement("style");
  style.textContent = data.css;
  document.head.append(style);

  // To another page is one step of the browser's way back. Streamlit makes two of it: the page's address is bare until the page
  // has written its choices into it, or, where the browser is busy, has the choices first and the page afterwards.
  const push = history.pushState;
  history.pushState = function (state, unused, url) {
    const next = new URL(url, location.href), samePage = next.pathname === location.pathname;
    const second = samePage ? !location.search : next.search && next.search === location.search;
    return (second ? history.replaceState : push).call(history, state, unused, url);
  };
}
