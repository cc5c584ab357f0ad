// Outcomes can be put away; good ones go by themselves, unless somebody looks at them.
(() => {
  const STAYS = 5000; // milliseconds
  const place = document.getElementById("alerts");
  if (!place) return;

  const ready = (toast) => {
    if (toast.dataset.ready) return;
    toast.dataset.ready = "yes";
    for (const button of toast.querySelectorAll("[data-close]")) button.hidden = false;
    if (toast.dataset.toast !== "goes") return;
    const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, STAYS) : toast.remove());
    setTimeout(leave, STAYS);
  };
  const all = () => place.querySelectorAll("[data-toast]").forEach(ready);

  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) event.target.closest("[data-toast]").remove();
  });
  new MutationObserver(all).observe(place, { childList: true, subtree: true });
  all();
})();
