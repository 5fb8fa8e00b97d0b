// Who is selected, and the bar with what can be done with them. This tab remembers it at once: the
// server hears of it a moment later, and a reload may come before.

const SHOWN = 5;
const PICKS = "facegen_picks";

export function addPicks(s, $, on) {
  let newest = 0;
  const remember = () => {
    try { sessionStorage.setItem(PICKS, JSON.stringify({ query: s.head.query, picked: [...s.picked] })); } catch { /* blocked */ }
  };
  // Who was selected when this crowd was last seen in this tab; what the server says if it was not.
  s.recall = (head) => {
    let last = null;
    try { last = JSON.parse(sessionStorage.getItem(PICKS)); } catch { /* blocked */ }
    const isSame = last && last.query === head.query && Array.isArray(last.picked);
    return isSame ? last.picked.filter((i) => Number.isInteger(i) && i >= 0) : head.picked;
  };
  s.toggle = (index, upTo = false) => {
    if (upTo && s.picked.size) {
      for (let i = Math.min(newest, index); i <= Math.max(newest, index); i += 1) s.picked.add(i);
    } else if (!s.picked.delete(index)) s.picked.add(index);
    newest = index;
    remember();
    s.showPicks();
    s.tell();
  };
  s.pickNobody = () => { s.picked.clear(); remember(); s.showPicks(); s.tell(); };
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
