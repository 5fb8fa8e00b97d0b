// Finding dials by words.

export function addSearch(s, $, on) {
  s.search = () => {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    $("panel").classList.toggle("searching", words.length > 0);
    // Beginnings of words count first ("age" is not "average"), else any part of one.
    const starts = (text, word) => text.startsWith(word) || text.includes(" " + word);
    const within = (text, word) => text.includes(word);
    const found = s.filter(words, starts) || s.filter(words, within);
    for (const g of s.groups) {
      if (words.length) {
        g.wasShut ??= g.node.classList.contains("shut");
        g.node.classList.remove("shut");
      } else if (g.wasShut !== undefined) {  // As it was before the search.
        g.node.classList.toggle("shut", g.wasShut && !g.dials.some(s.isMoved));
        delete g.wasShut;
      }
      s.fold(g);
    }
    if (s.none) s.none.hidden = found > 0;
  };
  s.filter = (words, has) => {
    let found = 0;
    for (const g of s.groups) {
      let here = 0;
      for (const dial of g.dials) {
        const text = [dial.label, dial.help, dial.low, dial.high, dial.also || "", g.name, dial.name.replaceAll("_", " ")].join(" ").toLowerCase();
        const hit = words.every((word) => has(text, word));
        s.rows.get(dial.name).node.hidden = !hit;
        here += hit;
      }
      g.node.hidden = !here;
      found += here;
    }
    return found;
  };
  on($("search"), "input", s.search);
  on($("search"), "keydown", (e) => {
    e.stopPropagation();
    if (e.key === "Escape") { $("search").value = ""; s.search(); $("search").blur(); }
  });
}
