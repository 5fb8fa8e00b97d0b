// What is behind somebody: as it is, blurred, a colour, another's, or nothing.
import { heedSwipes } from "./swipe.js";

export function addBehind(s, $, on) {
  const bar = $("behinds"), blur = $("blur"), colour = $("colour");
  let kind = "", known = null;

  const layout = () => {
    for (const one of bar.querySelectorAll("[data-behind]")) one.setAttribute("aria-pressed", String(one.dataset.behind === kind));
    $("blurring").hidden = kind !== "blur" && kind !== "face";
    $("painting").hidden = kind !== "colour";
  };
  const send = (another = false) => {
    const event = { kind, n: Date.now() };
    if (!$("blurring").hidden) event.strength = blur.value / 100;
    if (kind === "colour") event.colour = colour.value;
    if (another) event.another = true;
    s.fire("behind", event);
  };
  const choose = (wanted) => {
    const isNew = wanted !== kind, has = { blur: 50, face: 10 };
    kind = wanted;
    if (isNew && kind in has) blur.value = has[kind];
    layout();
    send(kind === "face");
  };

  s.choosing = (isOn) => {
    s.isChoosing = isOn;
    $("behind").setAttribute("aria-pressed", String(isOn));
    bar.hidden = !isOn;
    if (isOn && s.isBrushing) s.brushing(false);
    if (isOn && s.isDressing) s.dressing(false);
  };
  // What the server has counts as soon as it tells of something else: after undo, or on somebody else.
  s.showBehind = (head) => {
    const can = !!head.behind;
    $("behind").hidden = !can;
    if (!can && s.isChoosing) s.choosing(false);
    if (!can || head.behind.id === known) return;
    known = head.behind.id;
    kind = head.behind.kind;
    if (kind === "blur" || kind === "face") blur.value = Math.round(100 * head.behind.strength);
    if (head.behind.colour) colour.value = head.behind.colour;
    layout();
  };

  on($("behind"), "click", () => s.choosing(!s.isChoosing));
  on(bar, "pointerdown", (e) => e.stopPropagation());
  on(bar, "click", (e) => {
    const button = e.target.closest("button");
    if (!button) return;
    if (button.dataset.behind !== undefined) choose(button.dataset.behind);
    if (button.dataset.what === "close") s.choosing(false);
  });
  heedSwipes(blur);
  on(blur, "change", () => send());
  on(colour, "change", () => send());
  on(window, "keydown", (e) => { if (e.key === "Escape" && s.isChoosing) s.choosing(false); });
}
