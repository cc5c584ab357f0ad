// Menus are <details>: they open without scripts. With them they close with Esc and with a click
// elsewhere, arrows walk through them, and a poll does not take an open one away.
(() => {
  const open = () => document.querySelector("[data-menu][open]");
  const close = (menu, focus) => {
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };

  document.addEventListener("click", (event) => {
    const menu = open();
    if (menu && !menu.contains(event.target)) close(menu, false);
    else if (menu && event.target.closest(".menu-item")) {
      // htmx forgets which button was pressed where the focus leaves it before the form is sent.
      if (event.target.closest("form[hx-post]")) setTimeout(() => close(menu, true));
      else close(menu, event.target.closest("[data-dialog]"));
    }
  });

  document.addEventListener("keydown", (event) => {
    const menu = open() ?? event.target.closest?.("[data-menu]");
    if (!menu) return;
    if (event.key === "Escape" && menu.open) {
      close(menu, true);
      event.preventDefault();
    } else if (["ArrowDown", "ArrowUp"].includes(event.key) && menu.contains(event.target)) {
      event.preventDefault();
      menu.open = true;
      const items = [...menu.querySelectorAll(".menu-item")].filter((item) => item.checkVisibility());
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = items.indexOf(document.activeElement);
      const next = at < 0 && step < 0 ? items.length - 1 : (at + step + items.length) % items.length;
      items[next]?.focus();
    }
  });

  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu, false);
  });

  // What was not swapped is asked for again by the next poll: the version stays the old one.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const polled = event.detail.target.closest("[data-poll]");
    if (polled?.querySelector("[data-menu][open], dialog[open]") && event.detail.requestConfig.verb === "get") {
      event.detail.shouldSwap = false;
    }
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.querySelector("[data-menu][open]")) event.detail.shouldSwap = false;
  });
})();
