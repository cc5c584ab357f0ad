// Says a changed state aloud, once for each change: what a poll brings again unchanged stays silent.
// A region that is swapped is not read out; this one stays.
(() => {
  const region = document.getElementById("announced");
  if (!region) return;
  const said = new Map(); // by the element's id

  const look = () => {
    const news = [];
    for (const { id, dataset } of document.querySelectorAll("[data-announce]")) {
      if (said.has(id) && said.get(id) !== dataset.announce) news.push(dataset.announce);
      said.set(id, dataset.announce);
    }
    if (news.length) region.textContent = news.join(". ");
  };
  look();
  document.addEventListener("htmx:afterSettle", look);
})();
