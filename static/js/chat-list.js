// The list of chats: what a poll brings is put in its place, or taken out where it does not
// belong to this list any more; drafts are named.
(() => {
  const list = document.getElementById("lines");
  if (!list) return;
  const frame = document.getElementById("chats");
  const onlyUnread = frame.hasAttribute("data-only-unread");
  const archive = frame.hasAttribute("data-archive");
  const word = frame.dataset.draft;

  const lines = () => [...list.querySelectorAll(".chat-item")];
  const isOpen = (line) => Boolean(line.querySelector("[aria-current]"));

  const belongs = (line) => {
    if (line.hasAttribute("data-archived") !== archive) return false;
    return !onlyUnread || line.hasAttribute("data-unread") || isOpen(line);
  };

  const takeOut = (line) => {
    const near = line.contains(document.activeElement) && (line.nextElementSibling ?? line.previousElementSibling ?? frame);
    line.remove();
    if (near) (near.querySelector("a") ?? near).focus();
  };

  const put = (fresh) => {
    const old = document.getElementById(fresh.id);
    const focused = old?.contains(document.activeElement) && document.activeElement.id;
    if (!belongs(fresh)) return old && takeOut(old);
    if (old?.dataset.place === fresh.dataset.place) old.replaceWith(fresh);
    else {
      old?.remove();
      const next = lines().find((line) => line.dataset.place < fresh.dataset.place);
      const more = list.querySelector(".more-lines");
      if (!next && more) return undefined; // it stands further down than the list reaches
      list.insertBefore(fresh, next ?? null);
    }
    htmx.process(fresh);
    if (focused) document.getElementById(focused)?.focus();
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
