// The dials: rows of range fields. Moving one asks for previews (one request under way, the newest
// position wins); letting go commits all dials at once. What is shown always comes from here until
// the server has answered; the numbers are the server's readings of the face.
const memory = new WeakMap();
const WATCHDOG_MS = 5000;
const REST_MS = 350;
const SNAP = 0.012;
const BACK = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"><path d="M3 3v4h4"/><path d="M3.4 7A5 5 0 1 1 3 9.5"/></svg>';

const LOCK = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"><rect x="3" y="7.2" width="10" height="6.6" rx="1.8" class="fg-body"/><path class="fg-bow" d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2"/></svg>';
const DICE = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"><rect x="2" y="2" width="12" height="12" rx="3"/><g fill="currentColor" stroke="none"><circle cx="5.4" cy="5.4" r="1.1"/><circle cx="10.6" cy="5.4" r="1.1"/><circle cx="8" cy="8" r="1.1"/><circle cx="5.4" cy="10.6" r="1.1"/><circle cx="10.6" cy="10.6" r="1.1"/></g></svg>';

function make(tag, className, attributes = {}, text = "") {
  const el = document.createElement(tag);
  el.className = className;
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  el.textContent = text;
  return el;
}

function format(dial, value) {
  const minus = (text) => text.replace("-", "\u2212");
  if (dial.unit === "deg") return minus(`${Math.round(value) + 0}`) + "\u00b0";
  if (dial.unit === "years") return minus(`${Math.round(value) + 0}`) + " y";
  if (dial.unit === "psi") return value.toFixed(2);
  const text = value.toFixed(1).replace("-0.0", "0.0");
  return minus(value > 0.05 ? "+" + text : text);
}

function spoken(dial, value) {
  const words = { deg: "degrees", years: "years" }[dial.unit] || "";
  const number = dial.unit === "deg" || dial.unit === "years" ? Math.round(value) : Math.round(value * 100) / 100;
  return `${number} ${words}`.trim();
}

