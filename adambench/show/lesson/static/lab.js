// A figure of the lesson: two lanes on the same valley with the same noise, and what the reader can move.

const SIDES = ["Left", "Right"];
const EACH = ["mean", "scale"]; // panels with a drawing for each lane; the others have both lanes in one

function lab(figure, spec) {
  const lanes = spec.lanes.map((lane, i) => ({ ...lane, at: { ...lane.at }, look: NUMBERS.looks[i], side: SIDES[i] }));
  const moved = []; // functions that bring a control in line with its lane
  let weight = spec.weight, step = NUMBERS.steps, timer = null;

  /** A slider over the positions of an axis, or a box to tick; for one lane or for both. */
  function control(axis, of) {
    const { name, values } = NUMBERS.axes[axis];
    const set = (place) => { of.forEach((lane) => { lane.at[axis] = place; }); show(); };
    const whose = of.length === 1 ? `${of[0].side}: ` : "Both: ";
    const here = () => of.some((lane) => NUMBERS.tracks[lane.track].axes.includes(axis));
    if (typeof values[0] === "boolean") {
      const node = checkbox(name, values[of[0].at[axis]], (on) => set(values.indexOf(on)));
      node.querySelector("input").setAttribute("aria-label", whose + name);
      moved.push(() => { node.hidden = !here(); });
      return node;
    }
    const said = el("output", {});
    const slider = el("input", { type: "range", min: 0, max: values.length - 1, step: 1, value: of[0].at[axis], "data-axis": axis,
      "aria-label": whose + name, input: () => set(Number(slider.value)) });
    const node = el("label", { class: "dial" }, el("span", { class: "name" }, name), slider, said);
    moved.push(() => {
      node.hidden = !here();
      said.textContent = String(values[of[0].at[axis]]);
      slider.setAttribute("aria-valuetext", said.textContent);
    });
    return node;
  }

  function rules(lane) {
    const options = Object.fromEntries(Object.entries(NUMBERS.tracks).map(([key, track]) => [key, track.title]));
    const node = choice("rule", options, (track) => { lane.track = track; show(); });
    const select = node.querySelector("select");
    select.value = lane.track;
    select.setAttribute("aria-label", `${lane.side}: rule`);
    return node;
  }

  // Step by step

  const steps = el("input", { type: "range", min: 0, max: NUMBERS.steps, step: 1, value: step, "aria-label": "Step", "data-axis": "step",
    input: () => { stop(); go(Number(steps.value)); } });
  const where = el("output", {});
  const play = el("button", { type: "button", click: () => (timer ? stop() : start()) }, "Play");

  function start() {
    if (step === NUMBERS.steps) go(0);
    play.textContent = "Pause";
    timer = setInterval(() => (step < NUMBERS.steps ? go(step + 1) : stop()), 70);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function go(to) {
    step = to;
    draw();
  }

  // What is drawn

  const bothMove = spec.shared.map((axis) => control(axis, lanes));
  const weights = choice("Panels show", { 0: "x, along the valley", 1: "y, across it" }, (value) => { weight = Number(value); draw(); });
  weights.querySelector("select").value = String(weight);
  const inPanels = spec.panels.filter((panel) => panel !== "map");
  const columns = lanes.map((lane) => {
    const title = el("p", { class: "lane-title" }, swatch(lane.look), el("strong", {}));
    const places = ["map", ...EACH].filter((panel) => spec.panels.includes(panel)).map((panel) => [panel, el("div", { class: "drawing" })]);
    const moves = spec.own.map((axis) => (axis === "track" ? rules(lane) : control(axis, [lane])));
    const node = el("div", { class: "lane", role: "group", "aria-label": `${lane.side} lane` }, title, el("div", { class: "dials" }, ...moves), ...places.map(([, place]) => place));
    return { node, title: title.querySelector("strong"), places };
  });
  const together = inPanels.filter((panel) => !EACH.includes(panel)).map((panel) => [panel, el("div", { class: "drawing" })]);
  const grid = el("div", { class: "lanes" }, ...columns.map((column) => column.node));
  const reading = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "The numbers at this step" });
  const common = [...bothMove, ...(inPanels.some((panel) => panel !== "height") ? [weights] : [])];
  if (common.length) figure.append(el("div", { class: "dials" }, ...common));
  const numbers = numbersBelow("All steps as a table", () => figure.dataset.lab, rows);
  figure.append(grid, el("div", { class: "panels" }, ...together.map(([, place]) => place)),
    el("div", { class: "dials clock" }, play, el("label", { class: "dial wide" }, el("span", { class: "name" }, "step t"), steps, where)),
    reading, numbers);

  /** After a rule or a slider has changed. */
  function show() {
    for (const follow of moved) follow();
    for (const [i, lane] of lanes.entries()) {
      const { title, axes: own } = NUMBERS.tracks[lane.track];
      lane.descent = recording(lane.track, lane.at);
      lane.alpha = NUMBERS.axes.lr.values[lane.at.lr];
      const set = own.map((axis) => {
        const value = NUMBERS.axes[axis].values[lane.at[axis]];
        return typeof value === "boolean" ? (value ? "" : "no bias correction") : `${NUMBERS.axes[axis].name.split(" ").pop()} ${value}`;
      });
      columns[i].title.textContent = `${lane.side}: ${title}`;
      lane.words = [`${title}`, ...set.filter(Boolean)].join(", ");
    }
    draw();
    numbers.follow();
  }

  const widthOf = (place) => Math.max(280, place.clientWidth);
  const values = (panel, lane) => SEEN[panel](lane.descent, weight, lane.alpha);
  const dots = (panel, lane) => ({ mean: lane.descent.grad[weight], scale: lane.descent.grad[weight].map((g) => (g === null ? null : Math.abs(g))) })[panel];
  const at = (lane) => (step ? `at step ${step} ` : "at the start ") + (height(lane.descent, step) === null ? "out of the valley" : `at height ${short(height(lane.descent, step))}`);

  function draw() {
    columns.forEach(({ places }, i) => places.forEach(([panel, place]) => place.replaceChildren(
      panel === "map" ? valleyMap(widthOf(place), lanes[i].descent, lanes[i].look, step, `${lanes[i].words}: the path in the valley, ${at(lanes[i])}`)
        : along(panel, place, [lanes[i]]))));
    for (const [panel, place] of together) place.replaceChildren(along(panel, place, lanes));
    steps.value = step;
    where.textContent = String(step);
    steps.setAttribute("aria-valuetext", `${step}; ${lanes.map((lane) => `${lane.side} ${at(lane)}`).join("; ")}`);
    reading.replaceChildren(numbersNow());
  }

  function along(panel, place, shown) {
    const lines = shown.map((lane) => ({ look: lane.look, values: values(panel, lane), dots: dots(panel, lane), words: `${lane.words} ${at(lane)}: ${short(step ? values(panel, lane)[step - 1] : null)}` }));
    const reach = lanes.flatMap((lane) => [...values(panel, lane), ...(dots(panel, lane) ?? [])]).filter(finite);
    if (panel !== "height") reach.push(0, ...(panel === "step" ? [1.1] : []));
    const symbol = (lane) => NUMBERS.tracks[lane.track][panel];
    const name = EACH.includes(panel) ? [NUMBERS.panels[panel], symbol(shown[0]) || "(none)"].join(" ") : NUMBERS.panels[panel];
    const marks = { step: [{ level: 1, words: "α" }], snr: [{ level: 0, words: "" }], mean: [{ level: 0, words: "" }] }[panel];
    return alongSteps(widthOf(place), panel === "height" ? name : `${name}, ${WEIGHTS[weight]}`, lines, reach, step, { log: panel === "height", marks });
  }

  /** The step in numbers: a row for each lane. */
  function numbersNow() {
    const w = WEIGHTS[weight];
    const header = ["lane", "x", "y", "height", `g of ${w}`, `mean of ${w}`, `scale of ${w}`, "mean / scale", "|Δθ| / α"];
    const line = (lane) => {
      const now = (list) => (step ? list[step - 1] : null);
      return [lane.words, ...lane.descent.path.map((places) => places[step]), height(lane.descent, step), now(lane.descent.grad[weight]),
        ...["mean", "scale", "snr", "step"].map((panel) => now(values(panel, lane)))];
    };
    const cells = (lane) => line(lane).map((value, i) => (i ? el("td", {}, short(value)) : el("th", { scope: "row", class: "words" }, value)));
    return el("table", {}, el("thead", {}, el("tr", {}, ...header.map((word, i) => el("th", { scope: "col", class: i ? null : "words" }, word)))),
      el("tbody", {}, ...lanes.map((lane) => el("tr", {}, ...cells(lane)))));
  }

  function rows() {
    const header = lanes.flatMap((lane) => WEIGHTS.flatMap((w) => [w, ...NUMBERS.quantities.map((quantity) => `${quantity} of ${w}`)].map((word) => `${lane.side} ${word}`)));
    const line = (t) => lanes.flatMap((lane) => WEIGHTS.flatMap((_, w) => [lane.descent.path[w][t], ...NUMBERS.quantities.map((quantity) => lane.descent[quantity][w][t - 1])]));
    return [["t", ...header], ...STEP_NUMBERS.map((t) => [String(t), ...line(t)])];
  }

  show();
  drawOnResize(grid, draw);
}

for (const figure of document.querySelectorAll("[data-lab]")) lab(figure, NUMBERS.labs[figure.dataset.lab]);
