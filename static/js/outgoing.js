// What is written here is never lost and never sent twice: a text stands in the conversation and in
// the browser's memory until the server has it, under a key of its own, by which the server knows
// what it was sent before. What is not sent yet is kept as a draft.
(() => {
  const form = document.querySelector("[data-composer]");
  if (!form || !conversation) return;
  const field = form.querySelector("textarea");
  const chat = conversation.list.dataset.chat;
  const AGAIN = 4000; // milliseconds until a text that was not taken is tried again
  const OUTBOX = `outbox:${chat}`;
  const DRAFT = `draft:${chat}`;

  const keep = (name, value) => {
    try {
      if (value) localStorage.setItem(name, value);
      else localStorage.removeItem(name);
    } catch { /* a browser that keeps nothing: then it is in this page only */ }
  };
  const kept = (name) => {
    try { return localStorage.getItem(name); } catch { return null; }
  };

  // The draft, and the height of the field.
  const LINES = 6;
  const grow = () => {
    if (CSS.supports("field-sizing", "content")) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, LINES * 24 + 18)}px`;
  };
  const draft = () => {
    keep(DRAFT, field.value);
    grow();
  };
  if (!field.value && kept(DRAFT)) field.value = kept(DRAFT);
  grow();
  field.addEventListener("input", draft);

  // What is answered: shown over the field until it is sent or taken back.
  const replying = document.getElementById("replying"), answered = document.getElementById("reply-to");
  const answer = (id, author, text) => {
    answered.value = id;
    replying.querySelector(".quote-author").textContent = author;
    replying.querySelector(".quote-text").textContent = text;
    replying.hidden = !id;
  };
  conversation.list.addEventListener("click", (event) => {
    const link = event.target.closest("[data-reply]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    answer(link.dataset.reply, link.dataset.author, link.dataset.text);
    field.focus();
  });
  document.getElementById("reply-cancel").addEventListener("click", (event) => {
    event.preventDefault();
    answer("", "", "");
    field.focus();
  });

  // The texts the server does not have yet, in their order.
  let waiting = [];
  try { waiting = JSON.parse(kept(OUTBOX) ?? "[]"); } catch { waiting = []; }
  const remember = () => keep(OUTBOX, waiting.length ? JSON.stringify(waiting) : null);
  const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  const show = (text) => {
    if (document.getElementById(`pending-${text.key}`)) return;
    const bubble = document.getElementById("pending").content.firstElementChild.cloneNode(true);
    bubble.id = `pending-${text.key}`;
    bubble.querySelector(".bubble-text").textContent = text.values.text;
    const time = bubble.querySelector("time");
    time.dateTime = text.at;
    time.textContent = new Date(text.at).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    if (conversation.list.querySelector(".more-after")) return; // the end is not shown
    conversation.list.append(bubble);
    conversation.tidy();
    conversation.toEnd();
  };
  const settled = (text) => {
    waiting = waiting.filter((one) => one.key !== text.key);
    remember();
  };
  const giveBack = (text) => {
    settled(text);
    document.getElementById(`pending-${text.key}`)?.remove();
    conversation.tidy();
    field.value = [text.values.text, field.value].filter(Boolean).join("\n");
    draft();
  };

  let status = 0;
  form.addEventListener("htmx:afterRequest", (event) => { status = event.detail.xhr.status; });
  let busy = false;
  const hand = async () => {
    if (busy) return;
    busy = true;
    while (waiting.length) {
      const [text] = waiting;
      status = 0;
      const since = document.getElementById("since").value;
      const values = { ...text.values, key: text.key, since };
      try {
        await htmx.ajax("POST", form.action, { source: form, target: "#news", swap: "outerHTML", values });
      } catch { /* told by the banner */ }
      if (status >= 200 && status < 300) settled(text);
      else if (status >= 400 && status < 500 && ![401, 408, 419, 429].includes(status)) giveBack(text);
      else {
        setTimeout(hand, AGAIN);
        break;
      }
    }
    busy = false;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value;
    if (!text.trim()) return;
    const { send_at: later, ttl } = form.elements;
    const one = { key: key(), at: new Date().toISOString(), values: { text, send_at: later.value, ttl: ttl.value, reply_to: answered.value } };
    later.value = ttl.value = "";
    answer("", "", "");
    form.querySelector("details").open = false;
    waiting.push(one);
    remember();
    field.value = "";
    draft();
    field.focus();
    show(one);
    hand();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  window.addEventListener("online", hand);

  for (const text of waiting) {
    if (conversation.list.querySelector(`[data-key="${CSS.escape(text.key)}"]`)) settled(text);
    else show(text);
  }
  hand();
})();
