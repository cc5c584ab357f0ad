// A place to drop a file: says which one was taken.
(() => {
  const places = (event) => event.target.closest?.("[data-drop]");

  document.addEventListener("change", (event) => {
    const place = places(event);
    const names = [...(event.target.files ?? [])].map((file) => file.name);
    if (place && names.length) place.querySelector("[data-drop-name]").textContent = names.join(", ");
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      const place = places(event);
      if (!place) return;
      place.classList.toggle("drop-over", kind === "dragover");
      if (kind === "dragleave") return;
      event.preventDefault();
      if (kind !== "drop") return;
      const field = place.querySelector("input[type=file]");
      field.files = event.dataTransfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
})();
