// Puts everything in its place.

const CHARTS = { convergence, heat: heatMap, sensitivity, budget, claims: intervals, inside };

for (const figure of document.querySelectorAll("[data-chart]")) {
  const experiment = NUMBERS[Number(figure.dataset.experiment)];
  const problem = experiment.problems[Number(figure.dataset.problem)];
  const kind = figure.dataset.chart;
  figure.dataset.title = problem ? problem.title : `${experiment.name}: claims`;
  const name = [experiment.name, problem?.name, kind].filter(Boolean).join("-");
  const empty = { heat: problem?.search.rows, sensitivity: problem?.search.sensitivity, budget: problem?.search.budget }[kind]?.length === 0;
  if (empty) figure.remove();
  else CHARTS[kind](figure, experiment, problem, name);
}
document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("[data-save]").forEach(savingButton);
document.querySelectorAll("[data-runs]").forEach((place) => runList(place, NUMBERS[Number(place.dataset.runs)]));

window.addEventListener("hashchange", showRecord);
showRecord();
