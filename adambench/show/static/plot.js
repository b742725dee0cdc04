// Scales, axes, markers, and a chart as a file.

const MARKERS = {
  o: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", s: "M-3.5 -3.5h7v7h-7z", D: "M0 -5l5 5l-5 5l-5 -5z",
  d: "M0 -5l3 5l-3 5l-3 -5z", v: "M-4.5 -3.5h9l-4.5 8z", "^": "M-4.5 3.5h9l-4.5 -8z", "<": "M3.5 -4.5v9l-8 -4.5z",
  ">": "M-3.5 -4.5v9l8 -4.5z", P: "M-1.5 -4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
  X: "M-4.5 -2.5l2 -2l2.5 2.5l2.5 -2.5l2 2l-2.5 2.5l2.5 2.5l-2 2l-2.5 -2.5l-2.5 2.5l-2 -2l2.5 -2.5z",
  p: "M0 -4.5l4.5 3.2l-1.7 5.1h-5.6l-1.7 -5.1z", h: "M0 -4.7l4 2.3v4.7l-4 2.3l-4 -2.3v-4.7z",
};

/** From values to pixels. A logarithmic scale needs low > 0. */
function scale(low, high, from, to, log) {
  const warp = log ? Math.log10 : (value) => value;
  const [a, b] = [warp(low), warp(high)];
  const at = (value) => from + ((warp(value) - a) / (b - a || 1)) * (to - from);
  const back = (pixel) => {
    const value = a + ((pixel - from) / (to - from)) * (b - a);
    return log ? 10 ** value : value;
  };
  return Object.assign(at, { low, high, log, back });
}

/** Where numbers stand on an axis, about so many at most. whole: only whole numbers. */
function ticks(axis, most, whole = false) {
  const { low, high, log } = axis;
  if (log) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
    const dense = [1, 1.5, 2, 3, 4, 5, 7], denser = [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9];
    let inside = [];
    for (const steps of [denser, dense, [1, 2, 5], [1, 3], [1]]) {
      const found = [];
      for (let e = first; e <= last; e++) for (const s of steps) found.push(Number(`${s}e${e}`));
      inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001 && (!whole || Number.isInteger(value)));
      if (inside.length >= Math.min(3, most) && inside.length <= most) return inside;
    }
    if (inside.length > most) return inside.filter((_, i) => i % Math.ceil(inside.length / most) === 0);
    if (high / low > 20) return inside; // powers of ten, between which even steps would crowd at one end
  }
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].find((s) => s * power >= rough) * power, whole ? 1 : 0);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    found.push(Number((k * step).toPrecision(12)));
  }
  return found;
}

function tickText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential().replace("e+", "e");
  return String(value);
}

/** The range of numbers with some room, for a scale. */
function range(values, log) {
  const known = values.filter((value) => finite(value) && (!log || value > 0));
  if (!known.length) return log ? [0.1, 1] : [0, 1];
  const low = Math.min(...known), high = Math.max(...known);
  if (log) {
    const room = low === high ? 1.3 : (high / low) ** 0.04;
    return [low / room, high * room];
  }
  const room = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.04;
  return [low - room, high + room];
}

const COUNTED = ["epoch", "minibatch updates", "settings tried, k"]; // axes of whole numbers

/** Grid lines, ticks and names. box: left, right, top, bottom in pixels. */
function axes(box, x, y, xName, yName) {
  const group = svg("g");
  for (const value of ticks(x, Math.max(3, Math.floor((box.right - box.left) / 75)), COUNTED.includes(xName))) {
    const at = x(value);
    group.append(svg("path", { class: "grid", d: `M${at} ${box.top}V${box.bottom}` }),
      svg("text", { x: at, y: box.bottom + 17, "text-anchor": "middle" }, tickText(value)));
  }
  for (const value of y ? ticks(y, Math.max(3, Math.floor((box.bottom - box.top) / 45))) : []) {
    const at = y(value);
    group.append(svg("path", { class: "grid", d: `M${box.left} ${at}H${box.right}` }),
      svg("text", { x: box.left - 7, y: at + 4, "text-anchor": "end" }, tickText(value)));
  }
  group.append(svg("path", { class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }),
    svg("text", { x: (box.left + box.right) / 2, y: box.bottom + 36, "text-anchor": "middle", class: "soft" }, xName));
  if (y) group.append(svg("text", { x: box.left - 50, y: box.top - 9, class: "soft" }, yName));
  return group;
}

