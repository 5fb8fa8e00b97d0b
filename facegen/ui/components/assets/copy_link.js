// The button that copies the address of the current face.

export function addCopyLink(s, $, on) {
  on($("link"), "click", async () => {
    const button = $("link");
    let said = "Link copied";
    if (!s.head.link) said = "Save the file instead";
    else {
      try { await navigator.clipboard.writeText(location.href); } catch {
        const box = document.createElement("textarea");
        box.value = location.href; document.body.append(box); box.select();
        if (!document.execCommand("copy")) said = "Copy it from the address bar";
        box.remove();
      }
    }
    button.textContent = said;
    clearTimeout(s.linkTimer);
    s.linkTimer = setTimeout(() => { button.textContent = "Copy link"; }, 1800);
  });
}
