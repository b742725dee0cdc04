// Tables: sorted by a click on a heading, saved as CSV, LaTeX or YAML.

function sortable(table) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = el("button", { type: "button", click: () => sort(column) }, heading.textContent);
    heading.replaceChildren(button);
  });

  /** Up, down, then as it was. Cells without a number come last. */
  function sort(column) {
    const now = headings[column].getAttribute("aria-sort");
    const next = { ascending: "descending", descending: null }[now] ?? (now === null ? "ascending" : null);
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    if (!next) return body.append(...first);
    headings[column].setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const keys = new Map(first.map((row) => [row, keyOf(row.cells[column])]));
    const numeric = [...keys.values()].some((key) => typeof key === "number");
    const compare = (a, b) => {
      const [one, other] = [keys.get(a), keys.get(b)];
      if (!numeric) return sign * one.localeCompare(other);
      if (typeof one !== "number" || typeof other !== "number") return (typeof one !== "number") - (typeof other !== "number");
      return sign * (one - other) || 0;
    };
    return body.append(...[...first].sort(compare));
  }
}

function keyOf(cell) {
  const key = cell.dataset.key;
  if (key === undefined) return cell.textContent.trim();
  return key.endsWith("inf") ? (key.startsWith("-") ? -Infinity : Infinity) : Number(key);
}

function savingButton(button) {
  button.hidden = false; // without a script it could do nothing
  const { save: kind, name, text } = button.dataset;
  const title = button.closest(".table")?.querySelector(".caption")?.textContent ?? button.closest(".experiment").querySelector("h2").textContent;
  button.addEventListener("click", () => save(name ?? `${title.slice(0, 80)}.${kind}`, kind === "csv" ? "text/csv" : "text/plain", text));
}