/** A path through the points that have both values; a gap where one has not. */
function path(xs, ys) {
  let pen = "M", d = "";
  xs.forEach((x, i) => {
    if (finite(x) && finite(ys[i])) {
      d += `${pen}${x.toFixed(1)} ${ys[i].toFixed(1)}`;
      pen = "L";
    } else pen = "M";
  });
  return d;
}

/** The area between two lines, as far as both are known. */
function area(xs, low, high) {
  const known = xs.map((_, i) => i).filter((i) => finite(xs[i]) && finite(low[i]) && finite(high[i]));
  if (known.length < 2) return "";
  const down = [...known].reverse();
  return `${path(known.map((i) => xs[i]), known.map((i) => high[i]))}${path(down.map((i) => xs[i]), down.map((i) => low[i])).replace("M", "L")}Z`;
}

function hue(node, style) {
  node.classList.add("hue");
  node.style.setProperty("--light", style.color);
  node.style.setProperty("--dark", style.dark);
  return node;
}

function dash(style, width = 2) {
  return style.dash.length ? style.dash.map((length) => length * width).join(" ") : null;
}

function marker(style, x, y) {
  return svg("path", { class: "mark", d: MARKERS[style.marker] ?? MARKERS.o, transform: `translate(${x} ${y})` });
}

function swatch(style) {
  const line = svg("path", { class: "line", d: "M1 7H33", "stroke-dasharray": dash(style) });
  return hue(svg("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" }, line, marker(style, 17, 7)), style);
}

const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family"];

/** The chart as an SVG of its own: light colours, every look an attribute, its heading above and its legend below. */
function picture(figure) {
  const root = document.documentElement, theme = root.dataset.theme;
  root.dataset.theme = "light";
  const source = figure.querySelector(".drawing svg");
  const copy = source.cloneNode(true);
  const inline = (from, to) => {
    const style = getComputedStyle(from);
    for (const look of LOOKS) to.setAttribute(look, style.getPropertyValue(look));
    for (const name of ["class", "style", "tabindex", "role", "aria-label"]) to.removeAttribute(name);
    [...from.children].forEach((child, i) => inline(child, to.children[i]));
  };
  inline(source, copy);
  const [, , width, height] = source.getAttribute("viewBox").split(" ").map(Number);
  const font = { "font-family": "Arial, sans-serif", "font-size": 12, fill: "#1c1f24" };
  const heading = `${figure.dataset.title}: ${figure.querySelector("strong").textContent}`;
  copy.append(svg("text", { ...font, x: 6, y: -14, "font-weight": "bold" }, heading));
  let x = 8, y = height + 14;
  for (const button of figure.querySelectorAll(".legend button[aria-pressed='true']")) {
    const words = [...button.querySelectorAll(".name, .final")].map((part) => part.textContent).join(" ").trim();
    const wide = 62 + textWidth(words);
    if (x > 8 && x + wide > width) [x, y] = [8, y + 20];
    const mark = button.querySelector("svg");
    const drawing = mark.cloneNode(true);
    inline(mark, drawing);
    fill(drawing, { x, y: y - 11, width: 34, height: 14 }, []);
    copy.append(drawing, svg("text", { ...font, x: x + 40, y }, words));
    x += wide;
  }
  const bottom = y + 12;
  copy.prepend(svg("rect", { x: 0, y: -34, width, height: bottom + 34, fill: "#ffffff" }));
  fill(copy, { xmlns: SVG, viewBox: `0 -34 ${width} ${bottom + 34}`, width, height: bottom + 34 }, []);
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  return { text: new XMLSerializer().serializeToString(copy), width, height: bottom + 34 };
}

function savePng(figure, name) {
  const { text, width, height } = picture(figure);
  const image = new Image();
  image.addEventListener("load", () => {
    const canvas = el("canvas", { width: 2 * width, height: 2 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
    canvas.toBlob((blob) => save(`${name}.png`, "image/png", blob));
  });
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
}

/** The buttons that save a chart. */
function saving(figure, name) {
  return [
    el("button", { type: "button", "aria-label": "Save the chart as SVG",
      click: () => save(`${name}.svg`, "image/svg+xml", picture(figure).text) }, "SVG"),
    el("button", { type: "button", "aria-label": "Save the chart as PNG", click: () => savePng(figure, name) }, "PNG"),
  ];
}

/** Draws again whenever the width of a place changes. */
function drawOnResize(place, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(place.clientWidth - width) < 2) return;
    width = place.clientWidth;
    draw(Math.max(300, width));
  }).observe(place);
}
