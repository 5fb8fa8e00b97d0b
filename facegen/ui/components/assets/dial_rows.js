// One dial: its row of elements, and what it shows.
import { BACK_SIGN, LOCK_SIGN, make } from "./dial_elements.js";
import { format, spoken } from "./dial_text.js";

export function addRows(s) {
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

  s.row = (dial) => {
    const id = "fg-dial-" + dial.name, node = make("div", "fg-row", { "data-dial": dial.name });
    const label = make("label", "", { for: id, title: dial.help }, dial.label);
    const track = make("div", "fg-track");
    const input = make("input", "", { type: "range", id, min: dial.min, max: dial.max, step: "any",
      "aria-label": dial.label, title: dial.help });
    const output = make("output", "", { for: id });
    const back = make("button", "fg-back", { type: "button", title: `Put ${dial.label.toLowerCase()} back`,
      "aria-label": `Reset ${dial.label}` });
    back.innerHTML = BACK_SIGN;
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
      row.lock.innerHTML = LOCK_SIGN;
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
}
