// Copying, showing secrets, and making one. Without scripts the fields still work.
(() => {
  const show = (element) => { element.hidden = false; };

  const copy = async (button) => {
    const source = document.querySelector(button.dataset.copy);
    const label = button.querySelector("[data-copy-label]");
    const usual = label.textContent;
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    label.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = usual; }, 2000);
  };

  const reveal = (button) => {
    const field = document.querySelector(button.dataset.reveal);
    const hidden = field.type === "password";
    field.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
  };

  const generate = (button) => {
    const field = document.querySelector(button.dataset.generate);
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    field.value = `whsec_${btoa(String.fromCharCode(...bytes))}`;
    field.type = "text";
  };

  const ACTS = { copy, reveal, generate };
  const ready = () => {
    for (const attribute of Object.keys(ACTS)) {
      if (attribute === "copy" && !navigator.clipboard) continue;
      document.querySelectorAll(`[data-${attribute}][hidden]`).forEach(show);
    }
  };
  document.addEventListener("click", (event) => {
    for (const [attribute, act] of Object.entries(ACTS)) {
      const button = event.target.closest(`[data-${attribute}]`);
      if (button) act(button);
    }
  });
  document.addEventListener("htmx:afterSwap", ready);
  ready();
})();
