// The list of runs and the record of each. A record has an address of its own: #run-ID.

const RUNS = new Map();
for (const experiment of NUMBERS) {
  for (const run of experiment.records.runs) {
    // An experiment and a variant of it may share runs: the same id is the same run.
    if (!RUNS.has(run.id)) RUNS.set(run.id, { experiment, run: { ...experiment.records.alike, ...run } });
  }
}

function runLink(id) {
  return RUNS.has(id) ? el("a", { href: `#run-${id}` }, id) : document.createTextNode(id);
}

function openRecord(id) {
  location.hash = `run-${id}`;
}

function words(value) {
  if (value === null) return "–";
  if (typeof value !== "object") return String(value);
  return Object.entries(value).map(([key, item]) => `${key} ${item}`).join(", ");
}

const dialog = document.getElementById("record");
dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));

function showRecord() {
  const found = RUNS.get(location.hash.replace("#run-", ""));
  if (!location.hash.startsWith("#run-")) return;
  if (!found) {
    dialog.replaceChildren(el("h2", { id: "record-title" }, "No such run on this page"), el("form", { method: "dialog" }, el("button", {}, "Close")));
  } else fillRecord(found);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

/** The rate of a run, `lr=0.01, `. */
function settingOf(run) {
  const rate = run.hyperparameters?.lr;
  return rate === undefined ? "" : `lr=${rate}, `;
}

function fillRecord({ experiment, run }) {
  const { curve, file, final, ...fields } = run;
  const thinned = curve.epoch.length < curve.epoch[curve.epoch.length - 1];
  const rows = Object.entries(fields).map(([key, value]) => el("tr", {}, el("th", { scope: "row", class: "words" }, key), el("td", { class: "words" }, words(value))));
  const figure = el("figure", { class: "chart" }, el("figcaption", {}, el("strong", {}, "Its curve."), thinned ? " Some epochs are left out here; the file has all." : ""));
  figure.dataset.title = `${run.optimizer}, run ${run.id}`;
  const columns = Object.keys(curve).filter((key) => !["epoch", "step", "seconds"].includes(key));
  const title = el("h2", { id: "record-title" }, `${run.optimizer} on ${run.problem}, ${settingOf(run)}seed ${run.seed}`);
  const { format, sha256, ...told } = fields; // which say that a file is a whole record
  const excerpt = `a part of the record ${experiment.name}/${file}, rounded`;
  const keep = () => save(`${run.optimizer}-${run.id}-excerpt.json`, "application/json", JSON.stringify({ excerpt, ...told, curve }, null, 1));
  dialog.replaceChildren(
    el("form", { method: "dialog", class: "tools" }, el("button", {}, "Close"), el("button", { type: "button", click: keep }, "Save as JSON")),
    title, el("p", {}, `The whole record is ${experiment.name}/${file} in the results folder. To print it: `, el("code", {}, `adambench show ${run.id}`)),
    figure, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Fields of the record" }, el("table", {}, el("tbody", {}, ...rows))),
  );
  let column = columns[0];
  const chart = lineChart(figure, `run-${run.id}`, [choice("Metric", Object.fromEntries(columns.map((key) => [key, key])), (value) => { column = value; chart.draw(); })], () => ({
    x: { name: "epoch", log: false }, y: { name: column, log: false },
    series: [{ label: run.optimizer, style: experiment.styles[run.optimizer] ?? ruleStyle(experiment, experiment.problems[0], ""), x: curve.epoch,
      y: curve[column].map((value) => (finite(value) ? value : null)), diverged: run.status === "diverged" }],
  }));
}

/** A list that is made when it is opened, with a field that filters it. */
function runList(place, experiment) {
  const { runs, left_out: leftOut } = experiment.records;
  const all = runs.map((run) => ({ ...experiment.records.alike, ...run }));
  const details = el("details", {}, el("summary", {}, `${all.length} records on this page`));
  const count = el("output");
  const search = el("input", { type: "search", input: () => filter(search.value) });
  const body = el("tbody");
  let lines = [];
  if (leftOut) place.append(el("p", { class: "note" }, `${leftOut} tuning runs are left out: those of settings with high costs, and of other tuning seeds. curves.csv has them.`));
  place.append(details);
  details.addEventListener("toggle", () => {
    if (lines.length || !details.open) return;
    const header = ["run", "problem", "optimizer", "hyper-parameters", "phase", "seed", "final tuning metric", "status"];
    lines = all.map((run) => {
      const cells = [runLink(run.id), run.problem, run.optimizer, words(run.hyperparameters), run.phase, run.seed, run.status === "diverged" ? "∞" : figures(run.final), run.status];
      return el("tr", {}, ...cells.map((cell, i) => el("td", { class: [5, 6].includes(i) ? "" : "words", ...(i === 6 ? { "data-key": run.final ?? "inf" } : {}), ...(i === 5 ? { "data-key": run.seed } : {}) }, cell)));
    });
    body.append(...lines);
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...header.map((word, i) => el("th", { scope: "col", class: [5, 6].includes(i) ? "" : "words" }, word)))), body);
    sortable(table);
    details.append(el("p", { class: "tools" }, el("label", {}, "Show only runs with", search), count),
      el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Runs of ${experiment.name}` }, table));
  });

  /** Rows that have every word, for example: adam report 0.001. */
  function filter(text) {
    const wanted = text.toLowerCase().split(/\s+/);
    for (const line of lines) line.hidden = !wanted.every((word) => line.textContent.toLowerCase().includes(word));
    count.textContent = `${lines.filter((line) => !line.hidden).length} of ${lines.length}`;
  }
}
