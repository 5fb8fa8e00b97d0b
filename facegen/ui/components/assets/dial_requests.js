// Talking to the server: one request under way, the newest position of a dial wins.

const WATCHDOG_MS = 5000;
const REST_MS = 350;

export function addRequests(s, on) {
  // What was asked while the connection broke off is lost on the way: it is asked again.
  const unheard = (what) => {
    const { testScriptState: script, testConnectionState: connection = "CONNECTED" } = document.querySelector(".stApp")?.dataset ?? {};
    if (s.busy || s.down || !s.pending.size) return;
    if (script !== "running" && connection === "CONNECTED") s.commit(what);
    else s.watchdog = setTimeout(() => unheard(what), WATCHDOG_MS / 5);
  };
  s.post = (final, what, sharp = final) => {
    if (sharp) clearTimeout(s.rest);
    s.n += 1;
    s.busy = true; s.want = null;
    clearTimeout(s.watchdog);
    s.watchdog = setTimeout(() => { s.busy = false; s.pump(); if (final) unheard(what); }, WATCHDOG_MS);
    window.dispatchEvent(new CustomEvent("facegen:sent", { detail: { n: s.n, final } }));
    const moves = {}, resets = [];
    for (const [name, asked] of s.pending) {
      if (asked.reset) resets.push(name); else moves[name] = asked.value;
      if (final) asked.n = Math.min(asked.n, s.n);
    }
    const locks = {};
    for (const [name, asked] of s.padlocks) locks[name] = asked.locked;
    s.fire("edit", { n: s.n, rev: s.rev, final, sharp, what, moves, resets, locks });
  };
  s.pump = () => { if (!s.busy && s.want) s.post(false, s.want); };
  s.preview = (what) => {
    s.want = what;
    s.note();
    s.pump();
    // Held still, the picture becomes sharp without being let go.
    const rest = () => {
      if (s.down !== what) return;
      if (s.busy || s.want) s.rest = setTimeout(rest, REST_MS / 4); else s.post(false, what, true);
    };
    clearTimeout(s.rest);
    s.rest = setTimeout(rest, REST_MS);
  };
  s.commit = (what) => s.post(true, what);
  // When nothing has moved for a while, the picture is measured.
  s.rested = () => {
    clearTimeout(s.measuring);
    if (!s.measureAfter) return;
    s.measuring = setTimeout(() => {
      // Asked beside a run under way, the answer can bring the picture before it back.
      const running = document.querySelector(".stApp")?.dataset.testScriptState === "running";
      if (!(s.down || s.busy || s.pending.size || running || document.hidden)) s.fire("measure", Date.now());
      s.rested();  // An answer with nothing new in it does not come here.
    }, 1000 * s.measureAfter);
  };
  for (const touch of ["keydown", "pointerdown"]) on(window, touch, s.rested, true);
  on(window, "facegen:frame", (e) => {
    if (e.detail.n === s.n || e.detail.kind === "full") { s.busy = false; clearTimeout(s.watchdog); s.pump(); }
  });
}
