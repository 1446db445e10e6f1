"use strict";
(() => {
  const rows = [...document.querySelectorAll("tbody tr")];
  const search = document.getElementById("search");
  const state = document.getElementById("state");
  const count = document.getElementById("count");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, position) => {
      const fits = words.every((word) => texts[position].includes(word));
      row.hidden = !(fits && (!state.value || row.dataset.state === state.value));
      shown += row.hidden ? 0 : 1;
    });
    count.textContent = `${shown} of ${rows.length} accounts`;
  };
  search.addEventListener("input", filter);
  state.addEventListener("change", filter);
  search.form.addEventListener("submit", (event) => event.preventDefault());
})();
