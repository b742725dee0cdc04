// Inside the optimizers: a quantity along the steps, and its spread in each layer at the step of the slider.

function inside(figure, experiment, problem, name) {
  const { runs, quantities, quantiles } = problem.inside;
  const parts = [...new Set(runs.flatMap((run) => Object.keys(run.parts)))];
  const seen = Object.fromEntries(Object.entries(quantities).filter(([key]) => runs.some((run) => run.parts[parts[0]][key])));
  let quantity = Object.keys(seen)[0], part = parts[0], step = null;
  const spread = el("div", { class: "drawing" });
  const title = el("p", { class: "note" });
  const controls = [choice("Quantity", seen, (value) => { quantity = value; chart.draw(); })];
  const names = Object.fromEntries(parts.map((key) => [key, key === "all" ? "all parameters" : key]));
  if (parts.length > 1) controls.push(choice("Of", names, (value) => { part = value; chart.draw(); }));
  const chart = lineChart(figure, name, controls, () => {
    const having = runs.filter((run) => run.parts[part]?.[quantity]);
    const medians = having.flatMap((run) => run.parts[part][quantity][2]).filter((value) => value > 0);
    const floor = Math.min(...medians) / 100; // some weights never move, and a logarithmic axis has no zero
    return {
      x: { name: "minibatch updates", log: true },
      y: { name: seen[quantity], log: true, floor },
      series: having.map((run) => {
        const [, low, middle, high] = run.parts[part][quantity];
        return { label: run.label, style: experiment.styles[run.label], x: run.parts[part].steps, y: middle, low, high };
      }),
    };
  }, (value) => { step = value; boxes(spread.clientWidth); });
  figure.append(title, spread);
  step = Math.max(...runs[0].parts[parts[0]].steps);

  /** At the step: from the 5th to the 95th percentile, the middle half, and the median. */
  function boxes(available) {
    const width = Math.max(300, available);
    const rows = runs.flatMap((run) => Object.entries(run.parts).filter(([, table]) => table[quantity]).map(([key, table]) => {
      const i = nearest(table.steps, step);
      return { name: `${run.label}, ${names[key]}`, style: experiment.styles[run.label], values: quantiles.map((_, q) => table[quantity][q][i]), at: table.steps[i] };
    }));
    if (!rows.length) return;
    title.textContent = `At step ${rows[0].at}: ${seen[quantity]} in each part of the parameters. Thin: from the 5th to the 95th percentile. Thick: the middle half. Dot: the median.`;
    const known = rows.flatMap((row) => row.values).filter((value) => value > 0);
    const [least, most] = [Math.max(Math.min(...known), Math.max(...known) / 1e6), Math.max(...known)];
    const left = 16 + Math.max(...rows.map((row) => textWidth(row.name)));
    const box = { left, right: width - 14, top: 8, bottom: 8 + 22 * rows.length };
    const x = scale(...range([least, most], true), box.left + 4, box.right - 4, true);
    const at = (value) => x(Math.max(value, x.low));
    const view = svg("svg", { viewBox: `0 0 ${width} ${box.bottom + 46}`, role: "img",
      "aria-label": rows.map((row) => `${row.name}: median ${figures(row.values[2])}`).join("; ") }, axes(box, x, null, seen[quantity], ""));
    rows.forEach((row, i) => {
      const y = box.top + 22 * i + 11, [lowest, low, middle, high, highest] = row.values.map(at);
      view.append(svg("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, row.name), hue(svg("g", {},
        svg("path", { class: "line", d: `M${lowest} ${y}H${highest}` }),
        svg("path", { class: "line thick", d: `M${low} ${y}H${high}` }),
        svg("circle", { class: "mark", cx: middle, cy: y, r: 5 })), row.style));
    });
    spread.replaceChildren(view);
  }

  drawOnResize(spread, boxes);
}
