// The steps that the rules themselves computed. Nothing here knows what a rule does.

const WEIGHTS = ["x", "y"];
const NUMBERS_OF_ONE = NUMBERS.quantities.length * WEIGHTS.length; // in a descent at each step
const BYTES = NUMBERS_OF_ONE * (4 + 2 * NUMBERS.steps); // of a descent
const bytes = new Map(); // by track, when it is first needed

/** The descent of a track at places on its axes: by quantity, for x and for y, a list along the steps. */
function recording(name, at) {
  const track = NUMBERS.tracks[name];
  if (!bytes.has(name)) bytes.set(name, Uint8Array.from(atob(track.data), (letter) => letter.charCodeAt(0)).buffer);
  const place = track.axes.reduce((sum, axis) => sum * NUMBERS.axes[axis].values.length + at[axis], 0);
  const view = new DataView(bytes.get(name), place * BYTES, BYTES);
  const line = (number) => {
    const most = view.getFloat32(4 * number, true), first = 4 * NUMBERS_OF_ONE + 2 * NUMBERS.steps * number;
    return Array.from({ length: NUMBERS.steps }, (_, t) => {
      const share = view.getInt16(first + 2 * t, true);
      return share === NUMBERS.lost ? null : (share / 32767) * most;
    });
  };
  const found = {};
  NUMBERS.quantities.forEach((quantity, q) => { found[quantity] = WEIGHTS.map((_, w) => line(WEIGHTS.length * q + w)); });
  return { ...found, path: found.change.map((changes, w) => summed(NUMBERS.start[w], changes)) };
}

/** Where a weight is before the first step and after each; null once it has left the valley. */
function summed(start, changes) {
  const places = [start];
  changes.forEach((change, t) => places.push(change === null || places[t] === null ? null : places[t] + change));
  return places;
}

/** What the panels show of one weight along the steps. */
const SEEN = {
  mean: (descent, w) => descent.mean[w],
  scale: (descent, w) => descent.scale[w],
  snr: (descent, w) => descent.mean[w].map((mean, t) => ratio(mean, descent.scale[w][t])),
  step: (descent, w, alpha) => descent.change[w].map((change) => (change === null ? null : Math.abs(change) / alpha)),
  height: (descent) => descent.path[0].slice(1).map((_, t) => height(descent, t + 1)),
};

function ratio(mean, scale) {
  return mean === null || scale === null ? null : scale && mean / scale;
}

/** How high the valley is where a descent is after t steps. */
function height(descent, t) {
  const place = descent.path.map((places) => places[t]);
  return place.includes(null) ? null : place.reduce((sum, at, w) => sum + (NUMBERS.curvature[w] * at * at) / 2, 0);
}
