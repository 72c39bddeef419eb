// Boxes, labels and dropped tokens on a canvas over the frame.

const FONT = 13; // pixels of the page

function roomFor(context, lines, size) {
  const width = Math.max(...lines.map((x) => context.measureText(x).width));
  return {
    w: Math.min(width + 10, size.width), h: lines.length * (FONT + 4) + 4,
  };
}

const overlaps = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w &&
  a.y < b.y + b.h && b.y < a.y + a.h;

/** A place near the box where no label is yet; else the first one. */
function placeLabel(box, room, placed, size) {
  const spots = [
    [box.x, box.y - room.h], [box.x, box.y + box.h],
    [box.x, box.y], [box.x + box.w - room.w, box.y],
    [box.x, box.y + box.h - room.h], [box.x + box.w, box.y],
    [box.x - room.w, box.y], [box.x, box.y + box.h / 2],
  ].map(([x, y]) => ({
    x: Math.min(Math.max(x, 0), Math.max(0, size.width - room.w)),
    y: Math.min(Math.max(y, 0), Math.max(0, size.height - room.h)),
    ...room,
  }));
  return spots.find((x) => !placed.some((y) => overlaps(x, y))) ?? spots[0];
}

function drawLabel(context, lines, colors, spot) {
  context.fillStyle = 'rgba(12, 14, 18, .82)';
  context.fillRect(spot.x, spot.y, spot.w, spot.h);
  lines.forEach((line, i) => {
    context.fillStyle = colors[i];
    context.fillText(line, spot.x + 5, spot.y + (i + 1) * (FONT + 4) - 3,
      spot.w - 8);
  });
}

/** What passes the filters of a person, or null if nothing does. */
function shownActions(person) {
  const actions = person.actions.filter(([x, score]) => passes(x, score));
  const bare = !person.actions.length && !state.hidden.size;
  return actions.length || bare ? actions : null;
}

/** Draws the boxes, and returns the labels, which go on top of all boxes. */
function drawPeople(context, keyframe, size, truth) {
  const labels = [];
  context.lineWidth = truth ? 2 : 2.5;
  for (const person of keyframe?.people ?? []) {
    const actions = shownActions(person);
    if (!actions) continue;
    const [x1, y1, x2, y2] = person.box;
    const box = {
      x: x1 * size.width, y: y1 * size.height,
      w: (x2 - x1) * size.width, h: (y2 - y1) * size.height,
    };
    const color = truth ? '#ffffff' :
      actions.length ? colorOf(actions[0][0]) : '#c8ccd2';
    context.setLineDash(truth ? [7, 5] : []);
    context.strokeStyle = color;
    context.strokeRect(box.x, box.y, box.w, box.h);
    const lines = actions.map(([label, score]) => report.classes[label] +
      (score === null ? '' : ` ${score.toFixed(2)}`));
    if (!truth && person.score !== null) {
      lines.unshift(`person ${person.score.toFixed(2)}`);
    }
    if (!lines.length) continue;
    const colors = actions.map(([label]) => truth ? '#fff' : colorOf(label));
    if (!truth && person.score !== null) colors.unshift('#fff');
    labels.push({box, lines, colors});
  }
  return labels;
}

function drawLabels(context, labels, size) {
  const placed = [];
  for (const {box, lines, colors} of labels) {
    const spot = placeLabel(box, roomFor(context, lines, size), placed, size);
    placed.push(spot);
    drawLabel(context, lines, colors, spot);
  }
}

/** Time slice of a clip that a frame belongs to, or -1. */
function sliceOf(tokens, frame) {
  const {frames} = tokens;
  const step = frames.length > 1 ? frames[frames.length - 1] -
    frames[frames.length - 2] : 1;
  if (frame < frames[0] || frame >= frames[frames.length - 1] +
      Math.max(1, step)) return -1;
  return frames.findLastIndex((first) => first <= frame);
}

function drawTokens(context, keyframe, grid, size) {
  const slice = sliceOf(keyframe.tokens, currentFrame());
  if (slice < 0) return;
  const [, rows, columns] = grid.shape;
  const w = grid.cell[0] * size.width;
  const h = grid.cell[1] * size.height;
  context.fillStyle = 'rgba(0, 0, 0, .72)';
  for (let i = 0; i < rows * columns; i++) {
    const digit = keyframe.tokens.alive[slice * rows * columns + i];
    if (parseInt(digit, 36) > state.layer) continue;
    context.fillRect((i % columns) * w, Math.floor(i / columns) * h, w, h);
  }
}

/** Segments that hold the current time, named in a corner. */
function drawSegmentNames(context, size) {
  const now = (rows) => (rows ?? []).filter((x) =>
    passes(x.label, x.score) && x.start <= state.time && state.time <= x.end);
  const shown = video();
  const truth = state.truth ? now(shown.truthSegments) : [];
  const found = state.predictions ? now(shown.segments) : [];
  const lines = [
    ...truth.map((x) => `ground truth: ${report.classes[x.label]}`),
    ...found.map((x) => `${report.classes[x.label]} ${x.score.toFixed(2)}`),
  ].slice(0, 8);
  if (!lines.length) return;
  const room = roomFor(context, lines, size);
  const colors = [...truth.map(() => '#fff'),
    ...found.map((x) => colorOf(x.label))];
  drawLabel(context, lines, colors, {x: 8, y: 8, ...room});
}

function drawOverlay() {
  const canvas = byId('overlay');
  const size = {width: canvas.clientWidth, height: canvas.clientHeight};
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(size.width * ratio);
  canvas.height = Math.round(size.height * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  context.font = `600 ${FONT}px system-ui, sans-serif`;
  const shown = video();
  const frame = currentFrame();
  const keyframe = keyframeFor(shown.keyframes, frame);
  if (state.layer && keyframe?.tokens) {
    drawTokens(context, keyframe, shown.grid, size);
  }
  const truth = state.truth ?
    keyframeFor(shown.truthKeyframes, frame) : null;
  drawLabels(context, [
    ...drawPeople(context, truth, size, true),
    ...drawPeople(context, state.predictions ? keyframe : null, size, false),
  ], size);
  drawSegmentNames(context, size);
}
