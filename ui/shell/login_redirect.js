// Signing in leads to the first page. Who presses a button to sign in has the tab remember which address was wanted, and it goes
// there as soon as that page comes; only to an address of this very app, and not when somebody came here by another way.
const KEY = "forecast-explorer way back";

function remember() {
  try {
    sessionStorage.setItem(KEY, location.href);
  } catch {
    // a browser that keeps nothing: the reader opens the link again
  }
}

export default function ({ data }) {
  if (data.remember) {
    document.addEventListener("click", remember, true);
    if (navigator.userActivation?.hasBeenActive) remember(); // the button was quicker than this script
    return;
  }
  try {
    const wanted = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    const came = performance.getEntriesByType("navigation")[0].name; // before the page wrote its state into the address
    if (wanted && wanted !== came && came.endsWith("/") && wanted.startsWith(came)) location.replace(wanted);
  } catch {
    // as above
  }
}
