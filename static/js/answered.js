// A question of the list was answered in the dialog, or put away: the dialog closes, and whoever
// asked stands where they were, or on the neighbour of what is gone.
(() => {
  const ask = document.getElementById("ask");
  if (!ask) return;
  let asker = null; // the row's id, and its place among the rows

  const rows = () => [...document.querySelectorAll("[data-row]")];
  const focusable = (row) => row.querySelector("summary, a, button");

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id !== "asked" || ask.open) return;
    const row = event.target.closest("[data-row]");
    asker = { id: row?.id, place: rows().indexOf(row), own: event.target.id };
  });

  const comeBack = () => {
    if (!asker || ask.open) return;
    const own = document.getElementById(asker.own);
    const there = document.getElementById(asker.id);
    const left = rows();
    const target =
      (own?.checkVisibility() && own) ||
      (there ? there.querySelector("summary") : null) ||
      (left.length && focusable(left[Math.min(Math.max(asker.place, 0), left.length - 1)])) ||
      document.getElementById("title");
    target?.focus();
  };

  document.addEventListener("answered", () => ask.close());
  ask.addEventListener("close", () => setTimeout(comeBack));
  // The list without what is gone: whatever had the focus may be gone with it.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.hasAttribute("data-poll") && document.activeElement === document.body) comeBack();
  });
})();