function setUp(el) {
  const $ = (name) => el.querySelector(".fg-" + name);
  // `pending`: what was asked and is not answered yet, dial -> { value, reset, n }.
  const s = { rows: new Map(), groups: [], pending: new Map(), rev: -1, n: 0, busy: false, want: null, down: null, off: [] };
  const on = (target, type, handler, options) => {
    target.addEventListener(type, handler, options);
    s.off.push(() => target.removeEventListener(type, handler, options));
  };
  const store = (() => { try { return window.sessionStorage; } catch { return null; } })();
  const opened = JSON.parse(store?.getItem("facegen:open") || "null");

  s.value = (dial) => { const asked = s.pending.get(dial.name); return asked ? asked.value : dial.now; };
  s.isMoved = (dial) => { const asked = s.pending.get(dial.name); return asked ? !asked.reset && asked.value !== dial.own : dial.moved; };
  // Beyond the natural range by a dial; somebody who is like that by nature is no warning.
  s.isBeyond = (dial, value) => {
    const slack = 0.02 * (dial.max - dial.min), [low, high] = dial.natural;
    return dial.name !== "psi" && (value < low - slack || value > high + slack) && Math.abs(value - dial.own) > slack;
  };

  s.paint = (row, { keepValue = false } = {}) => {
    const { dial, input, output, node } = row, span = dial.max - dial.min || 1;
    const value = s.value(dial), at = (x) => Math.min(1, Math.max(0, (x - dial.min) / span));
    const style = row.track.style, v = at(value), t = at(dial.own), moved = s.isMoved(dial), beyond = s.isBeyond(dial, value);
    style.setProperty("--t", t); style.setProperty("--a", Math.min(v, t)); style.setProperty("--b", Math.max(v, t));
    style.setProperty("--n0", at(dial.natural[0])); style.setProperty("--n1", at(dial.natural[1]));
    if (!keepValue) input.value = value;
    // At rest the number is what the picture measures, and a dot on the rail shows where that is.
    const seen = s.down || s.pending.size ? null : dial.seen ?? null;
    output.textContent = format(dial, seen ?? value);
    node.classList.toggle("seen", seen !== null);
    node.classList.toggle("missed", seen !== null && !!dial.missed);
    if (seen !== null) style.setProperty("--s", at(seen));
    const words = dial.locked ? `Locked at ${format(dial, value)}: unlock to move.`
      : beyond ? `Beyond natural (${format(dial, dial.natural[0])} to ${format(dial, dial.natural[1])}): expect mistakes.` : "";
    row.words.textContent = words;
    row.track.title = input.title = words || dial.help;
    output.title = words || (seen === null ? dial.help
      : `${dial.label}: ${format(dial, seen)} on the picture${dial.missed ? `, though ${format(dial, value)} was asked for` : ""}`);
    input.setAttribute("aria-valuetext", spoken(dial, value) + (words ? ". " + words : ""));
    input.disabled = !!dial.locked;
    node.classList.toggle("moved", moved);
    node.classList.toggle("beyond", beyond);
    node.classList.toggle("locked", !!dial.locked);
    if (row.lock) {
      row.lock.setAttribute("aria-pressed", String(!!dial.locked));
      row.lock.title = dial.locked ? `Unlock ${dial.label.toLowerCase()}` : `Lock ${dial.label.toLowerCase()}: it stays as it is while other dials move`;
    }
  };

  s.counts = () => {
    let all = 0;
    for (const group of s.groups) {
      const moved = group.dials.filter(s.isMoved).length;
      all += moved;
      group.count.textContent = moved ? `${moved} changed` : "";
      group.undo.hidden = !moved;
      const locked = group.dials.filter((d) => d.locked).length;
      group.held.textContent = locked ? `${locked} locked` : "";
      if (group.dice) group.dice.disabled = locked === group.dials.length;
    }
    $("all").disabled = !all;
  };

  // -- talking to the server -----------------------------------------------------------------
  s.post = (final, what, sharp = final) => {
    if (sharp) clearTimeout(s.rest);
    s.n += 1;
    s.busy = true; s.want = null;
    clearTimeout(s.watchdog);
    s.watchdog = setTimeout(() => { s.busy = false; s.pump(); }, WATCHDOG_MS);
    window.dispatchEvent(new CustomEvent("facegen:sent", { detail: { n: s.n, final } }));
    const moves = {}, resets = [];
    for (const [name, asked] of s.pending) {
      if (asked.reset) resets.push(name); else moves[name] = asked.value;
      if (final) asked.n = Math.min(asked.n, s.n);
    }
    s.fire("edit", { n: s.n, rev: s.rev, final, sharp, what, moves, resets });
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
      if (s.down || s.busy || s.pending.size || running || document.hidden) s.rested();
      else s.fire("measure", Date.now());
    }, 1000 * s.measureAfter);
  };
  for (const touch of ["keydown", "pointerdown"]) on(window, touch, s.rested, true);
  s.note = () => {
    const missed = s.down || s.pending.size ? [] : [...s.rows.values()].map((r) => r.dial).filter((d) => d.missed);
    const [first] = missed, note = $("truth");
    note.hidden = !first;
    if (!first) return;
    const others = missed.length > 1 ? ` ${missed.length - 1} more ${missed.length > 2 ? "differ" : "differs"}.` : "";
    $("missed").textContent = `${first.label} is ${format(first, first.seen)} on the picture, not ${format(first, first.now)}.${others}`;
  };
  on($("correct"), "click", () => { $("truth").hidden = true; s.fire("correct", Date.now()); });
  on(window, "facegen:frame", (e) => {
    if (e.detail.n === s.n || e.detail.kind === "full") { s.busy = false; clearTimeout(s.watchdog); s.pump(); }
  });

  // -- moving dials ----------------------------------------------------------------------------
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

  s.lock = (row, on) => {
    row.dial.locked = on;
    s.paint(row); s.counts();
    s.fire("lock", { name: row.dial.name, on, n: Date.now() });
  };

  s.row = (dial) => {
    const id = "fg-dial-" + dial.name, node = make("div", "fg-row", { "data-dial": dial.name });
    const label = make("label", "", { for: id, title: dial.help }, dial.label);
    const track = make("div", "fg-track");
    const input = make("input", "", { type: "range", id, min: dial.min, max: dial.max, step: "any",
      "aria-label": dial.label, title: dial.help });
    const output = make("output", "", { for: id });
    const back = make("button", "fg-back", { type: "button", title: `Put ${dial.label.toLowerCase()} back`,
      "aria-label": `Reset ${dial.label}` });
    back.innerHTML = BACK;
    const ends = make("div", "fg-ends");
    ends.append(make("span", "", {}, dial.low), make("span", "", {}, dial.high));
    track.append(input, ends);
    const words = make("span", "fg-words");
    ends.append(words);
    track.append(make("i", "fg-dot"));
    node.append(label, track, output);
    const row = { dial, node, input, output, track, words };
    if (dial.name === "psi") node.classList.add("always");
    else {
      row.lock = make("button", "fg-lock", { type: "button", "aria-pressed": "false", "aria-label": `Lock ${dial.label}` });
      row.lock.innerHTML = LOCK;
      row.lock.onclick = () => s.lock(row, !row.dial.locked);
      node.append(row.lock);
    }
    node.append(back);
    // A locked dial says why it does not follow.
    track.onpointerdown = () => {
      if (!row.dial.locked) return;
      node.classList.remove("nudge"); void node.offsetWidth; node.classList.add("nudge");
    };
    input.onpointerdown = () => { if (!row.dial.locked) s.down = dial.name; };
    input.oninput = () => {
      s.set(row.dial, +input.value); s.paint(row, { keepValue: true });
      if (s.down === dial.name) s.preview(dial.name);
    };
    input.onchange = () => { s.set(row.dial, +input.value); s.paint(row); s.down = null; s.commit(dial.name); };
    // Streamlit's shortcuts sleep while a field has the focus; a dial is no place to type letters.
    input.onkeydown = input.onkeyup = (e) => {
      if (e.key.length !== 1 || e.ctrlKey || e.metaKey || e.altKey) return;
      document.body.dispatchEvent(new KeyboardEvent(e.type, { key: e.key, code: e.code, shiftKey: e.shiftKey, bubbles: true }));
    };
    input.ondblclick = back.onclick = () => { if (s.isMoved(row.dial)) s.reset([row.dial], dial.name + ":reset"); };
    s.rows.set(dial.name, row);
    return node;
  };

  // -- groups, pills, search ---------------------------------------------------------------------
  s.remember = () => store?.setItem("facegen:open", JSON.stringify({
    open: s.groups.filter((g) => !g.node.classList.contains("shut")).map((g) => g.name),
    on: s.groups.find((g) => g.node.classList.contains("on"))?.name }));
  s.pick = (name) => {
    for (const g of s.groups) {
      g.node.classList.toggle("on", g.name === name);
      g.pill.setAttribute("aria-pressed", String(g.name === name));
    }
    s.remember();
  };
  s.build = (groups) => {
    s.rows.clear(); s.groups = [];
    $("scroll").replaceChildren(); $("pills").replaceChildren();
    for (const group of groups) {
      const node = make("div", "fg-group", { "data-group": group.name });
      const top = make("div", "fg-top"), fold = make("button", "fg-fold", { type: "button",
        title: `Show or hide the ${group.name.toLowerCase()} dials` });
      const count = make("span", "fg-count"), undo = make("button", "fg-undo", { type: "button",
        title: `Put all ${group.name.toLowerCase()} dials back` }, "Reset");
      const held = make("span", "fg-count");
      fold.append(make("span", "", {}, group.name), count, held);
      top.append(fold, undo);
      let dice = null;
      if (group.name !== "Person") {
        dice = make("button", "fg-dice", { type: "button", "aria-label": `Shuffle ${group.name}`,
          title: `Shuffle the ${group.name.toLowerCase()} dials, as somebody else might have them; what is locked stays` });
        dice.innerHTML = DICE;
        dice.onclick = () => s.fire("shuffle", { dials: g.dials.map((d) => d.name), n: Date.now() });
        top.append(dice);
      }
      const rows = make("div", "fg-rows");
      rows.append(...group.dials.map(s.row));
      node.append(top, rows);
      const pill = make("button", "", { type: "button", title: `Show the ${group.name.toLowerCase()} dials` }, group.name);
      const g = { ...group, node, count, held, undo, dice, pill, fold };
      fold.onclick = () => { node.classList.toggle("shut"); s.fold(g); s.remember(); };
      undo.onclick = () => s.reset(g.dials, "group");
      pill.onclick = () => s.pick(g.name);
      const isMoved = group.dials.some((d) => d.moved && d.name !== "psi");
      const isOpen = isMoved || (opened?.open ? opened.open.includes(group.name) : group.open);
      node.classList.toggle("shut", !isOpen);
      s.groups.push(g); s.fold(g);
      $("scroll").append(node); $("pills").append(pill);
    }
    s.none = make("p", "fg-none", {}, "No dial of that name. Try a plainer word.");
    s.none.hidden = true;
    $("scroll").append(s.none);
    const first = s.groups.find((g) => g.dials.length > 2) || s.groups[0];
    s.pick(s.groups.some((g) => g.name === opened?.on) ? opened.on : first?.name);
    s.search();
  };
  s.fold = (g) => g.fold.setAttribute("aria-expanded", String(!g.node.classList.contains("shut")));
  s.search = () => {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    $("panel").classList.toggle("searching", words.length > 0);
    // Beginnings of words count first ("age" is not "average"), else any part of one.
    const starts = (text, word) => text.startsWith(word) || text.includes(" " + word);
    const within = (text, word) => text.includes(word);
    const found = s.filter(words, starts) || s.filter(words, within);
    for (const g of s.groups) {
      if (words.length) {
        g.wasShut ??= g.node.classList.contains("shut");
        g.node.classList.remove("shut");
      } else if (g.wasShut !== undefined) {  // As it was before the search.
        g.node.classList.toggle("shut", g.wasShut && !g.dials.some(s.isMoved));
        delete g.wasShut;
      }
      s.fold(g);
    }
    if (s.none) s.none.hidden = found > 0;
  };
  s.filter = (words, has) => {
    let found = 0;
    for (const g of s.groups) {
      let here = 0;
      for (const dial of g.dials) {
        const text = [dial.label, dial.help, dial.low, dial.high, g.name, dial.name.replaceAll("_", " ")].join(" ").toLowerCase();
        const hit = words.every((word) => has(text, word));
        s.rows.get(dial.name).node.hidden = !hit;
        here += hit;
      }
      g.node.hidden = !here;
      found += here;
    }
    return found;
  };
  on($("search"), "input", s.search);
  on($("search"), "keydown", (e) => {
    e.stopPropagation();
    if (e.key === "Escape") { $("search").value = ""; s.search(); $("search").blur(); }
  });

  s.update = (data) => {
    const shape = data.groups.map((g) => g.name + ":" + g.dials.map((d) => d.name).join()).join(";");
    const isNew = data.rev !== s.rev;
    s.n = Math.max(s.n, data.n);
    for (const [name, asked] of [...s.pending]) {
      if (name !== s.down && (isNew || asked.n <= data.n)) s.pending.delete(name);
    }
    s.rev = data.rev;
    if (shape !== s.shape) { s.shape = shape; s.build(data.groups); }
    for (const group of data.groups) {
      const known = s.groups.find((g) => g.name === group.name);
      known.dials = group.dials;
      for (const dial of group.dials) {
        const row = s.rows.get(dial.name), held = s.down === dial.name;
        // Under the finger the rail keeps its ends.
        row.dial = held ? { ...dial, min: row.dial.min, max: row.dial.max } : dial;
        row.input.min = row.dial.min; row.input.max = row.dial.max;
        s.paint(row, { keepValue: held });
      }
    }
    s.counts();
    s.note();
    s.identity(data.identity);
    s.measureAfter = data.measure;
    s.rested();
  };
  // The identity is a lock without a dial.
  s.identity = (on) => {
    const button = $("identity");
    button.hidden = on === null || on === undefined;
    button.setAttribute("aria-pressed", String(!!on));
    button.title = on ? "The person stays the same person while dials move. Press to let go."
      : "Keep this person recognisable while dials move";
  };
  $("identity").innerHTML = LOCK + "<span>Identity</span>";
  on($("identity"), "click", () => {
    const now = $("identity").getAttribute("aria-pressed") !== "true";
    s.identity(now);
    s.fire("lock", { name: "identity", on: now, n: Date.now() });
  });
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  if (data) s.update(data);
  return () => { s.off.forEach((f) => f()); clearTimeout(s.watchdog); clearTimeout(s.rest); clearTimeout(s.measuring); memory.delete(el); };
}
