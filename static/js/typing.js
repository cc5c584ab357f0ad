// While somebody writes, the other side sees it: told every few seconds, ended when the text is sent
// or nothing more is typed. Nobody answers, and what gets lost is no loss.
(() => {
  const form = document.querySelector("[data-typing]");
  if (!form) return;
  const field = form.querySelector("textarea");
  const EVERY = 5000, IDLE = 10000; // milliseconds
  let told = 0, ending = 0;

  const tell = (typing) => {
    const body = new FormData();
    body.set("csrf_token", form.elements.csrf_token.value);
    body.set("typing", typing ? "1" : "0");
    fetch(form.dataset.typing, { method: "POST", body, keepalive: true }).catch(() => {});
  };
  const end = () => {
    clearTimeout(ending);
    if (told) tell(false);
    told = 0;
  };

  field.addEventListener("input", () => {
    if (!field.value.trim()) return end();
    if (Date.now() - told >= EVERY) {
      told = Date.now();
      tell(true);
    }
    clearTimeout(ending);
    ending = setTimeout(end, IDLE);
  });
  form.addEventListener("submit", end);
  window.addEventListener("pagehide", end);
})();

// Who types there is shown by the polls, and for so long where nothing more is heard.
(() => {
  const SHOWN = 15000; // milliseconds
  let shown = null, hiding = 0;
  const look = () => {
    const mark = document.querySelector(".composing");
    if (mark === shown) return;
    shown = mark;
    clearTimeout(hiding);
    if (mark) hiding = setTimeout(() => mark.remove(), SHOWN);
  };
  document.addEventListener("htmx:afterSettle", look);
  look();
})();
