// The search: every setting tried, what the rate does, what the number of settings does.

// viridis, from the lowest cost to ten times the lowest.
const HEAT = ["#fde725", "#addc30", "#5ec962", "#28ae80", "#21918c", "#2c728e", "#3b528b", "#472d7b", "#440154"];
const WORST = 10;

function heatColour(times) {
  const at = (Math.min(1, Math.log10(times) / Math.log10(WORST)) || 0) * (HEAT.length - 1);
  const i = Math.min(HEAT.length - 2, Math.floor(at));
  const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
  const mixed = [0, 1, 2].map((k) => Math.round(part(HEAT[i], k) + (at - i) * (part(HEAT[i + 1], k) - part(HEAT[i], k))));
  return `rgb(${mixed.join(",")})`;
}

/** A row for each combination of the other hyper-parameters, a column for each rate; the pointer or the arrows pick. */
function heatMap(figure, experiment, problem, name) {
  const { rows, metric, left_out: leftOut } = problem.search;
  const cells = rows.flatMap((row, r) => row.cells.map(([rate, id, final, best]) => ({ r, row, rate, id, final, best })));
  const rates = [...new Set(cells.map((cell) => cell.rate))].sort((a, b) => a - b);
  const lowest = Math.min(...cells.map((cell) => cell.final).filter(finite));
  const factor = metric.percent ? 100 : 1;
  const words = rows.map((row) => `${row.label}${row.others ? ` ${row.others}` : ""}`);
  const place = el("div", { class: "drawing" });
  const said = el("p", { class: "readout", "aria-live": "polite" });
  figure.append(
    el("div", { class: "tools" }, ...saving(figure, name)), place, said,
    el("p", { class: "note" }, "Ring: the chosen setting. Grey with a cross: diverged. ", el("span", { class: "screen" }, "Choose a field to open its record. "),
      (leftOut ? `${leftOut} rows are left out, those with the highest costs.` : "")),
    numbersBelow("The numbers of this chart", () => name, () => [
      ["optimizer", "other values", "learning rate", `final ${metric.label}`, "run"],
      ...cells.map((cell) => [cell.row.label, cell.row.others || "–", cell.rate, finite(cell.final) ? cell.final * factor : "diverged", runLink(cell.id)]),
    ]),
  );
  let picked = cells.findIndex((cell) => cell.best), view, box, wide, width, across;
  const high = 20;

  function draw(available) {
    const names = 14 + Math.max(...words.map(textWidth));
    wide = Math.max(18, Math.min(48, (available - names - 12) / rates.length));
    across = names;
    width = Math.max(available, names + wide * rates.length + 12);
    box = { left: names, top: 6, bottom: 6 + high * rows.length };
    const height = box.bottom + 118;
    view = svg("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "application",
      "aria-label": `${figure.dataset.title}: ${cells.length} settings by learning rate. Arrow keys move, Enter opens the record of a run.` });
    view.style.minWidth = `${width}px`;
    words.forEach((word, r) => view.append(svg("text", { x: names - 6, y: box.top + high * r + 14, "text-anchor": "end" }, word)));
    cells.forEach((cell) => view.append(field(cell)));
    const every = Math.ceil(26 / wide);
    rates.forEach((rate, c) => {
      if (c % every) return;
      const at = `${names + wide * (c + 0.5) + 4} ${box.bottom + 8}`;
      view.append(svg("text", { transform: `translate(${at}) rotate(-60)`, "text-anchor": "end" }, tickText(rate)));
    });
    view.append(svg("text", { x: names, y: box.bottom + 66, class: "soft" }, "learning rate"), key());
    view.append(svg("rect", { class: "pick", width: wide - 1, height: high - 1 }));
    view.addEventListener("pointermove", (event) => { const at = under(event); if (at >= 0) pick(at); });
    view.addEventListener("click", (event) => { const at = under(event); if (at >= 0) openRecord(cells[at].id); });
    view.addEventListener("keydown", keys);
    place.replaceChildren(view);
    if (picked >= 0) pick(picked);
  }

  function field(cell) {
    const left = across + wide * rates.indexOf(cell.rate), top = box.top + high * cell.r;
    const middle = `${left + wide / 2 - 0.5} ${top + high / 2 - 0.5}`;
    const group = svg("g", {}, svg("rect", { x: left, y: top, width: wide - 1, height: high - 1,
      ...(finite(cell.final) ? { class: "cell", fill: heatColour(cell.final / lowest) } : { class: "lost" }) }));
    if (!finite(cell.final)) group.append(svg("path", { class: "white", transform: `translate(${middle})`, d: "M-4 -4l8 8m0 -8l-8 8" }));
    if (cell.best) group.append(svg("circle", { class: "open", transform: `translate(${middle})`, r: 6, stroke: "#ffffff", "stroke-width": 4 }),
      svg("circle", { class: "open", transform: `translate(${middle})`, r: 6, stroke: "#000000", "stroke-width": 2 }));
    return group;
  }

  function key() {
    const group = svg("g", { transform: `translate(${Math.max(4, across - 120)} ${box.bottom + 76})` });
    for (let i = 0; i < 40; i++) group.append(svg("rect", { x: i * 5, y: 0, width: 5.5, height: 9, fill: heatColour(WORST ** (i / 39)) }));
    for (const times of [1, 2, 5, WORST]) {
      group.append(svg("text", { x: 195 * Math.log10(times), y: 22, "text-anchor": "middle", class: "soft" }, times === WORST ? "≥ 10" : `${times}`));
    }
    group.append(svg("text", { x: 0, y: 36, class: "soft" }, "times the lowest"));
    return group;
  }

  function under(event) {
    const bounds = view.getBoundingClientRect();
    const c = Math.floor(((event.clientX - bounds.left) * width / bounds.width - across) / wide);
    const r = Math.floor(((event.clientY - bounds.top) * width / bounds.width - box.top) / high);
    return cells.findIndex((cell) => cell.r === r && cell.rate === rates[c]);
  }

  function pick(at) {
    picked = at;
    const cell = cells[at];
    fill(view.querySelector(".pick"), { x: across + wide * rates.indexOf(cell.rate), y: box.top + high * cell.r }, []);
    const final = finite(cell.final)
      ? `final ${metric.label} ${figures(cell.final * factor)}${lowest > 0 ? `, ${figures(cell.final / lowest)} times the lowest` : ""}`
      : "diverged";
    said.replaceChildren(`${words[cell.r]} lr=${cell.rate}: ${final}${cell.best ? "; chosen" : ""}. Run `, runLink(cell.id));
  }

  function keys(event) {
    if (event.key === "Enter" && picked >= 0) {
      event.preventDefault(); // else the same key can press the button that the opened record puts under it
      return openRecord(cells[picked].id);
    }
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step || picked < 0) return undefined;
    event.preventDefault();
    const { r, rate } = cells[picked], c = rates.indexOf(rate);
    const distance = (cell) => {
      const [down, right] = [cell.r - r, rates.indexOf(cell.rate) - c];
      const ahead = down * step[0] + right * step[1], aside = Math.abs(step[0] ? right : down);
      return ahead > 0 && (step[0] || !aside) ? ahead + 100 * aside : Infinity;
    };
    const next = cells.reduce((best, cell, i) => (distance(cell) < (best < 0 ? Infinity : distance(cells[best])) ? i : best), -1);
    return next >= 0 ? pick(next) : undefined;
  }

  drawOnResize(place, draw);
}

