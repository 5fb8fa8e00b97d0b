// The picture before beside or in the place of the picture now.
import { isTyping } from "./typing.js";

export function addCompare(s, $, on) {
  s.layout = () => {
    const has = s.beforeUrl && s.beforeId === s.head.before_id;
    const before = $("before"), split = s.comparing && !s.holding;
    if (has && before.src !== s.beforeUrl) before.src = s.beforeUrl;
    before.hidden = !(has && (s.holding || s.comparing));
    before.style.clipPath = split ? `inset(0 ${100 - s.x}% 0 0)` : "";
    $("line").hidden = $("split").hidden = !(split && has);
    $("tag-before").hidden = !(has && (s.holding || s.comparing));
    $("tag-after").hidden = !(split && has);
    $("line").style.setProperty("--x", s.x + "%");
    $("compare").setAttribute("aria-pressed", String(s.comparing));
    if ((s.holding || s.comparing) && !has && s.asked !== s.head.before_id) {
      s.asked = s.head.before_id;
      s.fire("ask", { what: "before", id: s.head.before_id, n: Date.now() });
    }
  };
  s.x = 50;
  s.hold = (down) => { if (s.holding !== down) { s.holding = down; s.layout(); } };

  on($("hold"), "pointerdown", (e) => { e.preventDefault(); s.hold(true); });
  on($("hold"), "keydown", (e) => { if (e.key === " " || e.key === "Enter") { e.preventDefault(); s.hold(true); } });
  on($("hold"), "keyup", () => s.hold(false));
  on($("hold"), "blur", () => s.hold(false));
  on($("frame"), "pointerdown", (e) => {
    if (e.button === 0 && !e.target.closest("button, input")) { s.hold(true); }
  });
  on(window, "pointerup", () => s.hold(false));
  on(window, "pointercancel", () => s.hold(false));
  on(window, "blur", () => s.hold(false));
  on($("frame"), "contextmenu", (e) => { if (s.holding) e.preventDefault(); });
  on(window, "keydown", (e) => {
    if (e.key.toLowerCase() === "b" && !e.ctrlKey && !e.metaKey && !e.altKey && !isTyping(e)) s.hold(true);
  });
  on(window, "keyup", (e) => { if (e.key.toLowerCase() === "b") s.hold(false); });
  on($("compare"), "click", () => { s.comparing = !s.comparing; s.layout(); });
  on($("split"), "input", () => { s.x = +$("split").value; s.layout(); });
}
