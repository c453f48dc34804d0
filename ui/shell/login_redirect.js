// Signing in leads to the first page. The tab remembers which address was wanted, and goes there as soon as that page comes;
// only to an address of this very app, and not when somebody came here by another way.
const KEY = "forecast-explorer way back";

export default function ({ data }) {
  try {
    if (data.remember) {
      sessionStorage.setItem(KEY, location.href);
      return;
    }
    const wanted = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    const came = performance.getEntriesByType("navigation")[0].name; // before the page wrote its state into the address
    if (wanted && wanted !== came && came.endsWith("/") && wanted.startsWith(came)) location.replace(wanted);
  } catch {
    // a browser that keeps nothing: the reader opens the link again
  }
}
