// A finger on a range field may mean the page: nothing moves before it goes sideways or is lifted.

const SIDEWAYS_PX = 8;

// Holds back what a finger does to the field; calls `scrolled` where it meant to scroll. The field needs
// `touch-action: pan-y`: then the browser ends a gesture that scrolls with a pointercancel.
export function heedSwipes(input, scrolled = () => {}) {
  let finger = null, isTold = false;
  const on = (type, handler) => input.addEventListener(type, handler, true);
  const tell = (type) => input.dispatchEvent(new Event(type, { bubbles: true }));

  on("pointerdown", (e) => {
    isTold = false;
    finger = e.pointerType === "mouse" ? null : { x: e.clientX, y: e.clientY, value: input.value, asked: null };
  });
  on("pointermove", (e) => {
    if (!finger) return;
    const across = Math.abs(e.clientX - finger.x);
    if (across >= SIDEWAYS_PX && across > Math.abs(e.clientY - finger.y)) finger = null;
  });
  on("input", (e) => {
    if (finger) {
      e.stopImmediatePropagation();
      finger.asked = input.value;
      input.value = finger.value;
    } else if (e.isTrusted) isTold = false;
  });
  // The browser's own word comes after the finger has gone: by then all is told.
  on("change", (e) => { if (isTold && e.isTrusted) e.stopImmediatePropagation(); });
  on("pointerup", () => {
    if (!finger) return;
    const { asked } = finger;
    finger = null; isTold = true;
    if (asked === null) return;
    input.value = asked;
    tell("input"); tell("change");
  });
  on("pointercancel", () => {
    if (!finger) return;
    input.value = finger.value;
    finger = null; isTold = true;
    scrolled();
  });
}
