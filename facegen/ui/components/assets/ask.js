// The sentence that says whom to look for; what was understood of it, and where it was not.
import { listener } from "./listen.js";

const memory = new WeakMap();

function button(text, title, act) {
  const made = document.createElement("button");
  made.type = "button"; made.textContent = text; made.title = title; made.onclick = act;
  return made;
}

function setUp(el) {
  const $ = (name) => el.querySelector(".fg-ask-" + name), input = el.querySelector("input");
  const s = { n: 0, text: "", typing: false, off: [] };
  const on = listener(s);
  s.ask = (text) => {
    s.typing = false;
    input.value = text;
    s.fire("ask", { n: ++s.n, text });
  };
  on(el.querySelector("form"), "submit", (e) => { e.preventDefault(); s.ask(input.value); });
  on(input, "input", () => { s.typing = true; $("clear").hidden = !input.value; });
  on(input, "keydown", (e) => { e.stopPropagation(); });
  on($("clear"), "click", () => { s.ask(""); input.focus(); });

  s.show = (data) => {
    s.n = Math.max(s.n, data.n);
    if (data.text !== s.text) { s.text = data.text; s.typing = false; }
    if (!s.typing) input.value = data.text;
    $("clear").hidden = !input.value;
    const chips = data.error ? [] : data.chips;
    $("chips").replaceChildren(...chips.map(([chip, meaning], i) => {
      const made = button(chip, meaning, () => s.ask(chips.filter((_, j) => j !== i).map(([other]) => other).join(", ")));
      made.ariaLabel = `Leave out ${chip}`;
      const cross = document.createElement("span");
      cross.textContent = "✕"; cross.ariaHidden = "true";
      made.append(cross);
      return made;
    }));
    $("examples").replaceChildren(...(data.text ? [] : data.examples).map((text) => button(text, "Look for this", () => s.ask(text))));
    $("error").hidden = !data.error;
    if (!data.error) return;
    const { message, start, end, near } = data.error, word = document.createElement("mark");
    word.textContent = data.text.slice(start, end);
    $("said").replaceChildren(data.text.slice(0, start), word, data.text.slice(end));
    $("said").hidden = end <= start || data.text.length > 200;
    $("why").textContent = message;
    $("near").replaceChildren(...near.map((other) => button(other, "Take this word instead",
      () => s.ask(data.text.slice(0, start) + other + data.text.slice(end)))));
  };
  return s;
}

export default function ({ parentElement: el, data, setTriggerValue }) {
  let s = memory.get(el);
  if (!s) { s = setUp(el); memory.set(el, s); }
  s.fire = setTriggerValue;
  if (data) s.show(data);
  return () => { s.off.forEach((f) => f()); memory.delete(el); };
}
