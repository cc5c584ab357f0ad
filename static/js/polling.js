// Polls only while somebody can see them; asks at once when the tab comes back.
(() => {
  const isPoll = (event) => event.target.hasAttribute("data-poll") && event.detail.requestConfig.verb === "get";

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && isPoll(event)) event.preventDefault();
  });

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("[data-poll]")) htmx.trigger(element, "wake");
  });
})();
