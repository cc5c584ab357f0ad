// The conversation: Enter sends, what was typed is never lost, and the view stays where it is.
(() => {
  const scroll = document.getElementById("scroll");
  const form = document.querySelector("[data-composer]");
  if (!scroll) return;

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  toEnd();

  let stay = null; // how to place the view once the messages were swapped
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "messages") return;
    const sent = form && event.detail.requestConfig.elt === form;
    const fromEnd = scroll.scrollHeight - scroll.scrollTop;
    const earlier = event.detail.requestConfig.elt.classList.contains("earlier");
    if (sent || atEnd()) stay = toEnd;
    else if (earlier) stay = () => { scroll.scrollTop = scroll.scrollHeight - fromEnd; };
    else stay = null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "messages" && stay) stay();
  });

  if (!form) return;
  const field = form.querySelector("textarea");

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (field.value.trim()) form.requestSubmit();
  });

  // The field is free for the next message at once; a message that was refused comes back.
  const underway = new WeakMap();
  form.addEventListener("htmx:beforeRequest", (event) => {
    underway.set(event.detail.xhr, field.value);
    field.value = "";
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) return;
    const text = underway.get(event.detail.xhr) ?? "";
    field.value = [text, field.value].filter(Boolean).join("\n");
  });
})();
