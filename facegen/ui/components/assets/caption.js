// The line under the picture: how natural the face is, and what is to be said of it.

export function addCaption(s, $, on) {
  s.caption = (head) => {
    const { word = "", tip = "", far = false } = head.natural || {};
    $("status").textContent = head.status || "";
    $("natural").textContent = word; $("natural").title = tip;
    $("natural").setAttribute("aria-label", `${word}. ${tip}`);
    $("natural").classList.toggle("far", far);
    $("natural").hidden = !word;
  };
  on(window, "facegen:say", (e) => {
    const { text, offer } = e.detail;
    if ($("say").textContent !== text) $("say").textContent = $("say").title = text;
    $("correct").hidden = !offer;
    $("hint").hidden = !!text;
  });
  on($("correct"), "click", () => {
    $("say").textContent = "Looking at the picture and correcting \u2026";
    $("correct").hidden = true;
    window.dispatchEvent(new CustomEvent("facegen:correct"));
  });
}
