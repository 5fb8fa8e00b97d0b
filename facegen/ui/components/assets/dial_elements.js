// What rows of dials are made of: elements and drawn signs.

export const BACK_SIGN = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"><path d="M3 3v4h4"/><path d="M3.4 7A5 5 0 1 1 3 9.5"/></svg>';
export const LOCK_SIGN = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"><rect x="3" y="7.2" width="10" height="6.6" rx="1.8" class="fg-body"/><path class="fg-bow" d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2"/></svg>';
export const REST_SIGN = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-dasharray="2.2 2.2"><rect x="2" y="2" width="12" height="12" rx="3"/><circle cx="8" cy="8" r="2.9" class="fg-body" stroke-dasharray="none"/></svg>';
export const DICE_SIGN = '<svg viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.5"><rect x="2" y="2" width="12" height="12" rx="3"/><g fill="currentColor" stroke="none"><circle cx="5.4" cy="5.4" r="1.1"/><circle cx="10.6" cy="5.4" r="1.1"/><circle cx="8" cy="8" r="1.1"/><circle cx="5.4" cy="10.6" r="1.1"/><circle cx="10.6" cy="10.6" r="1.1"/></g></svg>';

export function make(tag, className, attributes = {}, text = "") {
  const el = document.createElement(tag);
  el.className = className;
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  el.textContent = text;
  return el;
}
