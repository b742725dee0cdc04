// What a figure draws: the map of the valley with a path, and a quantity along the steps.

const VIEW = { x: 1.32, y: 0.82 }; // half the width and half the height of the map, in units of the weights
const HEIGHTS = [0.005, 0.02, 0.06, 0.15, 0.35, 0.7, 1.3, 2.2, 3.6, 5.5];
const STEP_NUMBERS = Array.from({ length: NUMBERS.steps }, (_, t) => t + 1);
const short = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(3))).replace("-", "−"));

/** The valley from above, and the path up to a step. The path after it is pale. */
function valleyMap(width, descent, look, step, words) {
  const box = { left: 30, right: width - 8, top: 8 };
  box.bottom = box.top + ((box.right - box.left) * VIEW.y) / VIEW.x;
  const x = scale(-VIEW.x, VIEW.x, box.left, box.right, false), y = scale(-VIEW.y, VIEW.y, box.bottom, box.top, false);
  const clip = `clip${drawn++}`;
  const inside = svg("g", { "clip-path": `url(#${clip})` });
  for (const level of [...HEIGHTS].reverse()) {
    const [rx, ry] = NUMBERS.curvature.map((curvature) => Math.sqrt((2 * level) / curvature));
    inside.append(svg("ellipse", { class: "level", cx: x(0), cy: y(0), rx: x(rx) - x(0), ry: y(0) - y(ry) }));
  }
  const [xs, ys] = [descent.path[0].map((at) => at === null ? null : x(at)), descent.path[1].map((at) => at === null ? null : y(at))];
  const way = hue(svg("g"), look);
  way.append(svg("path", { class: "line pale-line", d: path(xs, ys) }),
    svg("path", { class: "line", d: path(xs.slice(0, step + 1), ys.slice(0, step + 1)) }));
  for (let t = 1; t < step && xs[t] !== null; t++) way.append(svg("circle", { class: "stop", cx: xs[t], cy: ys[t], r: 2 }));
  const last = Math.min(step, xs.findLastIndex((at) => at !== null));
  way.append(svg("circle", { class: "ring", cx: xs[0], cy: ys[0], r: 4.5 }));
  if (step > 0) way.append(svg("circle", { class: "now", cx: xs[last], cy: ys[last], r: 5.5 }));
  inside.append(svg("path", { class: "goal", d: `M${x(0) - 7} ${y(0)}h14M${x(0)} ${y(0) - 7}v14` }), way);
  return svg("svg", { viewBox: `0 0 ${width} ${box.bottom + 22}`, role: "img", "aria-label": words },
    svg("clipPath", { id: clip }, svg("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, rx: 6 })),
    svg("rect", { class: "ground", x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, rx: 6 }),
    inside, ...[-1, -0.5, 0, 0.5, 1].map((at) => svg("text", { class: "soft", x: x(at), y: box.bottom + 16, "text-anchor": "middle" }, tickText(at))),
    ...[-0.5, 0, 0.5].map((at) => svg("text", { class: "soft", x: box.left - 5, y: y(at) + 4, "text-anchor": "end" }, tickText(at))));
}

/**
 * Quantities along the steps. lines: {look, values, dots}, with one value for each step. The lines are pale after the
 * step; the dots are small. reach: all the values that the vertical axis has room for. marks: {at, words}, levels to compare with.
 */
function alongSteps(width, name, lines, reach, step, { log = false, marks = [] } = {}) {
  const tall = Math.min(230, Math.max(170, width * 0.42));
  const box = { left: 56, right: width - 16, top: 24, bottom: tall - 42 };
  const x = scale(0, NUMBERS.steps, box.left, box.right, false);
  const y = scale(...range(log ? reach.map((value) => Math.max(value, 1e-6)) : reach, log), box.bottom - 2, box.top + 4, log);
  const at = (value) => (value === null || (log && value <= 0) ? null : y(log ? Math.max(value, y.low) : value));
  const view = svg("svg", { viewBox: `0 0 ${width} ${tall}`, role: "img", "aria-label": `${name}: ${lines.map((line) => line.words).join("; ")}` },
    axes(box, x, y, "step t", name));
  for (const { level, words } of marks.filter((mark) => mark.level > y.low && mark.level < y.high)) {
    view.append(svg("path", { class: "cursor", d: `M${box.left} ${y(level)}H${box.right}` }),
      svg("text", { class: "soft", x: box.left + 5, y: y(level) - 5 }, words));
  }
  for (const { look, values, dots } of lines) {
    const group = hue(svg("g"), look), xs = STEP_NUMBERS.map(x), ys = values.map(at);
    (dots ?? []).forEach((value, t) => {
      if (value !== null && at(value) !== null) group.append(svg("circle", { class: t < step ? "stop" : "stop pale", cx: xs[t], cy: at(value), r: 1.8 }));
    });
    group.append(svg("path", { class: "line pale-line", d: path(xs, ys), "stroke-dasharray": dash(look) }),
      svg("path", { class: "line", d: path(xs.slice(0, step), ys.slice(0, step)), "stroke-dasharray": dash(look) }));
    if (step > 0 && finite(ys[step - 1])) group.append(svg("circle", { class: "now", cx: xs[step - 1], cy: ys[step - 1], r: 4.5 }));
    view.append(group);
  }
  view.append(svg("path", { class: "cursor", d: `M${x(step)} ${box.top}V${box.bottom}` }));
  return view;
}
