// Tables that sort by a click on a heading and show the rows that hold the words typed above them.
"use strict";
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function sortBy(heading) {
  const row = heading.parentElement;
  const column = [...row.children].indexOf(heading);
  const turn = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of row.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
  const isNumber = heading.classList.contains("number");
  const value = (line) => line.children[column].dataset.sort;
  const body = heading.closest("table").tBodies[0];
  const lines = [...body.rows].sort((one, two) => {
    const [a, b] = [value(one), value(two)];
    if (a === "" || b === "") return (a === "") - (b === ""); // what is empty stays at the end
    return turn * (isNumber ? Number(a) - Number(b) : collator.compare(a, b));
  });
  body.append(...lines);
}

function filter(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const box = input.closest("section");
  let count = 0;
  for (const line of box.querySelector("tbody").rows) {
    const text = line.textContent.toLowerCase();
    line.hidden = !words.every((word) => text.includes(word));
    count += !line.hidden;
  }
  box.querySelector("output").textContent = words.length ? `${count} rows match` : "";
}

for (const heading of document.querySelectorAll("thead th")) {
  heading.querySelector("button").addEventListener("click", () => sortBy(heading));
}
for (const input of document.querySelectorAll(".tools input")) {
  input.closest(".tools").hidden = false;
  input.addEventListener("input", () => filter(input));
}
