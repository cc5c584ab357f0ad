// Puts the chosen theme on without a new page: what is being typed stays.
(() => {
  const page = document.documentElement;

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("[data-themes]");
    if (!form || !event.detail.successful) return;
    const chosen = event.detail.requestConfig.parameters.theme;
    if (chosen === "system") delete page.dataset.theme;
    else page.dataset.theme = chosen;
    for (const choice of form.querySelectorAll("[name=theme]")) {
      if (choice.value === chosen) {
        choice.setAttribute("aria-current", "true");
        const picture = choice.querySelector("use").getAttribute("href");
        form.closest("[data-menu]").querySelector("summary use").setAttribute("href", picture);
      } else choice.removeAttribute("aria-current");
    }
  });

  const fold = document.querySelector("[data-rail-fold]");
  if (!fold) return;
  fold.hidden = false;
  fold.addEventListener("click", () => {
    const narrow = page.dataset.rail !== "narrow";
    if (narrow) page.dataset.rail = "narrow";
    else delete page.dataset.rail;
    fold.setAttribute("aria-pressed", String(narrow));
    document.cookie = `rail=${narrow ? "narrow" : "wide"}; path=/; max-age=31536000; samesite=lax`;
  });
})();
