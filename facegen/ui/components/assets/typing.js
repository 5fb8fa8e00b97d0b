// Whether a key belongs to a field of text.

export function isTyping(event) {
  const el = event.target;
  return el && (el.isContentEditable || el.tagName === "TEXTAREA" || el.tagName === "SELECT" ||
    (el.tagName === "INPUT" && !["range", "checkbox", "radio", "button"].includes(el.type)));
}
