// What the Python side has put into the page, see page.py and payload.py.
//
// report.classes: names by number
// report.videos[i]: name, fps, duration (s), grid, media: kind ('video',
//   'frames', 'none'), mime, rate, note;
//   keyframes, truthKeyframes: null or [{frame, people: [{box: [x1, y1, x2,
//     y2] as shares, score, actions: [[class, score]]}], tokens}]
//   segments, truthSegments: null or [{start, end, label, score}]
//   grid: null or {layers, shape: [t, h, w], cell: [width, height]}
//   tokens: null or {alive: digits of base 36, frames: first of each slice}
// report.metrics, evaluations, table, curves, missing: see build.py

const readJson = (id) => JSON.parse(byId(id).textContent);

const report = readJson('data');

/** Packed frames of a video: base64 of a file, or of pictures. */
const mediaOf = (index) => readJson(`media-${index}`);

const isDetection = (video) =>
  video.keyframes !== null || video.truthKeyframes !== null;

/** Highest score of each class on a keyframe: Map of class to score. */
function bestScores(keyframe) {
  const best = new Map();
  for (const person of keyframe.people) {
    for (const [label, score] of person.actions) {
      const value = score === null ? 1 : score;
      best.set(label, Math.max(value, best.get(label) ?? 0));
    }
  }
  return best;
}

/** The keyframe that is nearest to a frame, or null. */
function nearest(keyframes, frame) {
  let found = null;
  for (const keyframe of keyframes ?? []) {
    const distance = Math.abs(keyframe.frame - frame);
    if (!found || distance < Math.abs(found.frame - frame)) found = keyframe;
  }
  return found;
}

/** Usual distance of keyframes in frames. */
function spacing(keyframes) {
  const gaps = keyframes.slice(1).map((k, i) => k.frame - keyframes[i].frame);
  gaps.sort((a, b) => a - b);
  return gaps.length ? gaps[Math.floor(gaps.length / 2)] : 1;
}

/** The nearest keyframe, if it speaks for this frame at all. */
function keyframeFor(keyframes, frame) {
  const found = nearest(keyframes, frame);
  if (!found || keyframes.length < 2) return found;
  return Math.abs(found.frame - frame) <= spacing(keyframes) ? found : null;
}
