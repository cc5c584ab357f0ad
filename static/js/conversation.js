// The conversation: what a poll brings is put in its place, older messages come while somebody
// scrolls up, and the view stays where it is.
const conversation = (() => {
  const scroll = document.getElementById("scroll");
  const list = document.getElementById("bubbles");
  if (!scroll) return null;
  const log = document.getElementById("messages");
  const newest = document.getElementById("newest");
  const TOGETHER = 5 * 60 * 1e6; // microseconds, as in app/ui/bubbles.py
  const FAR = 240; // pixels from the end from which on it is a way back

  const fromEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight;
  const atEnd = () => fromEnd() < 60 && !list.querySelector(".more-after");
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  const all = () => [...list.querySelectorAll(".bubble")];
  const at = (bubble) => Number(bubble.dataset.place.slice(0, 17));

  // Days, groups and the hint that nothing is here yet, as the server draws them.
  const follows = (bubble, last, marked) =>
    !marked && last.dataset.day === bubble.dataset.day && last.dataset.by === bubble.dataset.by &&
    (bubble.matches(".bubble-pending") || at(bubble) - at(last) < TOGETHER);
  const tidy = () => {
    let last = null;
    for (const bubble of all()) {
      let mark = bubble.previousElementSibling;
      const unread = mark?.matches(".unread-line") ? mark : null;
      if (unread) mark = unread.previousElementSibling;
      const day = mark?.matches(".day") ? mark : null;
      const begins = !last || last.dataset.day !== bubble.dataset.day;
      if (begins && !day) {
        const line = document.createElement("li");
        line.className = "day";
        line.append(Object.assign(document.createElement("span"), { textContent: bubble.dataset.day }));
        list.insertBefore(line, unread ?? bubble);
      } else if (!begins && day) day.remove();
      bubble.classList.toggle("bubble-joined", !begins && follows(bubble, last, unread));
      last = bubble;
    }
    for (const day of list.querySelectorAll(".day")) {
      if (!day.nextElementSibling?.matches(".bubble, .unread-line")) day.remove();
    }
    document.getElementById("no-messages").hidden = Boolean(last);
  };

  let unseen = 0;
  const showWay = () => {
    if (atEnd()) unseen = 0;
    newest.hidden = fromEnd() < FAR && !unseen && !list.querySelector(".more-after");
    newest.querySelector(".newest-count").textContent = unseen || "";
  };

  // Where a new bubble goes; null where what is around it is not shown. What waits stands last.
  const spot = (fresh) => {
    const shown = all();
    let index = shown.length;
    while (index > 0 && (shown[index - 1].dataset.place ?? "~") > fresh.dataset.place) index -= 1;
    if (index === 0 && shown.length && list.querySelector(".more-before")) return null;
    if (index === shown.length && list.querySelector(".more-after")) return null;
    return { before: shown[index] ?? null };
  };
  const put = (fresh) => {
    const old = document.getElementById(fresh.id) ??
      (fresh.dataset.key && document.getElementById(`pending-${fresh.dataset.key}`));
    const focused = old?.contains(document.activeElement) ? document.activeElement.id : null;
    const opened = old?.querySelector("[popover]:popover-open")?.id; // who voted: it is read while votes come
    const known = Boolean(old);
    if (fresh.matches(".bubble-gone")) { // a change that was made: what it changed shows it
      old?.remove();
      return false;
    }
    if (old?.dataset.place === fresh.dataset.place) old.replaceWith(fresh);
    else {
      old?.remove();
      const place = spot(fresh);
      if (place) list.insertBefore(fresh, place.before);
      else if (fresh.matches(".bubble-out") || known) return false;
    }
    if (fresh.isConnected) htmx.process(fresh);
    if (opened) document.getElementById(opened)?.showPopover();
    if (focused) document.getElementById(focused)?.focus();
    return !known && fresh.matches(".bubble-in");
  };
  const merge = () => {
    const brought = document.querySelector("#news > template");
    if (!brought) return;
    const end = atEnd();
    let came = 0;
    for (const bubble of [...brought.content.querySelectorAll(".bubble")]) came += put(bubble);
    brought.remove();
    tidy();
    if (end) toEnd();
    else unseen += came;
    showWay();
  };

  let kept = null; // how far the end was before messages came in above
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.target.matches?.(".more")) return;
    kept = event.detail.target.matches(".more-before") ? scroll.scrollHeight - scroll.scrollTop : null;
    log.setAttribute("aria-live", "off"); // old ones are not read out
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "news") return;
    if (log.getAttribute("aria-live") !== "off") return;
    tidy();
    if (kept !== null) scroll.scrollTop = scroll.scrollHeight - kept;
    kept = null;
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
    showWay();
  });
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt.id === "news") merge();
  });

  scroll.addEventListener("scroll", showWay, { passive: true });
  newest.addEventListener("click", (event) => {
    if (list.querySelector(".more-after")) return; // the end is not here: the link goes there
    event.preventDefault();
    toEnd();
  });
  // A keyboard that opens, a composer that grows: the end stays in view.
  let height = scroll.clientHeight;
  new ResizeObserver(() => {
    if (scroll.scrollHeight - scroll.scrollTop - height < 60) toEnd();
    height = scroll.clientHeight;
  }).observe(scroll);

  const wanted = document.getElementById(`bubble-${list.dataset.target}`) ?? document.getElementById("unread");
  if (wanted) scroll.scrollTop = wanted.offsetTop - scroll.clientHeight / 3;
  else toEnd();
  showWay();
  return { tidy, toEnd, list };
})();
