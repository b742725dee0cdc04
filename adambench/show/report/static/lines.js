// A chart of lines with bands: legend that hides, a cursor that reads values, linear or logarithmic.

/**
 * read(): what to draw, as {x: {name, log}, y: {name, log, most, floor}, series, over}. What is below the floor, such as
 * zero on a logarithmic axis, is drawn there. A series has a label, a style, x, y, and
 * perhaps low, high (the band), chosen (a circled x), lost (x that diverged), final (words).
 * over: thin dotted lines {style, points}. along: x is time, so that a close-up of the
 * second half makes sense. moved(x): the cursor has moved.
 */
function lineChart(figure, name, controls, read, moved = () => {}) {
  const hidden = new Set();
  let log = null, close = false, spec, cursor = null, xs = [], box, x, y, width = 600;
  const place = el("div", { class: "drawing" });
  const slider = el("input", { type: "range", min: 0, step: 1, value: 0, input: () => move(Number(slider.value)) });
  const where = el("output", {}, "move the slider or the pointer");
  const logarithmic = checkbox("logarithmic", false, (on) => { log = on; draw(width); });
  const closeUp = checkbox("close-up of the end", false, (on) => { close = on; draw(width); });
  const legend = el("ul", { class: "legend" });
  const buttons = new Map();
  const tools = el("div", { class: "tools" }, ...controls, logarithmic, closeUp, ...saving(figure, name));
  const reading = el("label", { class: "tools" }, el("span", {}, "Read at"), slider, where);
  const numbers = numbersBelow("The numbers of this chart", () => `${name}-${spec.y.name}`, rows);
  figure.append(tools, place, reading, legend, numbers);

  function button(series) {
    if (!buttons.has(series.label)) {
      const value = el("span", { class: "value" }), final = el("span", { class: "final" });
      const node = el("button", { type: "button", "aria-pressed": "true", click: () => {
        hidden.has(series.label) ? hidden.delete(series.label) : hidden.add(series.label);
        draw(width);
      } }, swatch(series.style), el("span", { class: "name" }, series.label), final, value);
      buttons.set(series.label, { node, value, final });
      legend.append(el("li", {}, node));
    }
    return buttons.get(series.label);
  }

  function draw(newWidth) {
    width = newWidth;
    spec = read();
    const shown = spec.series.filter((series) => !hidden.has(series.label));
    for (const { node } of buttons.values()) node.parentNode.hidden = true;
    for (const series of spec.series) {
      const { node, final } = button(series);
      node.parentNode.hidden = false;
      node.setAttribute("aria-pressed", String(!hidden.has(series.label)));
      final.textContent = series.final ?? "";
    }
    closeUp.hidden = !spec.along;
    const half = (Math.max(...spec.series.flatMap((series) => series.x)) || 0) / 2;
    const late = (at) => !(close && spec.along) || at >= half;
    const values = shown.flatMap((series) => [series.y, series.low ?? [], series.high ?? []].flatMap((ys) => ys.filter((_, i) => late(series.x[i]))));
    const over = (spec.over ?? []).flatMap((line) => line.points.filter((point) => late(point[0])).map((point) => point[1]));
    const all = [...values, ...over].filter((value) => finite(value) && value < (spec.y.most ?? Infinity)).map(raised);
    const positive = all.filter((value) => value > 0);
    const useLog = log ?? (spec.y.log || Math.max(...positive) > 3 * Math.min(...positive));
    logarithmic.querySelector("input").checked = useLog;
    xs = [...new Set(shown.flatMap((series) => series.x))].filter(finite).sort((a, b) => a - b);
    const height = Math.min(470, Math.max(270, width * 0.5));
    box = { left: 56, right: width - 14, top: 24, bottom: height - 46 };
    x = scale(...(xs.length > 1 ? [xs[0], xs[xs.length - 1]] : range(xs, spec.x.log)), box.left + 6, box.right - 6, spec.x.log);
    y = scale(...range(useLog ? positive : all, useLog), box.bottom - 4, box.top + 4, useLog);
    const clip = `clip${drawn++}`;
    const lines = svg("g", { "clip-path": `url(#${clip})` });
    const view = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": describe() },
      svg("clipPath", { id: clip }, svg("rect", { x: box.left - 9, y: box.top, width: box.right - box.left + 18, height: box.bottom - box.top })),
      axes(box, x, y, spec.x.name, spec.y.name), lines, svg("g", { class: "marks" }));
    for (const line of spec.over ?? []) {
      const ok = line.points.filter((point) => !useLog || point[1] > 0);
      lines.append(hue(svg("path", { class: "paper", d: path(ok.map((p) => x(p[0])), ok.map((p) => y(p[1]))) }), line.style));
    }
    shown.forEach((series, i) => lines.append(drawSeries(series, i, shown.length)));
    view.addEventListener("pointermove", (event) => {
      const bounds = view.getBoundingClientRect();
      if (xs.length) move(nearest(xs, x.back(((event.clientX - bounds.left) / bounds.width) * width)));
    });
    place.replaceChildren(view);
    numbers.follow();
    slider.max = Math.max(0, xs.length - 1);
    if (cursor !== null) move(nearest(xs, cursor));
    else slider.value = slider.max;
  }

  function pixel(value) {
    return finite(value) && (!y.log || raised(value) > 0) ? y(raised(value)) : null;
  }

  function raised(value) {
    return Math.max(value, spec.y.floor ?? -Infinity);
  }

  function drawSeries(series, index, count) {
    const at = series.x.map((value) => x(value)), high = series.y.map(pixel);
    const group = hue(svg("g"), series.style);
    if (series.low) group.append(svg("path", { class: "band", d: area(at, series.low.map(pixel), series.high.map(pixel)) }));
    group.append(svg("path", { class: "line", d: path(at, high), "stroke-dasharray": dash(series.style) }));
    const every = Math.max(1, Math.ceil(at.length / 7)), first = Math.floor((index * every) / count);
    at.forEach((left, i) => {
      if (i % every === first % every && finite(high[i])) group.append(marker(series.style, left, high[i]));
      if (series.chosen === series.x[i] && finite(high[i])) group.append(svg("circle", { class: "ring", cx: left, cy: high[i], r: 8 }));
    });
    for (const value of series.lost ?? []) group.append(cross(x(value), box.top + 8));
    const last = high.findLastIndex(finite);
    if (series.diverged && last >= 0) group.append(cross(at[last], high[last]));
    return group;
  }

  function cross(left, top) {
    return svg("path", { class: "ring", d: `M${left - 5} ${top - 5}l10 10m0 -10l-10 10` });
  }

  /** Puts the cursor at the place of a value of x, and writes what the lines have there. */
  function move(index) {
    const marks = place.querySelector(".marks");
    if (!xs.length) return marks.replaceChildren();
    cursor = xs[Math.min(Math.max(index, 0), xs.length - 1)];
    slider.value = index;
    where.textContent = `${spec.x.name} ${whereabouts(cursor)}`;
    slider.setAttribute("aria-valuetext", where.textContent);
    const line = svg("path", { class: "cursor", d: `M${x(cursor)} ${box.top}V${box.bottom}` });
    marks.replaceChildren(line);
    for (const series of spec.series) {
      const { value } = buttons.get(series.label);
      const i = spec.x.log ? nearest(series.x.map(Math.log), Math.log(cursor)) : nearest(series.x, cursor);
      const off = hidden.has(series.label) || cursor < series.x[0] || cursor > series.x[series.x.length - 1];
      value.textContent = off ? "" : `at ${series.x[i] === cursor ? "cursor" : whereabouts(series.x[i])} ${readout(series, i)}`;
      const top = off ? null : pixel(series.y[i]);
      if (finite(top) && top > box.top) marks.append(hue(svg("g", {}, svg("circle", { class: "mark", cx: x(series.x[i]), cy: top, r: 5 })), series.style));
    }
    moved(cursor);
    return undefined;
  }

  function whereabouts(value) {
    return Number.isInteger(value) ? String(value) : tickText(Number(value.toPrecision(4)));
  }

  function readout(series, i) {
    const [low, high] = [series.low?.[i], series.high?.[i]];
    if (!finite(series.y[i])) return "diverged";
    return figures(series.y[i]) + (finite(low) && low !== high ? ` (${figures(low)}–${figures(high)})` : "");
  }

  function describe() {
    const words = figure.querySelector("figcaption").textContent.replace(/\s+/g, " ").trim();
    return `${figure.dataset.title}. ${words} ${spec.y.name} by ${spec.x.name}.`;
  }

  function rows() {
    const header = spec.series.flatMap((s) => (s.low ? [s.label, `${s.label}, low`, `${s.label}, high`] : [s.label]));
    const all = [...new Set(spec.series.flatMap((series) => series.x))].sort((a, b) => a - b);
    const value = (series, column, at) => series[column][series.x.indexOf(at)] ?? null;
    return [
      [spec.x.name, ...header],
      ...all.map((at) => [at, ...spec.series.flatMap((s) => (s.low ? ["y", "low", "high"] : ["y"]).map((c) => value(s, c, at)))]),
    ];
  }

  drawOnResize(place, draw);
  return { draw: () => draw(width) };
}

