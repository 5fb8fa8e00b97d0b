// The dials: rows of range fields. Moving one asks for previews; letting go commits all dials at
// once. What is shown always comes from here until the server has answered; the numbers are the
// server's readings of the face.
import { LOCK_SIGN, REST_SIGN } from "./dial_elements.js";
import { addGroups } from "./dial_groups.js";
import { addMoves } from "./dial_moves.js";
import { addNumbers } from "./dial_number.js";
import { addReach } from "./dial_reach.js";
import { addRequests } from "./dial_requests.js";
import { addRows } from "./dial_rows.js";
import { addSearch } from "./dial_search.js";
import { format } from "./dial_text.js";
import { listener } from "./listen.js";

const memory = new WeakMap();

const HOLDS = {
  identity: { word: "Identity", sign: LOCK_SIGN, off: "Keep this person recognisable while dials move",
    on: "The person stays the same person while dials move. Press to let go." },
  rest: { word: "Keep rest", sign: REST_SIGN, off: "Keep the rest of the picture: each dial changes its own part alone",
    on: "Each dial changes its own part of the picture, and the rest stays as it is. Press to let dials change all of it." },
};

function setUp(el) {
  const $ = (name) => el.querySelector(".fg-" + name);
  // `pending`: what was asked and is not answered yet, dial -> { value, reset, n }.
  const s = { rows: new Map(), groups: [], pending: new Map(), holds: {}, rev: -1, n: 0, busy: false, want: null, down: null, off: [] };
  const on = listener(s);
  addRequests(s, on);
  addReach(s);
  addNumbers(s);
  addRows(s);
  addMoves(s, $, on);
  addGroups(s, $);
  addSearch(s, $, on);

  s.say = (text) => { $("live").textContent = text; };
  // What is to be said of the picture stands under it: see caption.js.
  s.note = () => {
    const missed = s.down || s.pending.size ? [] : [...s.rows.values()].map((r) => r.dial).filter((d) => d.off);
    const offer = !!s.offer && missed.length > 0, share = (d) => Math.abs(d.asked - d.now) / (d.max - d.min);
    // The one of which more is known, else the one that is furthest off.
    const [first] = missed.sort((a, b) => !!b.way - !!a.way || share(b) - share(a));
    const text = s.faceless ? "No face is seen on this picture; numbers are not measured."
      : s.stranger && !s.settling ? "Identity is locked, and what is asked still makes somebody else: ask for less, or unlock it."
      : s.settling ? "Bringing the picture to what was asked \u2026"
      : first && (offer || s.settled) ? `${first.label}: ${format(first, first.now)} on the picture, ${format(first, first.asked)} asked`
      + (missed.length > 1 ? `, and ${missed.length - 1} more` : "")
      + (offer ? "" : first.way ? `: ${first.way} is in the way` : ": as near as this face comes") : "";
    window.dispatchEvent(new CustomEvent("facegen:say", { detail: { text, offer } }));
    // Read aloud here, too: one place speaks for the whole page.
    if (text !== s.noted) { s.noted = text; s.say(text); }
  };
  on(window, "facegen:correct", () => s.fire("correct", Date.now()));

  s.update = (data) => {
    const shape = data.groups.map((g) => g.name + ":" + g.dials.map((d) => d.name).join()).join(";");
    const isNew = data.rev !== s.rev;
    s.n = Math.max(s.n, data.n);
    for (const [name, asked] of [...s.pending]) {
      if (name !== s.down && (isNew || asked.n <= data.n)) s.pending.delete(name);
    }
    s.rev = data.rev;
    s.offer = data.offer; s.faceless = data.faceless; s.settling = data.settling; s.settled = data.settled; s.stranger = data.stranger;
    $("panel").classList.toggle("guessed", !!s.faceless);
    if (shape !== s.shape) { s.shape = shape; s.build(data.groups); }
    for (const group of data.groups) {
      const known = s.groups.find((g) => g.name === group.name);
      known.dials = group.dials;
      for (const dial of group.dials) {
        const row = s.rows.get(dial.name), held = s.down === dial.name;
        // Under the finger the rail keeps its ends.
        dial.locked = s.isLocked(dial.name, dial.locked);
        row.dial = held ? { ...dial, min: row.dial.min, max: row.dial.max } : dial;
        row.input.min = row.dial.min; row.input.max = row.dial.max;
        s.paint(row, { keepValue: held });
      }
    }
    s.counts();
    s.note();
    for (const [name, hold] of Object.entries(s.holds)) hold(data[name]);
    s.measureAfter = data.measure;
    s.rested();
  };
  // Locks without a dial: the identity, and what a dial's own part leaves of the picture.
  for (const [name, { word, sign, on: isOn, off }] of Object.entries(HOLDS)) {
    const button = $(name);
    s.holds[name] = (answered) => {
      button.hidden = answered === null || answered === undefined;
      const locked = s.isLocked(name, answered);
      button.setAttribute("aria-pressed", String(!!locked));
      button.title = locked ? isOn : off;
    };
    button.innerHTML = `${sign}<span>${word}</span>`;
    on(button, "click", () => {
      const now = button.getAttribute("aria-pressed") !== "true";
      s.press(name, now);
      s.holds[name](now);
    });
  }
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  if (data) s.update(data);
  return () => { s.off.forEach((f) => f()); clearTimeout(s.watchdog); clearTimeout(s.rest); clearTimeout(s.measuring); clearTimeout(s.asking); memory.delete(el); };
}
