// Naming a member of a group: an @ offers those whose name or number fits what is typed behind it.
(() => {
  const list = document.getElementById("mentions"), field = document.getElementById("text");
  if (!list || !field) return;
  let current = -1, asked = "", timer = 0, request = 0;

  const behind = () => /(?:^|\s)@([^\s@]{0,30})$/u.exec(field.value.slice(0, field.selectionStart));
  const options = () => [...list.querySelectorAll("[role=option]")];
  const close = () => {
    clearTimeout(timer);
    request += 1; // what is on its way comes too late
    list.hidden = true;
    current = -1;
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    const all = options();
    current = all.length ? (index + all.length) % all.length : -1;
    all.forEach((one, place) => one.setAttribute("aria-selected", String(place === current)));
    if (current < 0) return;
    field.setAttribute("aria-activedescendant", all[current].id);
    all[current].scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    const found = behind();
    if (!found || !option) return;
    const from = field.selectionStart - found[1].length;
    field.setRangeText(`${option.dataset.number} `, from, field.selectionStart, "end");
    close();
    field.dispatchEvent(new Event("input", { bubbles: true })); // it is in the draft, too
    field.focus();
  };
  const look = async (words) => {
    const mine = request += 1;
    const answer = await fetch(`${list.dataset.address}?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true" } });
    if (mine !== request || !answer.ok || !behind()) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    list.replaceChildren(...page.body.firstElementChild.children);
    list.hidden = !options().length;
    mark(0);
  };

  field.setAttribute("aria-controls", "mentions");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-haspopup", "listbox");
  field.addEventListener("input", () => {
    const found = behind();
    if (!found) { close(); asked = ""; return; }
    if (found[1] === asked && !list.hidden) return;
    asked = found[1];
    clearTimeout(timer);
    timer = setTimeout(() => look(asked), 120);
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) mark(current + steps[event.key]);
    else if (event.key === "Enter" || event.key === "Tab") take(options()[current]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation(); // Enter sends nothing while somebody is chosen
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => take(event.target.closest("[role=option]")));
  field.addEventListener("blur", close);
})();
