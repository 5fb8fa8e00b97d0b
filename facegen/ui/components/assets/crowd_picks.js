// Who is selected, and the bar with what can be done with them.

const SHOWN = 5;

export function addPicks(s, $, on) {
  let newest = 0;
  s.toggle = (index, upTo = false) => {
    if (upTo && s.picked.size) {
      for (let i = Math.min(newest, index); i <= Math.max(newest, index); i += 1) s.picked.add(i);
    } else if (!s.picked.delete(index)) s.picked.add(index);
    newest = index;
    s.showPicks();
    s.tell();
  };
  s.pickNobody = () => { s.picked.clear(); s.showPicks(); s.tell(); };
  s.fitting = (count) => (s.head.actions || []).filter((one) => count >= one.least && count <= one.most);

  let shown = "";
  s.showPicks = () => {
    for (const tile of s.tiles.values()) tile.node.ariaSelected = String(s.picked.has(tile.place));
    const picked = [...s.picked], bar = $("bar");
    bar.hidden = !picked.length;
    const now = JSON.stringify([s.stamp, picked, picked.map((i) => !!s.tiles.get(i)?.url), s.acts.length, s.head.actions]);
    if (now === shown) return;
    shown = now;
    const faces = picked.slice(-SHOWN).map((i) => {
      const image = document.createElement("img");
      image.src = s.tiles.get(i)?.url || ""; image.alt = "";
      return image;
    });
    const words = document.createElement("span");
    words.textContent = picked.length === 1 ? "1 selected" : `${picked.length} selected`;
    $("chosen").replaceChildren(...faces, words);
    $("acts").replaceChildren(...s.fitting(picked.length).map((one) => s.button(one, () => [...s.picked])));
    for (const button of $("acts").children) if (s.acts.length) button.classList.add("waiting");
  };
  on($("none"), "click", s.pickNobody);
}
