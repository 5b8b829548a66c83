// Filters for the table of errors. Without JavaScript, all rows are shown and the filters stay hidden.
const filters = document.querySelector(".filters");
const rows = [...document.querySelectorAll("#errors tbody tr")];
const shown = document.querySelector("#shown");

function apply() {
  const wanted = Object.fromEntries(new FormData(filters));
  const words = wanted.text.toLowerCase();
  let count = 0;
  for (const row of rows) {
    const predicted = row.dataset.predicted.split(" ");
    const keep =
      (!wanted.gold || row.dataset.gold === wanted.gold) &&
      (!wanted.predicted || predicted.includes(wanted.predicted)) &&
      (!wanted.corpus || row.dataset.corpus === wanted.corpus) &&
      (!wanted.wrong || row.dataset.wrong.split(" ").includes(wanted.wrong)) &&
      (!wanted.apart || new Set(predicted).size > 1) &&
      (!wanted.sure || row.dataset.doubtful !== "true") &&
      (!words || row.cells[0].textContent.toLowerCase().includes(words));
    row.hidden = !keep;
    count += keep;
  }
  shown.textContent = `${count} of ${rows.length} shown`;
}

if (filters) {
  filters.hidden = false;
  filters.addEventListener("input", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
