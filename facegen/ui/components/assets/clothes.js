// What somebody wears: their own clothes, another's, or their own in a colour.

export function addClothes(s, $, on) {
  const bar = $("wardrobe"), colour = $("dye");
  let kind = "", known = null;

  const layout = () => {
    for (const one of bar.querySelectorAll("[data-clothes]")) one.setAttribute("aria-pressed", String(one.dataset.clothes === kind));
    $("dyeing").hidden = kind !== "colour";
  };
  const send = () => s.fire("clothes", kind === "colour" ? { kind, colour: colour.value, n: Date.now() } : { kind, n: Date.now() });

  s.dressing = (isOn) => {
    s.isDressing = isOn;
    $("clothes").setAttribute("aria-pressed", String(isOn));
    bar.hidden = !isOn;
    if (isOn && s.isBrushing) s.brushing(false);
    if (isOn && s.isChoosing) s.choosing(false);
  };
  // What the server has counts with each picture of its own: after undo, on somebody else, and
  // where it could not be done.
  s.showClothes = (head) => {
    const can = !!head.clothes;
    $("clothes").hidden = !can;
    if (!can && s.isDressing) s.dressing(false);
    if (!can || (head.clothes.id === known && !head.error)) return;
    known = head.clothes.id;
    kind = head.clothes.kind;
    if (head.clothes.colour) colour.value = head.clothes.colour;
    layout();
  };

  on($("clothes"), "click", () => s.dressing(!s.isDressing));
  on(bar, "pointerdown", (e) => e.stopPropagation());
  on(bar, "click", (e) => {
    const button = e.target.closest("button");
    if (!button) return;
    if (button.dataset.clothes !== undefined) {
      kind = button.dataset.clothes;
      layout();
      send();
    }
    if (button.dataset.what === "close") s.dressing(false);
  });
  on(colour, "change", send);
  on(window, "keydown", (e) => { if (e.key === "Escape" && s.isDressing) s.dressing(false); });
}
