// The grid by keyboard: arrows go, Enter opens, space selects, Escape selects nobody.
import { isTyping } from "./typing.js";

export function addKeys(s, $, on) {
  const grid = $("grid");
  const columns = () => Math.max(1, getComputedStyle(grid).gridTemplateColumns.split(" ").length);
  const go = (index) => {
    const goal = Math.min(Math.max(index, 0), s.last());
    s.place(goal + 1);
    const tile = s.tiles.get(goal);
    if (!tile) return;
    for (const other of grid.querySelectorAll(".fg-tile[tabindex='0']")) other.tabIndex = -1;
    tile.node.tabIndex = 0;
    tile.node.focus();
    tile.node.scrollIntoView({ block: "nearest" });
  };
  on(window, "keydown", (e) => {
    if (s.isOpen() || isTyping(e) || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "Escape" && s.picked.size) { s.pickNobody(); return; }
    const node = document.activeElement?.closest(".fg-tile");
    const isFree = document.activeElement === document.body;
    if (!(node && grid.contains(node)) && !isFree) return;
    const index = node ? +node.dataset.place : -1;
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, ArrowUp: index - columns(), ArrowDown: index + columns(),
      Home: 0, PageDown: index + 4 * columns(), PageUp: index - 4 * columns() }[e.key];
    if (to !== undefined && !(isFree && !e.key.startsWith("Arrow"))) {
      e.preventDefault();
      if (node && (e.key === "ArrowUp" || e.key === "PageUp") && to < 0) return;
      go(node ? to : 0);
    } else if (node && e.key === "Enter" && !e.target.closest("button")) {
      e.preventDefault();
      s.open(index);
    } else if (node && e.key === " ") {
      e.preventDefault();
      s.toggle(index);
    }
  });
}
