// The seed's box. What is typed in it and pressed beside it goes out as one list, see presses.js.
import { listener } from "./listen.js";
import { addPresses } from "./presses.js";

const memory = new WeakMap();

function setUp(el) {
  const input = el.querySelector("input"), s = { seed: "", typing: false, off: [] };
  const on = listener(s);
  addPresses(s, on);
  s.paint = () => { if (!s.typing) input.value = s.seed; };
  const take = () => {
    if (!s.typing) return;
    s.typing = false;
    if (input.value.trim() === s.seed || !input.value.trim()) s.paint(); else s.press("seed", input.value);
  };
  on(input, "focus", () => input.select());
  on(input, "input", () => { s.typing = true; });
  on(input, "blur", take);
  on(input, "keydown", (e) => {
    e.stopPropagation();
    if (e.key === "Enter") { take(); input.select(); }
    if (e.key === "Escape") { s.typing = false; s.paint(); input.select(); }
  });
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  s.seed = data?.seed === null || data?.seed === undefined ? "" : String(data.seed);
  s.answered(data?.n || 0);
  s.paint();
  return () => { s.off.forEach((f) => f()); memory.delete(el); };
}
