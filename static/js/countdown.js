// Counts elements with data-seconds-left down to zero, and their ring with them. The server says
// how many seconds are left, so a wrong clock in the browser does no harm.
(() => {
  const ends = new WeakMap();

  const count = (element) => {
    if (!ends.has(element)) ends.set(element, performance.now() + Number(element.dataset.secondsLeft) * 1000);
    const left = Math.max(0, Math.ceil((ends.get(element) - performance.now()) / 1000));
    if (element.textContent === String(left)) return;
    element.textContent = String(left);
    const ring = element.closest(".countdown")?.querySelector("[data-ring]");
    if (ring) ring.setAttribute("stroke-dashoffset", String(100 - (100 * left) / Number(ring.dataset.ring)));
  };

  setInterval(() => document.querySelectorAll("[data-seconds-left]").forEach(count), 250);
})();
