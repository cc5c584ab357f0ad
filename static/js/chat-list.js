// The list of chats: what a poll brings is put in its place, the newest first; drafts are named.
(() => {
  const list = document.getElementById("lines");
  if (!list) return;
  const frame = document.getElementById("chats");
  const onlyUnread = frame.hasAttribute("data-only-unread");
  const word = frame.dataset.draft;

  const lines = () => [...list.querySelectorAll(".chat-item")];
  const isOpen = (line) => Boolean(line.querySelector("[aria-current]"));

  const put = (fresh) => {
    const old = document.getElementById(fresh.id);
    const focused = old?.contains(document.activeElement);
    if (onlyUnread && !fresh.hasAttribute("data-unread") && !isOpen(fresh)) return old?.remove();
    if (old?.dataset.place === fresh.dataset.place) old.replaceWith(fresh);
    else {
      old?.remove();
      const next = lines().find((line) => line.dataset.place < fresh.dataset.place);
      const more = list.querySelector(".more-lines");
      if (!next && more) return undefined; // it stands further down than the list reaches
      list.insertBefore(fresh, next ?? null);
    }
    if (focused) fresh.querySelector("a").focus();
    return undefined;
  };

  // What is written but not sent stands in the line of its chat.
  const draftOf = (chat) => {
    try { return localStorage.getItem(`draft:${chat}`); } catch { return null; }
  };
  const nameDrafts = () => {
    for (const line of lines()) {
      const text = line.querySelector(".chat-line-text");
      text.dataset.text ??= text.textContent;
      const draft = isOpen(line) ? null : draftOf(line.dataset.chat);
      if (!draft && !text.querySelector(".draft-mark")) continue;
      text.textContent = draft ? ` ${draft}` : text.dataset.text;
      if (draft) text.prepend(Object.assign(document.createElement("span"), { className: "draft-mark", textContent: word }));
    }
  };

  const merge = () => {
    const brought = document.querySelector("#lines-news > template");
    if (!brought) return;
    for (const line of [...brought.content.querySelectorAll(".chat-item")]) put(line);
    brought.remove();
    document.getElementById("no-lines").hidden = lines().length > 0;
  };
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt.id === "lines-news") merge();
    if (frame.contains(event.detail.elt)) nameDrafts();
  });
  nameDrafts();

  // The open chat is in view, wherever it stands.
  const open = list.querySelector("[aria-current]");
  if (open && open.offsetTop > frame.clientHeight) frame.scrollTop = open.offsetTop - frame.clientHeight / 2;
})();
