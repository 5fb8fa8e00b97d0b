// One dial: its row of elements, and what it shows.
import { BACK_SIGN, LOCK_SIGN, make } from "./dial_elements.js";
import { format, spoken, spokenEnds } from "./dial_text.js";
import { heedSwipes } from "./swipe.js";

export function addRows(s) {
  const lock = (row) => { if (row.lock) { s.lock(row, true); row.lock.focus(); } };
  const reset = (row, back) => back.onclick();
  const KEYS = { Enter: (row) => row.field.focus(), l: lock, L: lock, Delete: reset, Backspace: reset };

  s.value = (dial) => { const asked = s.pending.get(dial.name); return asked ? asked.value : dial.now; };
  s.isMoved = (dial) => { const asked = s.pending.get(dial.name); return asked ? !asked.reset && asked.value !== dial.own : dial.moved; };
  // Beyond the natural range by this dial: what one is by nature, or what came along, is no warning.
  s.isBeyond = (dial, value) => {
    const slack = 0.02 * (dial.max - dial.min), [low, high] = dial.natural;
    return dial.name !== "psi" && s.isMoved(dial) && (value < low - slack || value > high + slack) && Math.abs(value - dial.own) > slack;
  };

  s.paint = (row, { keepValue = false } = {}) => {
    const { dial, input, node } = row, span = dial.max - dial.min || 1;
    const value = s.value(dial), at = (x) => Math.min(1, Math.max(0, (x - dial.min) / span));
    const style = row.track.style, v = at(value), t = at(dial.own), moved = s.isMoved(dial), beyond = s.isBeyond(dial, value);
    style.setProperty("--t", t); style.setProperty("--a", Math.min(v, t)); style.setProperty("--b", Math.max(v, t));
    const band = dial.reach ?? dial.natural, isOut = s.isWellOut(dial, value);
    style.setProperty("--n0", at(band[0])); style.setProperty("--n1", at(band[1]));
    if (!keepValue) input.value = value;
    s.paintNumber(row, value);
    // The handle is where the picture is; the ring where it was asked to be, if it is not there.
    const asked = s.down || s.pending.size ? null : dial.asked ?? null;
    node.classList.toggle("seen", !!dial.seen && !s.pending.has(dial.name));
    node.classList.toggle("missed", asked !== null);
    if (asked !== null) style.setProperty("--s", at(asked));
    const told = s.told?.name === dial.name ? s.told.text : "";
    const words = told || (dial.locked ? `Locked at ${format(dial, value)}: unlock to move.`
      : isOut ? s.reachWords(dial)
      : asked !== null ? `${format(dial, asked)} was asked for (the ring).`
      : beyond ? `Beyond natural (${format(dial, dial.natural[0])} to ${format(dial, dial.natural[1])}): rare.` : "");
    row.words.textContent = words;
    row.track.title = input.title = words || `${dial.help} ${s.bandWords(dial)}`;
    row.value.title = words || `${dial.label}: click to type a number${dial.unit === "sd" ? " (0 is usual, 1 is common, 2 is rare)" : ""}.`;
    input.setAttribute("aria-valuetext", spoken(dial, value) + spokenEnds(dial) + (words ? ". " + words : ""));
    input.disabled = !!dial.locked;
    node.classList.toggle("told", !!told);
    node.classList.toggle("moved", moved);
    node.classList.toggle("beyond", beyond || isOut);
    node.classList.toggle("locked", !!dial.locked);
    if (row.lock) {
      row.lock.setAttribute("aria-pressed", String(!!dial.locked));
      row.lock.tabIndex = dial.locked ? 0 : -1;
      row.lock.title = dial.locked ? `Unlock ${dial.label.toLowerCase()}` : `Lock ${dial.label.toLowerCase()}: it stays as it is while other dials move`;
    }
  };

  s.row = (dial) => {
    const id = "fg-dial-" + dial.name, node = make("div", "fg-row", { "data-dial": dial.name });
    const label = make("label", "", { for: id, title: dial.help }, dial.label);
    const track = make("div", "fg-track");
    // One stop for Tab a dial: its other parts are reached with keys of their own (see KEYS).
    const input = make("input", "", { type: "range", id, min: dial.min, max: dial.max, step: "any",
      "aria-label": dial.label, "aria-keyshortcuts": "Enter L Delete", title: dial.help });
    const back = make("button", "fg-back", { type: "button", tabindex: "-1", title: `Put ${dial.label.toLowerCase()} back`,
      "aria-label": `Reset ${dial.label}` });
    back.innerHTML = BACK_SIGN;
    const ends = make("div", "fg-ends");
    ends.append(make("span", "", {}, dial.low), make("span", "", {}, dial.high));
    track.append(input, ends);
    const words = make("span", "fg-words");
    ends.append(words);
    track.append(make("i", "fg-ring"));
    const row = { dial, node, input, track, words };
    row.value = s.numberOf(row);
    node.append(label, track, row.value);
    if (dial.name === "psi") node.classList.add("always");
    else {
      row.lock = make("button", "fg-lock", { type: "button", "aria-pressed": "false", "aria-label": `Lock ${dial.label}` });
      row.lock.innerHTML = LOCK_SIGN;
      row.lock.onclick = (e) => { s.lock(row, !row.dial.locked); if (!e.detail && !row.dial.locked) input.focus(); };
      node.append(row.lock);
    }
    node.append(back);
    // A locked dial says why it does not follow.
    track.onpointerdown = () => {
      if (!row.dial.locked) return;
      node.classList.remove("nudge"); void node.offsetWidth; node.classList.add("nudge");
    };
    heedSwipes(input, () => { s.down = null; s.paint(row); });
    input.onpointerdown = () => { if (!row.dial.locked) s.down = dial.name; s.tell(row, ""); };
    input.onfocus = () => s.near(row);
    input.oninput = () => {
      const value = s.resisted(row.dial, +input.value);
      if (value !== +input.value) input.value = value;
      s.set(row.dial, value); s.paint(row, { keepValue: true });
      if (s.down === dial.name) s.preview(dial.name);
    };
    input.onchange = () => { s.set(row.dial, +input.value); s.paint(row); s.down = null; s.commit(dial.name); };
    // Streamlit's shortcuts sleep while a field has the focus; a dial is no place to type letters.
    input.onkeydown = input.onkeyup = (e) => {
      // A digit on the dial begins to type its number.
      if (e.type === "keydown" && /^[\d.+-]$/.test(e.key) && !e.ctrlKey && !e.metaKey) {
        e.preventDefault(); row.field.focus(); row.field.value = e.key; row.typing = true;
        return;
      }
      const act = e.type === "keydown" && !(e.ctrlKey || e.metaKey || e.altKey) && KEYS[e.key];
      if (act) { e.preventDefault(); act(row, back); return; }
      if (e.key.length !== 1 || e.ctrlKey || e.metaKey || e.altKey) return;
      document.body.dispatchEvent(new KeyboardEvent(e.type, { key: e.key, code: e.code, shiftKey: e.shiftKey, bubbles: true }));
    };
    input.ondblclick = back.onclick = () => { if (s.isMoved(row.dial)) s.reset([row.dial], dial.name + ":reset"); };
    s.rows.set(dial.name, row);
    return node;
  };
}
