// Moving, resetting and locking dials.

const SNAP = 0.012;
const LOCK_MS = 5000;
const LOCK_TRIES = 3;

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

  // Padlocks that were pressed and that no answer has confirmed: name -> { locked, until, tries }.
  // A message can be lost where another one follows at once, so every edit says them again.
  s.padlocks = new Map();
  const press = (name, locked, tries) => {
    s.padlocks.set(name, { locked, until: Date.now() + LOCK_MS, tries });
    s.fire("lock", { name, on: locked, n: Date.now() });
  };
  s.isLocked = (name, locked) => {
    const asked = s.padlocks.get(name);
    if (!asked || asked.locked === !!locked) { s.padlocks.delete(name); return !!locked; }
    if (Date.now() >= asked.until) {
      if (!asked.tries) { s.padlocks.delete(name); return !!locked; }
      press(name, asked.locked, asked.tries - 1);
    }
    return asked.locked;
  };
  s.press = (name, locked) => press(name, locked, LOCK_TRIES);
  s.lock = (row, locked) => {
    row.dial.locked = locked;
    s.press(row.dial.name, locked);
    s.paint(row); s.counts();
  };
}
