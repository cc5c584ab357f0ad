// Counts elements with data-seconds-left down to zero. The server says how many seconds are left,
// so a wrong clock in the browser does no harm.
(() => {
  const ends = new WeakMap();

  setInterval(() => {
    for (const element of document.querySelectorAll("[data-seconds-left]")) {
      if (!ends.has(element)) ends.set(element, performance.now() + Number(element.dataset.secondsLeft) * 1000);
      const left = Math.max(0, Math.ceil((ends.get(element) - performance.now()) / 1000));
      if (element.textContent !== String(left)) element.textContent = String(left);
    }
  }, 250);
})();
