"use strict";
(() => {
  const rows = [...document.querySelectorAll("#sessions tbody tr")];
  const search = document.getElementById("search");
  const severity = document.getElementById("severity");
  const count = document.getElementById("count");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, position) => {
      const severities = row.dataset.severities.split(" ");
      const fits = words.every((word) => texts[position].includes(word));
      row.hidden = !(fits && (!severity.value || severities.includes(severity.value)));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown} of ${rows.length} rows`;
  };
  search.addEventListener("input", filter);
  severity.addEventListener("change", filter);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  filter();
})();
