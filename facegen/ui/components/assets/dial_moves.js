// Moving, resetting and locking dials.

const SNAP = 0.012;
const LOCK_MS = 5000;

export function addMoves(s, $, on) {
  s.set = (dial, value) => {
    // The tick is magnetic under the finger; the keyboard's steps are smaller than its reach.
    const reach = s.down === dial.name ? SNAP * (dial.max - dial.min) : 5e-4;
    const snapped = Math.abs(value - dial.own) < reach ? dial.own : Math.round(value * 1000) / 1000;
    s.pending.set(dial.name, { value: snapped, reset: snapped === dial.own && dial.name === "psi", n: Infinity });
    s.counts();
  };
  s.reset = (dials, what) => {
    for (const dial of dials) {
      if (dial.locked || !s.isMoved(dial)) continue;
      s.pending.set(dial.name, { value: dial.own, reset: true, n: Infinity });
      s.paint(s.rows.get(dial.name));
    }
    s.counts();
    s.commit(what);
  };
  // A field that comes back to where the drag began sends no change event: settle it here.
  const settle = () => {
    const what = s.down;
    s.want = null;
    if (what) setTimeout(() => { if (s.down === what) { s.down = null; s.commit(what); } }, 60);
  };
  on(window, "pointerup", settle);
  on(window, "pointercancel", settle);
  on($("all"), "click", () => s.reset(s.groups.flatMap((g) => g.dials), "all"));

  // An answer from before a padlock was pressed does not press it back.
  s.isLocked = (row, dial) => (row.asked && Date.now() < row.asked.until ? row.asked.locked : dial.locked);
  s.lock = (row, locked) => {
    row.dial.locked = locked;
    row.asked = { locked, until: Date.now() + LOCK_MS };
    s.paint(row); s.counts();
    s.fire("lock", { name: row.dial.name, on: locked, n: Date.now() });
  };
}