const X_NAMES = { epoch: "epoch", step: "minibatch updates", seconds: "CPU seconds of training" };

/** A metric along training: choice of the metric and of the axis, the paper's own curves on or off. */
function convergence(figure, experiment, problem, name) {
  const { series, metrics, paper } = problem.convergence;
  let metric = Object.keys(metrics)[0], along = "epoch", withPaper = false;
  const controls = [];
  if (Object.keys(metrics).length > 1) {
    const options = Object.fromEntries(Object.entries(metrics).map(([key, facts]) => [key, facts.label]));
    controls.push(choice("Metric", options, (value) => { metric = value; chart.draw(); }));
  }
  controls.push(choice("Along", X_NAMES, (value) => { along = value; chart.draw(); }));
  if (Object.keys(paper).length) controls.push(checkbox("the paper's curves (dotted)", false, (on) => { withPaper = on; chart.draw(); }));
  const chart = lineChart(figure, name, controls, () => {
    const factor = metrics[metric].percent ? 100 : 1;
    const scaled = (numbers) => numbers.map((value) => (finite(value) ? value * factor : null));
    const visible = withPaper && metric === "train_loss" && along === "epoch";
    return {
      x: { name: X_NAMES[along], log: false },
      y: { name: metrics[metric].label, log: false },
      along: true,
      series: series.filter((line) => line.y[metric]).map((line) => ({
        label: line.label, style: experiment.styles[line.label], diverged: line.diverged,
        x: line.x[along].slice(0, line.y[metric].mean.length), y: scaled(line.y[metric].mean),
        low: scaled(line.y[metric].low), high: scaled(line.y[metric].high),
        final: line.diverged ? "diverged" : line.final[metric],
      })),
      over: visible ? Object.entries(paper).map(([rule, points]) => ({ points, style: ruleStyle(experiment, problem, rule) })) : [],
    };
  });
}

/** The look of the paper's curve of a rule: that of our first optimizer with this rule. */
function ruleStyle(experiment, problem, rule) {
  const line = problem.convergence.series.find((series) => series.rule === rule);
  return line ? experiment.styles[line.label] : { color: "#777c85", dark: "#a5adb8", dash: [], marker: "o" };
}
