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

  // Each text is taken at the moment it is sent: htmx reads a form's fields only when an earlier
  // request is over, and by then the next message may stand there.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value;
    if (!text.trim()) return;
    field.value = "";
    field.focus();
    htmx.ajax("POST", form.action, { source: form, target: "#messages", swap: "outerHTML", values: { text } });
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  // A text that was refused comes back.
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) return;
    const text = event.detail.requestConfig.parameters.text;
    field.value = [text, field.value].filter(Boolean).join("\n");
  });
})();
