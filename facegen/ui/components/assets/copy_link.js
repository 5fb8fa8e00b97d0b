// The button that copies the address of the current face.

export function addCopyLink(s, $, on) {
  on($("link"), "click", async () => {
    const button = $("link");
    let said = "Link copied";
    if (!s.head.link) said = "Save the file instead";
    else {
      const link = new URL("?" + s.head.link, location.href).href;  // of the picture that is shown
      try { await navigator.clipboard.writeText(link); } catch {
        const box = document.createElement("textarea");
        box.value = link; document.body.append(box); box.select();
        if (!document.execCommand("copy")) said = "Copy it from the address bar";
        box.remove();
      }
    }
    button.textContent = said;
    clearTimeout(s.linkTimer);
    s.linkTimer = setTimeout(() => { button.textContent = "Copy link"; }, 1800);
  });
}
