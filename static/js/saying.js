// Forms for a place, contact cards and a poll: rows that come as they are needed, coordinates that
// are set apart, and the way back into the conversation.
(() => {
  // A row more than are filled. Without scripts all of them are there.
  const isFilled = (row) => [...row.querySelectorAll("input")].some((field) => field.value.trim());
  const grow = (place, fold) => {
    const rows = [...place.querySelectorAll("[data-grown]")];
    const shown = Math.max(Number(place.dataset.grows), rows.findLastIndex(isFilled) + 2);
    rows.forEach((row, number) => {
      if (number < shown) row.hidden = false;
      else if (fold) row.hidden = true;
    });
  };
  document.addEventListener("input", (event) => {
    const place = event.target.closest("[data-grows]");
    if (place) grow(place, false);
  });

  // Both numbers in one field, as app/core/coordinates.py reads them.
  const NUMBER = "[-+−]?\\d{1,3}(?:[.,]\\d+)?°?";
  const TWO = new RegExp(`^\\s*(${NUMBER})[\\s,;]+(${NUMBER})\\s*$`);
  const setApart = (field) => {
    const point = field.closest("[data-point]");
    const both = point && TWO.exec(field.value);
    if (both) put(point, both[1], both[2]);
  };
  const put = (point, latitude, longitude) => {
    point.querySelector("[data-latitude]").value = latitude;
    point.querySelector("[data-longitude]").value = longitude;
  };
  document.addEventListener("input", (event) => {
    if (event.inputType === "insertFromPaste") setApart(event.target);
  });
  document.addEventListener("change", (event) => setApart(event.target));

  const look = (mine) => {
    const button = mine.querySelector("button"), note = mine.querySelector("[role=status]");
    const over = (sentence) => {
      button.disabled = false;
      note.textContent = sentence;
    };
    button.disabled = true;
    note.textContent = mine.dataset.looking;
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      put(mine.closest("form"), coords.latitude.toFixed(6), coords.longitude.toFixed(6));
      over("");
    }, () => over(mine.dataset.failed), { enableHighAccuracy: true, timeout: 15000 });
  };
  document.addEventListener("click", (event) => {
    const mine = event.target.closest("[data-my-place] button");
    if (mine) look(mine.closest("[data-my-place]"));
  });

  // Without scripts Enter is the search's button, the first of that form. With them the search needs
  // none, and Enter in a row sends.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const form = event.target.closest?.("#cards form"), isSearch = event.target.type === "search";
    if (!form || !(isSearch || event.target.closest(".card-typed"))) return;
    event.preventDefault();
    if (isSearch) htmx.trigger(event.target, "search");
    else form.requestSubmit(form.querySelector(".primary"));
  });

  document.addEventListener("htmx:load", (event) => {
    for (const place of event.detail.elt.querySelectorAll("[data-grows]")) grow(place, true);
    if (!isSecureContext || !navigator.geolocation) return;
    for (const mine of event.detail.elt.querySelectorAll("[data-my-place]")) mine.hidden = false;
  });

  // In the dialog over the conversation.
  const menu = document.getElementById("say"), ask = document.getElementById("ask");
  if (!menu || !conversation) return;
  let opened = false, sent = false;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id === "asked" && !ask.open) opened = menu.contains(event.target);
  });
  document.addEventListener("said", () => {
    sent = true;
    if (document.getElementById("reply-to").value) document.getElementById("reply-cancel").click();
    if (!conversation.list.querySelector(".more-after")) conversation.toEnd();
  });
  ask.addEventListener("close", () => {
    const place = sent ? document.getElementById("text") : menu.querySelector("summary");
    if (opened) setTimeout(() => place.focus()); // after answered.js, which does not know the menu
    opened = sent = false;
  });
})();
