// Pages that follow the address, tables that sort and filter, one tab stop for each table.
"use strict";
const pages = [...document.querySelectorAll(".page")];
const choice = document.getElementById("workspace");
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
document.documentElement.classList.add("js");

function show() {
  const id = decodeURIComponent(location.hash.slice(1));
  document.body.classList.toggle("whole", id === "whole");
  if (id === "whole" || id === "content") return mark(null, id);
  const target = document.getElementById(id);
  const page = target?.closest(".page") || pages[0];
  for (const other of pages) other.classList.toggle("current", other === page);
  mark(page, page.id);
  if (target && target !== page) {
    target.closest("details")?.setAttribute("open", "");
    target.scrollIntoView();
  } else window.scrollTo(0, 0);
}

function mark(page, id) {
  if (id === "content") return;
  const workspace = page?.dataset.workspace || choice?.value;
  if (choice && page?.dataset.workspace) choice.value = workspace;
  for (const item of document.querySelectorAll("nav li")) {
    item.hidden = choice && item.dataset.workspace && item.dataset.workspace !== workspace;
    const link = item.querySelector("a");
    if (link.hash === `#${id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function sortBy(heading) {
  const row = heading.parentElement;
  const column = [...row.children].indexOf(heading);
  const turn = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of row.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
  const isNumber = heading.classList.contains("number");
  const value = (line) => line.children[column].dataset.sort ?? line.children[column].textContent;
  const body = heading.closest("table").tBodies[0];
  const lines = [...body.rows].sort((left, right) => {
    const [a, b] = [value(left), value(right)];
    if (a === "" || b === "") return (a === "") - (b === ""); // what is empty stays at the end
    return turn * (isNumber ? Number(a) - Number(b) : collator.compare(a, b));
  });
  body.append(...lines);
}

function filter(input) {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const box = input.closest("section");
  const rows = [...box.querySelector("tbody").rows];
  let count = 0;
  for (const line of rows) {
    const text = line.textContent.toLowerCase();
    line.hidden = !words.every((word) => text.includes(word));
    count += !line.hidden;
  }
  const output = box.querySelector("output");
  const all = Number(output.dataset.all).toLocaleString("en");
  const shown = rows.length < Number(output.dataset.all) ? ` shown (${all} in all)` : "";
  output.textContent = words.length ? `${count} of the ${rows.length} rows${shown}` : "";
}

// The region of a table is the tab stop; arrow keys go through its headings and links.
function moveIn(region, event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  const stops = [...region.querySelectorAll("a, button")].filter((stop) => stop.offsetParent);
  const place = stops.indexOf(document.activeElement) + step;
  if (place < 0) return region.focus();
  if (place >= stops.length) return;
  event.preventDefault();
  stops[place].focus();
}

for (const region of document.querySelectorAll(".rows")) {
  for (const stop of region.querySelectorAll("a, button")) stop.tabIndex = -1;
  region.addEventListener("keydown", (event) => moveIn(region, event));
}
for (const heading of document.querySelectorAll("thead th")) {
  heading.querySelector("button").addEventListener("click", () => sortBy(heading));
}
for (const tools of document.querySelectorAll(".tools")) {
  tools.hidden = false;
  const input = tools.querySelector("input");
  input.addEventListener("input", () => filter(input));
  const all = tools.querySelector(".all");
  all?.addEventListener("click", () => {
    const isShort = tools.nextElementSibling.firstElementChild.classList.toggle("short");
    all.setAttribute("aria-pressed", String(!isShort));
  });
}
if (choice) {
  choice.closest("label").hidden = false;
  choice.addEventListener("change", () => {
    const current = document.querySelector(".page.current");
    const same = pages.find(
      (page) => page.dataset.workspace === choice.value && page.dataset.title === current?.dataset.title,
    );
    const today = pages.find((page) => page.dataset.workspace === choice.value);
    location.hash = (same || today).id;
  });
}
window.addEventListener("hashchange", show);
show();
