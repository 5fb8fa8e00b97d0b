// Small pictures to choose from, or to mark: a click tells which.
const memory = new WeakMap();

export default function ({ parentElement: el, data, setTriggerValue }) {
  const box = el.querySelector(".fg-tiles");
  let s = memory.get(el);
  if (!s) { s = { n: 0, known: new Map() }; memory.set(el, s); }
  const marks = data?.marks || null;
  const wanted = (data?.tiles || []).map((tile) => {
    let button = s.known.get(tile.id);
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.append(document.createElement("img"), document.createElement("span"));
      s.known.set(tile.id, button);
    }
    const [image, label] = button.children;
    if (tile.src && image.getAttribute("src") !== tile.src) image.src = tile.src;
    image.hidden = !tile.src;
    image.alt = "";
    const paint = (mark) => {
      button.dataset.mark = mark || "";
      label.textContent = (marks && mark && marks[mark]) || tile.label || "";
      button.setAttribute("aria-label", [tile.label, marks && (marks[mark] || marks[""])].filter(Boolean).join(": "));
    };
    // What was clicked and not answered yet stays as clicked.
    if (!(button.pending > (data.n || 0))) paint(tile.mark);
    button.title = tile.help || "";
    button.setAttribute("aria-current", String(!!tile.now));
    button.onclick = () => {
      s.n = Math.max(s.n, data.n || 0) + 1;
      if (marks) {
        const order = ["", ...Object.keys(marks).filter(Boolean)];
        paint(order[(order.indexOf(button.dataset.mark) + 1) % order.length]);
        button.pending = s.n;
      }
      // All marks travel each time, so that quick clicks lose nothing.
      const all = {};
      for (const [id, other] of s.known) if (other.isConnected && other.dataset.mark) all[id] = other.dataset.mark;
      setTriggerValue("pick", { id: tile.id, marks: all, n: s.n });
    };
    return button;
  });
  const before = [...box.children];
  if (before.length !== wanted.length || wanted.some((button, i) => before[i] !== button)) box.replaceChildren(...wanted);
  box.style.setProperty("--tile", (data?.size || 96) + "px");
  return () => memory.delete(el);
}
