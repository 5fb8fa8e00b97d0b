// When the connection comes back, the page is drawn anew: a server that was started again knows
// nothing of it, and what it draws by parts would be dead.
const TRY_MS = 1000, TRIES = 10;

export function watchConnection(drawAgain) {
  const app = document.querySelector(".stApp");
  if (!app) return;
  let wasLost = false, tries = 0, timer = 0;
  const ask = () => {
    if (!tries) return;
    tries -= 1;
    drawAgain();
    timer = setTimeout(ask, TRY_MS);
  };
  new MutationObserver(() => {
    const isConnected = app.dataset.testConnectionState === "CONNECTED";
    if (!isConnected) { wasLost = true; tries = 0; clearTimeout(timer); return; }
    if (wasLost) { wasLost = false; tries = TRIES; clearTimeout(timer); timer = setTimeout(ask, 50); return; }
    if (tries < TRIES && app.dataset.testScriptState === "running") tries = 0;
  }).observe(app, { attributes: true, attributeFilter: ["data-test-connection-state", "data-test-script-state"] });
}