/** Where the axis of such lines ends, in numbers of theirs: far above the best of all, but above the best of each. */
function highest(lines) {
  const least = lines.map((line) => Math.min(...line.filter((value) => finite(value) && value > 0))).filter(finite);
  return Math.max(30 * Math.min(...least), 1.1 * Math.max(...least));
}

/** The final tuning metric by rate. Lines that go far above the best are cut off at the top. */
function sensitivity(figure, experiment, problem, name) {
  const { sensitivity: lines, metric } = problem.search;
  const factor = metric.percent ? 100 : 1;
  const most = factor * highest(lines.map((line) => line.y));
  lineChart(figure, name, [], () => ({
    x: { name: "learning rate", log: true },
    y: { name: `final ${metric.label}, tuning runs`, log: true, most },
    series: lines.map((line) => ({
      label: line.label, style: experiment.styles[line.label], x: line.x, chosen: line.chosen,
      y: line.y.map((value) => (finite(value) ? value * factor : null)), lost: line.x.filter((_, i) => !finite(line.y[i])),
    })),
  }));
}

/** The best of k settings, by k. */
function budget(figure, experiment, problem, name) {
  const { budget: lines, metric } = problem.search;
  const factor = metric.percent ? 100 : 1;
  const scaled = (values) => values.map((value) => (finite(value) ? value * factor : null));
  const most = factor * highest(lines.map((line) => line.median));
  lineChart(figure, name, [], () => ({
    x: { name: "settings tried, k", log: true },
    y: { name: `best final ${metric.label}, tuning runs`, log: true, most },
    series: lines.map((line) => ({
      label: line.label, style: experiment.styles[line.label], x: line.x,
      y: scaled(line.median), low: scaled(line.low), high: scaled(line.high),
    })),
  }));
}
