// A voice message: recorded here, shown in a bar while it is, and handed over under a key of its own.
// What is recorded stays until the server has it, or somebody takes it back.
(() => {
  const by = (id) => document.getElementById(id);
  const bar = by("voice"), open = by("voice-open");
  if (!bar || !open) return;
  const cancel = by("voice-cancel"), send = by("voice-send"), note = by("voice-note");
  const dot = by("voice-dot"), time = by("voice-time"), progress = by("voice-progress"), news = by("voice-news");
  const say = bar.dataset;
  const FORMS = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
  const REFUSALS = { NotAllowedError: say.refused, SecurityError: say.refused, NotFoundError: say.missing };
  let recording = null; // the one on the bar

  const tell = (text, wrong = false) => {
    note.textContent = text;
    note.classList.toggle("wrong", wrong);
  };
  const runs = (one) => one?.recorder?.state === "recording";
  const shown = (seconds) => { time.textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`; };
  const release = (one) => {
    clearInterval(one.clock);
    for (const track of one.stream?.getTracks() ?? []) track.stop();
  };
  const close = () => {
    recording = null;
    bar.hidden = true;
    open.disabled = false;
    tell("");
  };

  // Nothing can be recorded: the bar says why, and the button may be pressed again.
  const refuse = (one, why) => {
    if (recording !== one) return;
    release(one);
    recording = null;
    open.disabled = false;
    dot.hidden = time.hidden = send.hidden = true;
    tell(why, true);
  };
  const ended = (one) => {
    release(one);
    if (recording !== one) return;
    dot.hidden = true;
    const type = one.recorder.mimeType, blob = new Blob(one.parts, { type });
    if (!blob.size) return refuse(one, say.nothing);
    one.file = new File([blob], "voice", { type });
    if (one.wanted) return hand(one);
    tell(one.full ? say.full : say.cut);
    send.focus();
  };
  const begin = (one) => {
    const mimeType = FORMS.find((form) => MediaRecorder.isTypeSupported(form));
    one.recorder = new MediaRecorder(one.stream, { ...(mimeType && { mimeType }), audioBitsPerSecond: 48000 });
    one.recorder.addEventListener("dataavailable", (event) => { if (event.data.size) one.parts.push(event.data); });
    one.recorder.addEventListener("stop", () => ended(one));
    one.recorder.start(1000);
    const start = performance.now(), longest = Number(say.longest);
    one.clock = setInterval(() => {
      const seconds = Math.min((performance.now() - start) / 1000, longest);
      shown(seconds);
      one.full = seconds >= longest;
      if (one.full && runs(one)) one.recorder.stop();
    }, 200);
    dot.hidden = send.disabled = false;
    tell(say.recording);
    send.focus();
  };
  const record = async () => {
    const one = recording = { key: upload.key(), parts: [] };
    news.textContent = "";
    bar.hidden = time.hidden = send.hidden = false;
    dot.hidden = progress.hidden = true;
    cancel.disabled = false;
    open.disabled = send.disabled = true;
    shown(0);
    cancel.focus();
    if (!window.isSecureContext) return refuse(one, say.insecure);
    if (!navigator.mediaDevices || !window.MediaRecorder) return refuse(one, say.unable);
    tell(say.asking);
    try {
      one.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
      if (recording === one) begin(one);
      else release(one); // taken back while the browser asked
    } catch (error) {
      refuse(one, REFUSALS[error.name] ?? say.taken);
    }
  };

  const hand = async (one) => {
    one.running = send.disabled = true;
    progress.value = 0;
    progress.hidden = false;
    tell(say.sending);
    const values = { csrf_token: by("composer").elements.csrf_token.value, key: one.key, reply_to: by("reply-to")?.value ?? "", file: one.file };
    const { request, done } = upload.send(say.address, values, {
      lost: say.failed,
      progress: (part) => { progress.value = part; },
      // All of it is on its way, so taking it back would only hide that it is sent.
      handed: () => { cancel.disabled = true; },
    });
    one.request = request;
    const why = await done;
    if (why === null) return; // taken back meanwhile
    one.running = cancel.disabled = send.disabled = false;
    progress.hidden = true;
    if (why) {
      tell(why, true);
      send.focus();
      return;
    }
    close();
    news.textContent = say.sent;
    by("reply-cancel")?.click();
    by("text")?.focus();
    if (by("news")) htmx.trigger(by("news"), "wake");
  };

  open.addEventListener("click", record);
  send.addEventListener("click", () => {
    const one = recording;
    if (!one || one.running) return;
    one.wanted = true;
    if (runs(one)) one.recorder.stop();
    else if (one.file) hand(one);
  });
  cancel.addEventListener("click", () => {
    const one = recording;
    close();
    if (one) release(one);
    if (runs(one)) one.recorder.stop();
    one?.request?.abort();
    open.focus();
  });
  window.addEventListener("beforeunload", (event) => { if (recording?.parts.length) event.preventDefault(); });
  window.addEventListener("pagehide", () => { if (recording) release(recording); });
  open.hidden = false;
})();
