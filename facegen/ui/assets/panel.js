// The dials: rows of range fields. Moving one asks for previews (one request under way, the newest
// position wins); letting go commits all dials at once. What is shown always comes from here until
// the server says otherwise with a new revision.
const memory = new WeakMap();
const WATCHDOG_MS = 5000;
const REST_MS = 350;
const SNAP = 0.012;
const BACK = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"><path d="M3 3v4h4"/><path d="M3.4 7A5 5 0 1 1 3 9.5"/></svg>';

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
  const s = { rows: new Map(), groups: [], deltas: {}, psi: 0, rev: -1, n: 0, busy: false, want: null, down: null, off: [] };
  const on = (target, type, handler, options) => {
    target.addEventListener(type, handler, options);
    s.off.push(() => target.removeEventListener(type, handler, options));
  };
  const store = (() => { try { return window.sessionStorage; } catch { return null; } })();
  const opened = JSON.parse(store?.getItem("facegen:open") || "null");

  s.value = (dial) => dial.name === "psi" ? s.psi : dial.own + (s.deltas[dial.name] || 0);
  s.isMoved = (dial) => dial.name === "psi" ? Math.abs(s.psi - dial.own) > 5e-4 : !!s.deltas[dial.name];

  s.paint = (row, { keepValue = false } = {}) => {
    const { dial, input, output, node } = row, span = dial.max - dial.min || 1;
    const value = s.value(dial), at = (x) => Math.min(1, Math.max(0, (x - dial.min) / span));
    const style = row.track.style, v = at(value), t = at(dial.own);
    style.setProperty("--t", t); style.setProperty("--a", Math.min(v, t)); style.setProperty("--b", Math.max(v, t));
    style.setProperty("--n0", at(dial.natural[0])); style.setProperty("--n1", at(dial.natural[1]));
    if (!keepValue) input.value = value;
    output.textContent = format(dial, value);
    input.setAttribute("aria-valuetext", spoken(dial, value));
    node.classList.toggle("moved", s.isMoved(dial));
  };

  s.counts = () => {
    let all = 0;
    for (const group of s.groups) {
      const moved = group.dials.filter(s.isMoved).length;
      all += moved;
      group.count.textContent = moved ? `${moved} changed` : "";
      group.undo.hidden = !moved;
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
    s.fire("edit", { n: s.n, rev: s.rev, final, sharp, what, psi: s.psi, deltas: { ...s.deltas } });
  };
  s.pump = () => { if (!s.busy && s.want) s.post(false, s.want); };
  s.preview = (what) => {
    s.want = what;
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
  on(window, "facegen:frame", (e) => {
    if (e.detail.n === s.n || e.detail.kind === "full") { s.busy = false; clearTimeout(s.watchdog); s.pump(); }
  });

  // -- moving dials ----------------------------------------------------------------------------
  s.set = (dial, value) => {
    // The tick is magnetic under the finger; the keyboard's steps are smaller than its reach.
    const reach = s.down === dial.name ? SNAP * (dial.max - dial.min) : 5e-4;
    if (dial.name === "psi") {
      s.psi = Math.abs(value - dial.own) < reach ? dial.own : Math.round(value * 1000) / 1000;
    } else {
      const delta = Math.round((value - dial.own) * 1000) / 1000;
      if (Math.abs(delta) < reach) delete s.deltas[dial.name]; else s.deltas[dial.name] = delta;
    }
    s.counts();
  };
  s.reset = (dials, what) => {
    for (const dial of dials) {
      if (dial.name === "psi") s.psi = dial.own; else delete s.deltas[dial.name];
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
    node.append(label, track, output, back);
    if (dial.name === "psi") node.classList.add("always");
    const row = { dial, node, input, output, track };
    input.onpointerdown = () => { s.down = dial.name; };
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
      fold.append(make("span", "", {}, group.name), count);
      top.append(fold, undo);
      const rows = make("div", "fg-rows");
      rows.append(...group.dials.map(s.row));
      node.append(top, rows);
      const pill = make("button", "", { type: "button", title: `Show the ${group.name.toLowerCase()} dials` }, group.name);
      const g = { ...group, node, count, undo, pill, fold };
      fold.onclick = () => { node.classList.toggle("shut"); s.fold(g); s.remember(); };
      undo.onclick = () => s.reset(g.dials, "group");
      pill.onclick = () => s.pick(g.name);
      const isMoved = group.dials.some((d) => s.deltas[d.name]);
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
    let found = 0;
    $("panel").classList.toggle("searching", words.length > 0);
    for (const g of s.groups) {
      let here = 0;
      for (const dial of g.dials) {
        const text = [dial.label, dial.help, dial.low, dial.high, g.name, dial.name].join(" ").toLowerCase();
        const hit = words.every((word) => text.includes(word));
        s.rows.get(dial.name).node.hidden = !hit;
        here += hit;
      }
      g.node.hidden = !here;
      if (words.length) g.node.classList.remove("shut");
      found += here;
    }
    if (s.none) s.none.hidden = found > 0;
  };
  on($("search"), "input", s.search);
  on($("search"), "keydown", (e) => {
    e.stopPropagation();
    if (e.key === "Escape") { $("search").value = ""; s.search(); $("search").blur(); }
  });

  s.update = (data) => {
    const shape = data.groups.map((g) => g.name + ":" + g.dials.map((d) => d.name).join()).join(";");
    const isNew = data.rev !== s.rev;
    if (isNew) { s.rev = data.rev; s.deltas = { ...data.deltas }; s.psi = data.psi; s.want = null; }
    if (shape !== s.shape) { s.shape = shape; s.build(data.groups); }
    for (const group of data.groups) {
      const known = s.groups.find((g) => g.name === group.name);
      known.dials = group.dials;
      for (const dial of group.dials) {
        const row = s.rows.get(dial.name);
        row.dial = dial;
        row.input.min = dial.min; row.input.max = dial.max;
        if (isNew || s.down !== dial.name) s.paint(row);
      }
    }
    s.counts();
  };
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  if (data) s.update(data);
  return () => { s.off.forEach((f) => f()); clearTimeout(s.watchdog); clearTimeout(s.rest); memory.delete(el); };
}
