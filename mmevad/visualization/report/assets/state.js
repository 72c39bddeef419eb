// What is shown now, and who has to know when it changes.

const state = {
  index: 0, // of the video
  time: 0, // seconds
  minScore: 0,
  hidden: new Set(), // classes
  predictions: true,
  truth: true,
  layer: 0, // of pruning; 0 shows no tokens
};

const listeners = [];

/** Call ``listener(names of what changed)`` after each change. */
const onChange = (listener) => listeners.push(listener);

function change(values) {
  const names = Object.keys(values).filter((name) =>
    state[name] !== values[name]);
  if (!names.length) return;
  Object.assign(state, values);
  for (const listener of listeners) listener(new Set(names));
}

const video = () => report.videos[state.index];

/** Number of the frame at a time; a bit later, as halves are exact. */
const frameAt = (time, fps) => Math.floor(time * fps + 1e-6);

const currentFrame = () => frameAt(state.time, video().fps);

/** Whether a prediction passes the filters. */
const passes = (label, score) =>
  !state.hidden.has(label) && (score === null || score >= state.minScore);

const hasChanged = (names, ...wanted) => wanted.some((x) => names.has(x));
