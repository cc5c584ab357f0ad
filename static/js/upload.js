// A file on its way to the server: how far it is, when all of it is handed over, what came of it.
const upload = (() => {
  const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const told = (request, otherwise) => {
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    return page.getElementById("alert")?.textContent.trim() || otherwise;
  };
  // `done` becomes "" when it was taken, null when it was broken off, else the sentence that says why
  // not; `lost` is that sentence where nobody answered.
  const send = (address, values, { lost, progress, handed }) => {
    const request = new XMLHttpRequest();
    const done = new Promise((settle) => {
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) progress(event.loaded / event.total);
      });
      request.upload.addEventListener("load", handed);
      request.addEventListener("load", () => settle(request.status < 300 ? "" : told(request, lost)));
      request.addEventListener("error", () => settle(lost));
      request.addEventListener("abort", () => settle(null));
    });
    const body = new FormData();
    for (const [name, value] of Object.entries(values)) body.set(name, value);
    request.open("POST", address);
    request.setRequestHeader("HX-Request", "true");
    request.send(body);
    return { request, done };
  };
  return { key, send };
})();
