// Says so when the server does not answer, and takes it back when it does.
(() => {
  const banner = document.getElementById("connection-lost");
  const show = (lost) => { banner.hidden = !lost; };

  document.addEventListener("htmx:sendError", () => show(true));
  document.addEventListener("htmx:timeout", () => show(true));
  document.addEventListener("htmx:afterOnLoad", () => show(false));
  window.addEventListener("offline", () => show(true));
  window.addEventListener("online", () => show(false));
})();
