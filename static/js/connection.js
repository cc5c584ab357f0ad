// Says so when the server does not answer, asks until it does, and takes it back by itself.
(() => {
  const banner = document.getElementById("connection-lost");
  if (!banner) return;
  const AGAIN = 3000; // milliseconds
  let asking = null;

  const found = () => {
    clearInterval(asking);
    asking = null;
    banner.hidden = true;
    for (const element of document.querySelectorAll("[data-poll]")) htmx.trigger(element, "wake");
  };
  const ask = async () => {
    try {
      const answer = await fetch(banner.dataset.health, { cache: "no-store", signal: AbortSignal.timeout(AGAIN) });
      if (answer.ok) found();
    } catch { /* still away; asked again soon */ }
  };
  const lost = () => {
    banner.hidden = false;
    asking ??= setInterval(ask, AGAIN);
  };

  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  document.addEventListener("htmx:afterOnLoad", (event) => {
    // A proxy that answers in the server's place counts as no answer.
    if ([502, 504].includes(event.detail.xhr.status)) lost();
    else if (asking) found();
  });
  window.addEventListener("offline", lost);
  window.addEventListener("online", ask);
})();
