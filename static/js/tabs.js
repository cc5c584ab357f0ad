// Tabs that do not fit their window begin where the current one can be seen whole.
(() => {
  const FADE = 40; // pixels at the edge, where a tab is not seen whole
  for (const tab of document.querySelectorAll(".tabs [aria-current], .counters [aria-current]")) {
    const row = tab.closest(".tabs, .counters");
    const beyond = tab.getBoundingClientRect().right + FADE - row.getBoundingClientRect().right;
    if (beyond > 0) row.scrollLeft += beyond;
  }
})();
