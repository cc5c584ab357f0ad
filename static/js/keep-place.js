// New lines on top do not push away what is being read: after a swap the first line in view stands
// where it stood. A reader at the very top sees the new ones.
(() => {
  let kept = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    kept = null;
    if (!target.hasAttribute("data-keep-place") || target.getBoundingClientRect().top >= 0) return;
    const line = [...target.querySelectorAll("[data-line]")].find((one) => one.getBoundingClientRect().top >= 0);
    if (line) kept = { id: line.id, top: line.getBoundingClientRect().top };
  });

  document.addEventListener("htmx:afterSwap", () => {
    const line = kept && document.getElementById(kept.id);
    if (line) scrollBy(0, line.getBoundingClientRect().top - kept.top);
    kept = null;
  });
})();
