// Says so when the server does not answer, and takes it back when it does.
(() => {
  const banner = document.getElementById("connection-lost");
  const show = (lost) => { banner.hidden = !lost; };

  document.addEventListener("htmx:sendError", () => show(true));
  document.addEventListener("htmx:timeout", () => show(true));
  // A proxy that answers in the server's place counts as no answer.
  document.addEventListener("htmx:afterOnLoad", (event) => show([502, 504].includes(event.detail.xhr.status)));
  window.addEventListener("offline", () => show(true));
  window.addEventListener("online", () => show(false));
})();
