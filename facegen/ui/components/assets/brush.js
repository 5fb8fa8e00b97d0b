// The brush: paints where dials act (more) and where they do not (less), over the picture.
const CELLS = 128;
const SIZES = [6, 14, 28];
const COLOURS = { more: "rgb(255 255 255 / .5)", less: "rgb(20 18 16 / .6)" };

const decode = (text) => Uint8Array.from(window.atob(text), (c) => c.charCodeAt(0));
const encode = (cells) => cells.some(Boolean) ? window.btoa(Array.from(cells, (cell) => String.fromCharCode(cell)).join("")) : "";

export function addBrush(s, $, on) {
  const canvas = $("canvas"), paint = canvas.getContext("2d");
  canvas.width = canvas.height = CELLS;
  const strokes = { more: new Uint8Array(CELLS * CELLS), less: new Uint8Array(CELLS * CELLS) };
  let kind = "more", size = 1, last = null, known = null;

  const draw = () => {
    paint.clearRect(0, 0, CELLS, CELLS);
    for (const name of ["more", "less"]) {
      paint.fillStyle = COLOURS[name];
      strokes[name].forEach((cell, at) => { if (cell) paint.fillRect(at % CELLS, Math.floor(at / CELLS), 1, 1); });
    }
  };
  const dab = (x, y) => {
    const radius = SIZES[size] / 2, other = kind === "more" ? "less" : "more";
    for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(CELLS - 1, y + radius); row++) {
      for (let column = Math.max(0, Math.floor(x - radius)); column <= Math.min(CELLS - 1, x + radius); column++) {
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) > radius) continue;
        strokes[kind][row * CELLS + column] = 255;
        strokes[other][row * CELLS + column] = 0;
      }
    }
  };
  const at = (e) => {
    const box = canvas.getBoundingClientRect();
    return [(e.clientX - box.left) / box.width * CELLS, (e.clientY - box.top) / box.height * CELLS];
  };
  const stroke = (e) => {
    const [x, y] = at(e), [fromX, fromY] = last || [x, y];
    const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY)));
    for (let step = 1; step <= steps; step++) dab(fromX + (x - fromX) * step / steps, fromY + (y - fromY) * step / steps);
    last = [x, y];
    draw();
  };
  const send = () => s.fire("paint", { more: encode(strokes.more), less: encode(strokes.less), n: Date.now() });
  const clear = () => { strokes.more.fill(0); strokes.less.fill(0); draw(); };

  s.brushing = (isOn) => {
    s.isBrushing = isOn;
    $("brush").setAttribute("aria-pressed", String(isOn));
    canvas.hidden = $("brushes").hidden = !isOn;
    if (isOn) draw();
    if (isOn && s.isChoosing) s.choosing(false);
    if (isOn && s.isDressing) s.dressing(false);
  };
  // What the server has counts as soon as it tells of something else: after undo, or on somebody else.
  s.showStrokes = (head) => {
    const can = !!head.brush;
    $("brush").hidden = !can;
    if (!can && s.isBrushing) s.brushing(false);
    if (!can || head.brush.id === known || last) return;
    known = head.brush.id;
    clear();
    for (const name of ["more", "less"]) if (head.brush[name]) strokes[name].set(decode(head.brush[name]));
    draw();
    for (const button of $("places").children) button.setAttribute("aria-pressed", String(button.dataset.place === head.brush.place));
  };

  on($("brush"), "click", () => s.brushing(!s.isBrushing));
  on(canvas, "pointerdown", (e) => {
    if (e.button !== 0) return;
    e.preventDefault(); e.stopPropagation();
    canvas.setPointerCapture(e.pointerId);
    last = null;
    stroke(e);
  });
  on(canvas, "pointermove", (e) => { if (last) stroke(e); });
  for (const end of ["pointerup", "pointercancel"]) on(canvas, end, () => { if (last) { last = null; send(); } });
  on($("brushes"), "pointerdown", (e) => e.stopPropagation());
  on($("brushes"), "click", (e) => {
    const button = e.target.closest("button");
    if (!button) return;
    if (button.dataset.kind) kind = button.dataset.kind;
    if (button.dataset.size) size = +button.dataset.size;
    if (button.dataset.what === "clear") { clear(); send(); }
    if (button.dataset.what === "done") s.brushing(false);
    if (button.dataset.place !== undefined) s.fire("place", { place: button.dataset.place, n: Date.now() });
    for (const one of $("brushes").querySelectorAll("[data-kind]")) one.setAttribute("aria-pressed", String(one.dataset.kind === kind));
    for (const one of $("brushes").querySelectorAll("[data-size]")) one.setAttribute("aria-pressed", String(+one.dataset.size === size));
  });
  on(window, "keydown", (e) => { if (e.key === "Escape" && s.isBrushing) s.brushing(false); });
}
