// The number of a dial, as a field: typed, stepped with the arrow keys, given back with Escape.
import { make } from "./dial_elements.js";
import { format, number, spoken, stepOf, typed, unitOf } from "./dial_text.js";

const LARGE_STEPS = 10;

export function addNumbers(s) {
  // A sentence at a dial; the next touch of any dial takes it away.
  s.tell = (row, text) => {
    const before = s.told && s.rows.get(s.told.name);
    s.told = text ? { name: row.dial.name, text } : null;
    s.say(text);
    if (before) s.paint(before);
    s.paint(row);
  };

  // The number, brought to where the dial ends; says so.
  s.eased = (row, value) => {
    const { dial } = row, [low, high] = dial.limits, safe = Math.min(Math.max(value, low), high);
    const inside = s.withinReach(dial, safe), to = `eased to ${format(dial, inside)}.`;
    if (inside !== safe) s.tell(row, `This face gets no further: ${to}`);
    else if (inside !== value) s.tell(row, `Goes from ${format(dial, low)} to ${format(dial, high)}: ${to}`);
    return inside;
  };

  const turn = (row, value) => {
    s.set(row.dial, s.eased(row, value));
    s.paint(row);
    s.commit(row.dial.name);
  };
  // What the field shows is the dial's; while somebody types, it is theirs.
  s.paintNumber = (row, value) => {
    const { dial, field } = row;
    if (!row.typing) field.value = number(dial, value);
    field.readOnly = !!dial.locked;
    field.setAttribute("aria-valuenow", String(Math.round(value * 100) / 100));
    field.setAttribute("aria-valuetext", spoken(dial, value));
    field.setAttribute("aria-valuemin", String(dial.limits[0]));
    field.setAttribute("aria-valuemax", String(dial.limits[1]));
  };
  const stop = (row) => { row.typing = false; row.field.removeAttribute("aria-invalid"); };
  const apply = (row) => {
    if (!row.typing) return;
    const value = typed(row.field.value);
    stop(row);
    if (value === null) {
      row.field.setAttribute("aria-invalid", "true");
      s.tell(row, `That is no number. Type one such as ${number(row.dial, s.value(row.dial))}.`);
    } else {
      s.tell(row, "");
      turn(row, value);
    }
  };
  const step = (row, steps) => {
    const base = row.typing ? typed(row.field.value) ?? s.value(row.dial) : s.value(row.dial);
    stop(row);
    s.tell(row, "");
    turn(row, base + steps * stepOf(row.dial));
    row.field.select();
  };
  // As it was when the field was entered: what was stepped since is taken back.
  const giveBack = (row) => {
    stop(row);
    s.tell(row, "");
    if (s.value(row.dial) !== row.entered) turn(row, row.entered);
    row.field.select();
  };
  const KEYS = { ArrowUp: 1, ArrowDown: -1, PageUp: LARGE_STEPS, PageDown: -LARGE_STEPS };

  s.numberOf = (row) => {
    // A deviation's unit says little to most: it shows while somebody types.
    const { dial } = row, isRare = dial.unit === "sd", node = make("span", "fg-value");
    const field = row.field = make("input", "fg-number", { type: "text", role: "spinbutton", autocomplete: "off",
      spellcheck: "false", size: "5", tabindex: "-1", "aria-label": `${dial.label}, as a number` });
    node.append(field, make("span", isRare ? "fg-unit rare" : "fg-unit", { "aria-hidden": "true" }, isRare ? "sd" : unitOf(dial)));
    // A click means the whole number, also one beside the digits.
    node.onmousedown = (e) => { if (document.activeElement !== field) { e.preventDefault(); field.focus(); } };
    field.onfocus = () => { row.entered = s.value(row.dial); s.near(row); if (!row.typing) field.select(); };
    field.oninput = () => { row.typing = true; };
    field.onblur = () => apply(row);
    field.onkeydown = (e) => {
      e.stopPropagation();
      if (e.key === "Enter") { apply(row); field.select(); }
      if (e.key === "Escape") giveBack(row);
      if (e.key in KEYS && !row.dial.locked) { e.preventDefault(); step(row, KEYS[e.key]); }
    };
    return node;
  };
}
