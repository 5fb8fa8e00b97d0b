// Which changes of the address become steps of the browser's Back and Forward. Streamlit makes each
// one a step; here one is left out when it only completes what the address told already: the first
// link of a page, a correction that nobody asked for, quick moves of one dial.
const QUICK_MS = 800;

// The same person with the same dials moved, whatever their numbers; of Explore, the same people.
const SAME = ["seed", "person", "find", "people", "crowd"];
const isSameMove = (one, other) => {
  const [a, b] = [one, other].map((search) => new URLSearchParams(search));
  return [...a.keys()].sort().join() === [...b.keys()].sort().join()
    && SAME.every((name) => a.get(name) === b.get(name));
};

export function watchHistory() {
  let hasActed = false, last = 0;
  for (const kind of ["pointerdown", "keydown", "change", "drop"]) {
    window.addEventListener(kind, () => { hasActed = true; }, true);
  }
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href), now = Date.now();
    const isOneMove = isSameMove(next.search, location.search) && now - last < QUICK_MS;
    const completes = !location.search || !hasActed || isOneMove;
    (next.pathname === location.pathname && completes ? replace : push)(state, title, url);
    last = now;
    hasActed = false;
  };
}
