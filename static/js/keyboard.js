// Keys for those who live here: / searches, g i goes to the instances, g s to the statistics, n makes a new one, ? tells.
(() => {
  const places = document.querySelector("[data-shortcuts]");
  if (!places) return;
  const WITHIN = 1200; // milliseconds between the two keys of a pair
  let wentAt = -Infinity;

  const typing = (element) => element.closest?.("input, textarea, select, [contenteditable]");
  const go = (address) => { location.href = address; };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches?.("[data-search]")) event.target.blur();
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const pair = performance.now() - wentAt < WITHIN;
    wentAt = -Infinity;
    // By the key's place too, so that a Russian layout works.
    if (pair && (event.key === "i" || event.code === "KeyI")) go(places.dataset.instances);
    else if (pair && (event.key === "s" || event.code === "KeyS")) go(places.dataset.statistics);
    else if (event.key === "?" ) document.getElementById("keys").showModal();
    else if (event.key === "/" || (event.code === "Slash" && !event.shiftKey)) {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.code === "KeyG") wentAt = performance.now();
    else if (event.code === "KeyN") go(places.dataset.new);
  });
})();
