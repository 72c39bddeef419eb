// Below the timeline: the people of this moment, or all segments.

function cell(content, className = '') {
  return make('td', {className}, content);
}

function tableOf(titles, rows, caption = '') {
  const head = make('tr', {}, ...titles.map(([title, className]) =>
    make('th', {scope: 'col', className: className ?? '',
      textContent: title})));
  const parts = [make('thead', {}, head), make('tbody', {}, ...rows)];
  if (caption) parts.unshift(make('caption', {textContent: caption}));
  return make('table', {}, ...parts);
}

function peopleRows(keyframe, kind) {
  return (keyframe?.people ?? []).flatMap((person) => {
    const actions = shownActions(person);
    if (!actions) return [];
    const text = actions.map(([label, score]) => report.classes[label] +
      (score === null ? '' : ` ${score.toFixed(2)}`)).join(', ');
    return [make('tr', {}, cell(kind), cell(text || 'no action'),
      cell(person.score === null ? '' : person.score.toFixed(2), 'number'))];
  });
}

function drawPeopleTable() {
  const shown = video();
  const frame = currentFrame();
  const found = keyframeFor(shown.keyframes, frame);
  const truth = keyframeFor(shown.truthKeyframes, frame);
  const place = (keyframe) =>
    keyframe ? `frame ${keyframe.frame}` : 'none near';
  byId('details-title').textContent = 'People on the nearest keyframe: ' +
    [shown.keyframes && `prediction ${place(found)}`,
      shown.truthKeyframes && `ground truth ${place(truth)}`]
      .filter(Boolean).join(', ');
  byId('details').replaceChildren(tableOf(
    [['source'], ['actions'], ['person', 'number']],
    [...(state.predictions ? peopleRows(found, 'prediction') : []),
      ...(state.truth ? peopleRows(truth, 'ground truth') : [])]));
}

/** Largest overlap with ground truth of the same class. */
function bestOverlap(segment, truth) {
  return Math.max(0, ...truth.filter((x) => x.label === segment.label)
    .map((x) => overlapShare(segment, x)));
}

function segmentRow(segment, kind, truth) {
  const link = make('button', {
    type: 'button', textContent: report.classes[segment.label],
    title: 'go to its start',
  });
  link.addEventListener('click', () => seek(segment.start));
  const row = make('tr', {}, cell(kind),
    make('td', {}, swatchOf(segment.label), ' ', link),
    cell(seconds(segment.start), 'number'),
    cell(seconds(segment.end), 'number'),
    cell(segment.score === null ? '' : segment.score.toFixed(3), 'number'),
    cell(truth && segment.score !== null ?
      bestOverlap(segment, truth).toFixed(2) : '', 'number'));
  row.dataset.start = segment.start;
  row.dataset.end = segment.end;
  return row;
}

function drawSegmentTable() {
  const shown = video();
  const found = state.predictions ? (shown.segments ?? [])
    .filter((x) => passes(x.label, x.score)) : [];
  const truth = state.truth ? (shown.truthSegments ?? [])
    .filter((x) => !state.hidden.has(x.label)) : [];
  byId('details-title').textContent = `Segments: ${found.length} predicted` +
    (shown.truthSegments ? `, ${truth.length} annotated` : '');
  byId('details').replaceChildren(tableOf(
    [['source'], ['class'], ['start', 'number'], ['end', 'number'],
      ['score', 'number'],
      [shown.truthSegments ? 'tIoU with ground truth' : '', 'number']],
    [...found.map((x) =>
      segmentRow(x, 'prediction', shown.truthSegments)),
    ...truth.map((x) => segmentRow(x, 'ground truth'))]));
  markRows();
}

/** Rows of the segments that hold the current time. */
function markRows() {
  for (const row of byId('details').querySelectorAll('tr[data-start]')) {
    row.classList.toggle('now', Number(row.dataset.start) <= state.time &&
      state.time <= Number(row.dataset.end));
  }
}

function drawDetails() {
  if (isDetection(video())) drawPeopleTable();
  else drawSegmentTable();
}

function moveDetails() {
  if (isDetection(video())) drawPeopleTable();
  else markRows();
}
