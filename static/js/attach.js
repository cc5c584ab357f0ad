// Files to send: chosen, dropped or pasted, shown in a tray, and handed over one after the other, in
// order, each under a key of its own, by which the server knows what it was sent before.
(() => {
  const place = document.querySelector("[data-attach]");
  if (!place) return;
  const by = (id) => document.getElementById(id);
  const form = by("attach-form"), chooser = by("attach-files"), tray = by("attach-tray");
  by("attach-plain").remove(); // each file has a choice of its own
  const caption = by("attach-caption"), cancel = by("attach-cancel"), send = by("attach-send");
  const problems = by("attach-problems"), news = by("attach-news");
  const limit = Number(place.dataset.limit);
  const sizes = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
  const units = document.documentElement.lang === "ru" ? ["Б", "КБ", "МБ", "ГБ"] : ["B", "KB", "MB", "GB"];
  const size = (bytes) => {
    let unit = 0;
    for (; bytes >= 1024 && unit < 3; unit += 1) bytes /= 1024;
    return `${sizes.format(bytes)} ${units[unit]}`;
  };

  let items = []; // in their order
  let running = null;
  let caption_key = null; // the file that the caption goes with

  const fresh = () => {
    tray.hidden = !items.length;
    cancel.hidden = !items.length;
    send.disabled = Boolean(running) || items.some((item) => item.refused);
  };
  const remover = (item) => item.shown.querySelector(".attach-remove");
  const remove = (item) => {
    if (item.request) item.request.abort();
    const next = item.shown.nextElementSibling ?? item.shown.previousElementSibling;
    const focused = item.shown.contains(document.activeElement);
    if (item.address) URL.revokeObjectURL(item.address);
    item.shown.remove();
    items = items.filter((one) => one !== item);
    if (!items.length) caption_key = null;
    if (focused) (next?.querySelector("button") ?? chooser).focus();
    fresh();
  };
  const add = (file) => {
    const shown = by("attach-item").content.firstElementChild.cloneNode(true);
    const item = { file, shown, key: upload.key(), refused: false };
    shown.querySelector(".attach-name").textContent = file.name;
    shown.querySelector(".attach-size").textContent = size(file.size);
    const why = file.size > limit ? place.dataset.tooLarge : file.size ? "" : place.dataset.empty;
    shown.querySelector(".attach-note").textContent = why;
    item.refused = Boolean(why);
    if (/^image\/(png|jpeg|gif|webp)$/.test(file.type) && !why) picture(item);
    if (!why) offer(item);
    remover(item).addEventListener("click", () => remove(item));
    items.push(item);
    tray.append(shown);
  };
  // As what it can be sent. Whether a GIF moves the server finds out: one that does not goes as it is.
  const kinds = { "image/jpeg": "photo", "image/png": "photo", "image/webp": "webp", "image/gif": "gif" };
  const offer = (item) => {
    const kind = kinds[item.file.type] ?? (item.file.type.startsWith("video/") ? "video" : "");
    const choice = item.shown.querySelector(".attach-as");
    for (const option of [...choice.options]) {
      if (!option.dataset.for.split(" ").includes(kind)) option.remove();
    }
    choice.hidden = !choice.options.length;
    choice.setAttribute("aria-label", `${place.dataset.as}: ${item.file.name}`);
    choice.selectedIndex = 0;
  };
  // As data, not as a blob: pages allow images of their own and data alone.
  const picture = (item) => {
    if (item.file.size > 8 * 1024 * 1024) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const image = Object.assign(document.createElement("img"), { src: reader.result, alt: "" });
      item.shown.querySelector(".attach-picture").replaceChildren(image);
    });
    reader.readAsDataURL(item.file);
  };
  const take = (files) => {
    problems.replaceChildren();
    for (const file of files) add(file);
    place.open = true;
    fresh();
    if (files.length) caption.focus();
  };

  const hand = async (item, text) => {
    const bar = item.shown.querySelector("progress");
    bar.hidden = false;
    item.shown.querySelector(".attach-note").textContent = "";
    const values = { csrf_token: form.elements.csrf_token.value, caption: text, key: item.key, as: item.shown.querySelector(".attach-as").value, file: item.file };
    if (item.key === caption_key) values.reply_to = by("reply-to")?.value ?? "";
    const { request, done } = upload.send(form.action, values, {
      lost: place.dataset.failed,
      progress: (part) => { bar.value = part; },
      // All of it is on its way, so taking it back would only hide that it is sent.
      handed: () => { item.handed = remover(item).disabled = true; },
    });
    item.request = request;
    const why = await done;
    item.request = null;
    item.handed = remover(item).disabled = false;
    return why;
  };
  const look = () => { if (by("news")) htmx.trigger(by("news"), "wake"); };

  const all = async () => {
    running = true;
    fresh();
    news.textContent = place.dataset.sending;
    caption_key = caption_key ?? items[0]?.key;
    let handed = 0;
    for (const item of [...items]) {
      if (!items.includes(item)) continue;
      const why = await hand(item, item.key === caption_key ? caption.value : "");
      if (why === null) continue; // taken back meanwhile
      if (why) {
        item.shown.querySelector(".attach-note").textContent = why;
        item.shown.querySelector("progress").hidden = true;
        news.textContent = why;
        break; // those behind it keep their place
      }
      if (item.key === caption_key) {
        caption.value = "";
        by("reply-cancel")?.click();
        caption_key = "handed"; // a caption and an answer go once
      }
      handed += 1;
      remove(item);
      look();
    }
    running = null;
    if (!items.length && !handed) news.textContent = ""; // all of them were taken back
    else if (!items.length) {
      news.textContent = place.dataset.sent;
      place.open = false;
      document.getElementById("text")?.focus();
    }
    fresh();
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running && items.length && !items.some((item) => item.refused)) all();
    else if (!items.length) chooser.click();
  });
  chooser.addEventListener("change", () => {
    take([...chooser.files]);
    chooser.value = "";
  });
  cancel.addEventListener("click", () => {
    for (const item of items.filter((one) => !one.handed)) remove(item);
    if (items.length) return;
    caption.value = "";
    place.open = false;
    place.querySelector("summary").focus();
  });
  caption.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });

  const target = document.querySelector(".conversation") ?? document.body;
  const brings = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    target.addEventListener(kind, (event) => {
      if (!brings(event)) return;
      event.preventDefault();
      target.classList.toggle("attach-over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  }
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
  window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });
  fresh();
})();
