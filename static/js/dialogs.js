// Dialogs are <dialog>: the browser keeps the focus inside, closes with Esc and gives it back.
(() => {
  const show = (element) => { element.hidden = false; };
  document.querySelectorAll("[data-dialog]").forEach(show);

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) document.querySelector(opener.dataset.dialog).showModal();
    const dialog = event.target.closest("dialog");
    if (event.target.closest("[data-close]")) {
      if (dialog) event.preventDefault(); // a link back, for those without scripts
      dialog?.close();
    }
    if (event.target === dialog) dialog.close(); // the veil
  });

  // A question that came over htmx: shown once it is there, gone once it is answered.
  const ask = document.querySelector("[data-ask]");
  if (!ask) return;
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "asked" || ask.open) return;
    const title = ask.querySelector("h2");
    if (title) {
      title.id ||= "asked-title";
      ask.setAttribute("aria-labelledby", title.id);
    }
    ask.showModal();
  });
  ask.addEventListener("close", () => document.getElementById("asked").replaceChildren());
})();
