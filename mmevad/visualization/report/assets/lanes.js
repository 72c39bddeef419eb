// What the rows of the timeline hold: spans by class, stacked in lanes.

/** Spans around keyframes: as far as halfway to the neighbours. */
function spansOfKeyframes(keyframes, fps, duration) {
  const half = spacing(keyframes) / 2;
  const spans = [];
  keyframes.forEach((keyframe, i) => {
    const middle = keyframe.frame + 0.5;
    const before = i ? (middle - keyframes[i - 1].frame - 0.5) / 2 : half;
    const after = i + 1 < keyframes.length ?
      (keyframes[i + 1].frame + 0.5 - middle) / 2 : half;
    const start = Math.max(0, (middle - Math.min(before, half)) / fps);
    const end = Math.min(duration, (middle + Math.min(after, half)) / fps);
    for (const [label, score] of bestScores(keyframe)) {
      spans.push({start, end, label, score, seekTo: middle / fps});
    }
  });
  return spans;
}

/** Spans of ground truth that touch become one. */
function joinSpans(spans) {
  const joined = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = joined.findLast((x) => x.label === span.label);
    if (last && span.start <= last.end + 1e-6) last.end = span.end;
    else joined.push({...span, score: null});
  }
  return joined;
}

function predictedSpans(shown) {
  if (shown.keyframes) {
    return spansOfKeyframes(shown.keyframes, shown.fps, shown.duration);
  }
  return shown.segments ?? [];
}

function trueSpans(shown) {
  if (shown.truthKeyframes) {
    return joinSpans(
      spansOfKeyframes(shown.truthKeyframes, shown.fps, shown.duration));
  }
  return shown.truthSegments ?? [];
}

/** Classes of a video that occur anywhere, in the order of their numbers. */
function classesOf(shown) {
  const spans = [...predictedSpans(shown), ...trueSpans(shown)];
  return [...new Set(spans.map((x) => x.label))].sort((a, b) => a - b);
}

/** Put spans below each other where they overlap: pairs of span and lane. */
function stack(spans) {
  const ends = [];
  const sorted = [...spans].sort((a, b) => a.start - b.start);
  return sorted.map((span) => {
    let lane = ends.findIndex((end) => end <= span.start + 1e-6);
    if (lane < 0) lane = ends.length;
    ends[lane] = span.end;
    return {span, lane};
  });
}

/** Overlap of two spans over their union. */
function overlapShare(a, b) {
  const inside = Math.min(a.end, b.end) - Math.max(a.start, b.start);
  const union = Math.max(a.end, b.end) - Math.min(a.start, b.start);
  return inside <= 0 || union <= 0 ? 0 : inside / union;
}
