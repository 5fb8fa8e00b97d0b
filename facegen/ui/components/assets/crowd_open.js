// One person large, or two with a line between them.

const MOST_FULLS = 8;

export function addOpen(s, $, on) {
  const dialog = $("open"), fulls = new Map(), told = new Map();
  const known = (index) => { const tile = s.tiles.get(index); return tile?.name ? tile : told.get(index) || {}; };
  let now = [];  // the places that are open: none, one, or two
  const put = (image, index) => {
    const url = fulls.get(index) || s.tiles.get(index)?.url || "";
    if (image.getAttribute("src") !== url) image.src = url;
    image.alt = known(index).name ? `Portrait of ${known(index).name}, a person who does not exist` : "";
    image.dataset.place = index;
    image.dataset.full = String(fulls.has(index));
  };
  const layout = () => {
    if (!now.length) return;
    const isPair = now.length === 2, tile = known(now[0]), other = known(now[1]);
    put($("full"), now.at(-1));
    $("other").hidden = $("line").hidden = $("split").hidden = !isPair;
    if (isPair) {
      put($("other"), now[0]);
      $("other").style.clipPath = `inset(0 ${100 - $("split").value}% 0 0)`;
      $("line").style.setProperty("--x", $("split").value + "%");
    }
    $("name").textContent = isPair ? `${tile.name || ""} | ${other.name || ""}` : tile.name || "";
    $("words").textContent = isPair ? "Drag the line between the two." : tile.words || "";
    for (const step of dialog.querySelectorAll(".fg-crowd-step")) {
      const to = now[0] + +step.dataset.by;
      step.hidden = isPair || to < 0 || to > s.last();
    }
  };
  const buttons = () => {
    const ids = [...now], fitting = s.fitting(now.length).filter((one) => one.what !== "compare");
    const made = fitting.map((one) => s.button(one, () => ids));
    if (now.length === 1) {
      const pick = document.createElement("button"), label = () => { pick.textContent = s.picked.has(now[0]) ? "Selected ✓" : "Select"; };
      pick.type = "button"; pick.title = "Select, to combine with others. Key: space";
      pick.onclick = () => { s.toggle(now[0]); label(); };
      label();
      made.push(pick);
    }
    $("one").replaceChildren(...made);
  };
  const look = (places) => {
    now = places;
    $("trouble").hidden = true;
    $("split").value = 50;
    layout();
    buttons();
    if (!dialog.open) dialog.showModal();
    ($("one").querySelector(".fg-main") || $("close")).focus({ preventScroll: true });
    if (places.some((place) => !fulls.has(place))) s.act("look", places);
  };
  s.open = (index) => look([index]);
  s.compare = (a, b) => look([a, b]);
  s.close = () => { if (dialog.open) dialog.close(); };
  s.isOpen = () => dialog.open;
  s.takeFulls = (head) => {
    if (head.stamp !== s.fullsOf) {
      for (const url of fulls.values()) URL.revokeObjectURL(url);
      fulls.clear(); told.clear();
      s.fullsOf = head.stamp;
    }
    for (const one of head.fulls) {
      told.set(one.i, { name: one.name, words: one.words });
      if (one.url && !fulls.has(one.i)) fulls.set(one.i, one.url); else if (one.url) URL.revokeObjectURL(one.url);
      if (now.includes(one.i)) { $("trouble").textContent = one.error || ""; $("trouble").hidden = !one.error; }
      while (fulls.size > MOST_FULLS) {
        const [oldest] = fulls.keys();
        URL.revokeObjectURL(fulls.get(oldest));
        fulls.delete(oldest);
      }
    }
    if (dialog.open) { layout(); if (!s.acts.length) for (const button of $("one").children) button.classList.remove("waiting"); }
    if (head.pair?.length === 2) s.compare(...head.pair);
  };
  const step = (by) => {
    if (now.length !== 1 || now[0] + by < 0 || now[0] + by > s.last()) return;
    s.place(now[0] + by + 1);
    s.tiles.get(now[0] + by)?.node.scrollIntoView({ block: "nearest" });
    look([now[0] + by]);
  };
  for (const button of dialog.querySelectorAll(".fg-crowd-step")) on(button, "click", () => step(+button.dataset.by));
  on($("split"), "input", layout);
  on($("close"), "click", s.close);
  on(dialog, "click", (e) => { if (e.target === dialog) s.close(); });
  on(dialog, "close", () => {
    if (dialog.open) return;  // Opened again before this was told.
    s.tiles.get(now[0])?.node.focus({ preventScroll: true });
    now = [];
  });
  on(dialog, "keydown", (e) => {
    e.stopPropagation();
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (by && now.length === 1) { e.preventDefault(); step(by); }
    if (e.key === " " && now.length === 1) { e.preventDefault(); s.toggle(now[0]); buttons(); ($("one").querySelector(".fg-main") || $("close")).focus(); }
  });
  s.off.push(() => { for (const url of fulls.values()) URL.revokeObjectURL(url); });
}
