// Event listeners that go away with their component.

// Gives `on(target, type, handler, options)`; `state.off` collects what takes the listeners away.
export function listener(state) {
  return (target, type, handler, options) => {
    target.addEventListener(type, handler, options);
    state.off.push(() => target.removeEventListener(type, handler, options));
  };
}
