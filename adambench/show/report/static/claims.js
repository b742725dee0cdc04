// Each claim's interval beside the values that it allows.

const SIGNS = { reproduced: "✓", contradicted: "✗", inconclusive: "?" };

/** The allowed values of a claim, as far as they go. */
function allowed(claim) {
  const [bound, other] = claim.bound;
  if (claim.relation === "between") return [bound, other];
  return claim.relation.startsWith("<") ? [-Infinity, bound] : [bound, Infinity];
}

function intervals(figure, experiment, problem, name) {
  const { claims } = experiment;
  const place = el("div", { class: "drawing" });
  figure.append(
    el("div", { class: "tools" }, ...saving(figure, name)), place,
    numbersBelow("The numbers of this chart", () => name, () => [
      ["claim", "verdict", "mean", "low", "high", "relation", "bound", "paper", "values by seed"],
      ...claims.map((claim) => [claim.id, claim.verdict, claim.mean, claim.low, claim.high, claim.relation, claim.bound.join(" to "),
        claim.paper, Object.entries(claim.values).map(([seed, value]) => `${seed}: ${figures(value)}`).join(", ")]),
    ]),
  );

  function draw(width) {
    const narrow = width < 620, row = narrow ? 96 : 62, left = narrow ? 8 : Math.min(330, width * 0.4);
    const view = svg("svg", { viewBox: `0 0 ${width} ${row * claims.length + 8}`, role: "img",
      "aria-label": `${figure.dataset.title}. ${claims.map((claim) => `${claim.id} ${claim.sentence}: ${claim.verdict}`).join(". ")}` });
    claims.forEach((claim, i) => {
      const top = row * i;
      const words = `${claim.id}: ${claim.sentence}`;
      const room = narrow ? width - 12 : left;
      let cut = words;
      while (textWidth(cut) > room) cut = `${cut.slice(0, -2)}…`;
      view.append(
        svg("text", { x: 6, y: top + 18 }, cut, svg("title", {}, words)),
        svg("text", { x: 6, y: top + 34, class: claim.verdict }, `${SIGNS[claim.verdict]} ${claim.verdict}`),
        track(claim, { left: left + 16, right: width - 24, top: top + (narrow ? 44 : 4) }),
      );
    });
    place.replaceChildren(view);
  }

  function track(claim, { left, right, top }) {
    const [from, to] = allowed(claim);
    const seeds = Object.values(claim.values).filter(finite);
    const known = [claim.low, claim.high, claim.mean, claim.paper, from, to, ...seeds].filter(finite);
    const at = scale(...range(known, false), left, right, false);
    const inside = (value) => Math.min(right, Math.max(left, value));
    const middle = top + 14;
    const [first, last] = [inside(from === -Infinity ? left : at(from)), inside(to === Infinity ? right : at(to))];
    const group = svg("g", {}, svg("rect", { class: "allowed", x: first, y: top, width: Math.max(0, last - first), height: 28 }),
      svg("path", { class: "axis", d: `M${left} ${top + 28}H${right}` }));
    for (const value of ticks(at, Math.max(2, Math.floor((right - left) / 80)))) {
      group.append(svg("path", { class: "axis", d: `M${at(value)} ${top + 28}v4` }),
        svg("text", { class: "soft", x: at(value), y: top + 44, "text-anchor": "middle" }, tickText(value)));
    }
    for (const bound of [from, to].filter(finite)) group.append(svg("path", { class: "bound", d: `M${at(bound)} ${top - 2}V${top + 30}` }));
    const bar = svg("g", { class: claim.verdict });
    if (finite(claim.low) && finite(claim.high)) {
      bar.append(svg("path", { class: "line", d: `M${at(claim.low)} ${middle}H${at(claim.high)}M${at(claim.low)} ${middle - 6}v12M${at(claim.high)} ${middle - 6}v12` }));
    }
    for (const value of seeds) bar.append(svg("circle", { class: "mark", cx: at(value), cy: middle + 8, r: 2.5 }));
    if (finite(claim.mean)) bar.append(svg("circle", { class: "mark", cx: at(claim.mean), cy: middle, r: 5 }));
    else group.append(svg("text", { class: "soft", x: left + 4, y: middle + 4 }, "no finite mean"));
    if (finite(claim.paper)) group.append(svg("path", { class: "bound open", d: MARKERS.D, transform: `translate(${at(claim.paper)} ${middle - 6})` }));
    group.append(bar);
    return group;
  }

  drawOnResize(place, draw);
}
