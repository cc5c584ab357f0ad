// Tells the server the reader's time zone, and keeps "3 minutes ago" true between refreshes.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `timezone=${zone}; path=/; max-age=31536000; samesite=lax`;

  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always", style: "short" });
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

  const refresh = () => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
      if (seconds > 7 * 86400) continue;
      const unit = UNITS.find(([, length]) => seconds >= length);
      const text = unit ? words.format(-Math.round(seconds / unit[1]), unit[0]) : document.documentElement.dataset.justNow;
      if (element.textContent !== text) element.textContent = text;
    }
  };
  setInterval(refresh, 20000);
})();
