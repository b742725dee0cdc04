"use strict";
// Elements, numbers and files. Words from a results folder are only ever set as text, never as HTML.

const NUMBERS = JSON.parse(document.getElementById("numbers").textContent);
const SVG = "http://www.w3.org/2000/svg";
let drawn = 0; // charts so far, for ids

/** An element. Functions among the attributes are listeners; children are elements or text. */
function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** Four figures, as in the tables; a dash for no value. */
function figures(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e4 ? value.toPrecision(4) : String(Number(value.toPrecision(3)));
}

const measure = document.createElement("canvas").getContext("2d");

/** The width of words in a chart, in pixels. */
function textWidth(words) {
  measure.font = "12px system-ui, Arial, sans-serif";
  return measure.measureText(words).width;
}

function finite(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** The place of the number that is closest. numbers: ascending. */
function nearest(numbers, wanted) {
  let best = 0;
  numbers.forEach((number, i) => {
    if (Math.abs(number - wanted) < Math.abs(numbers[best] - wanted)) best = i;
  });
  return best;
}

function save(name, type, content) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = el("a", { href: url, download: name.replace(/[^\w.-]+/g, "-") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function checkbox(words, checked, change) {
  const input = el("input", { type: "checkbox", change: () => change(input.checked) });
  input.checked = checked;
  return el("label", {}, input, words);
}

function choice(words, options, change) {
  const select = el("select", { change: () => change(select.value) });
  for (const [value, name] of Object.entries(options)) select.append(el("option", { value }, name));
  return el("label", {}, words, select);
}

function csvText(rows) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

/**
 * A table of plain values that is made when it is opened, and by its follow() when they have changed. rows(): the
 * header, then the rows. name(): of the file.
 */
function numbersBelow(summary, name, rows) {
  const details = el("details", {}, el("summary", {}, summary));
  details.follow = () => {
    details.querySelectorAll(":scope > div").forEach((old) => old.remove());
    if (!details.open) return;
    const [header, ...lines] = rows();
    const head = el("tr", {}, ...header.map((word) => el("th", { scope: "col" }, word)));
    const cell = (value) => el("td", {}, value instanceof Node ? value : finite(value) && !Number.isInteger(value) ? figures(value) : value ?? "–");
    const body = lines.map((line) => el("tr", {}, ...line.map(cell)));
    const table = el("table", {}, el("thead", {}, head), el("tbody", {}, ...body));
    const plain = (line) => line.map((value) => (value instanceof Node ? value.textContent : value));
    const keep = () => save(`${name()}.csv`, "text/csv", csvText([header, ...lines.map(plain)]));
    details.append(
      el("div", {}, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": summary }, table),
        el("p", { class: "tools" }, el("button", { type: "button", click: keep }, "CSV"))),
    );
  };
  details.addEventListener("toggle", details.follow);
  return details;
}
