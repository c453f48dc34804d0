// A page's address is bare until the page has written its choices into it: that is no step on the browser's way back.
export default function () {
  if (history.bareIsNoStep) return;
  history.bareIsNoStep = true;
  const push = history.pushState;
  history.pushState = function (state, unused, url) {
    const filled = !location.search && new URL(url, location.href).pathname === location.pathname;
    return (filled ? history.replaceState : push).call(history, state, unused, url);
  };
}
