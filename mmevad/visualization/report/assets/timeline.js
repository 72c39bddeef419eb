// A row for each class: ground truth above predictions. Clicks seek.

const TRUTH_HEIGHT = 11;
const MAX_LANES = 8; // of a class; more lie on top of each other

function barOf(item, top, height, shown, truth) {
  const {span} = item;
  const name = report.classes[span.label];
  const score = span.score === null ? '' : `, score ${short(span.score)}`;
  const title = `${truth ? 'ground truth: ' : ''}${name}, ` +
    `${seconds(span.start)} to ${seconds(span.end)}${score}`;
  const text = truth || span.score === null ? '' : span.score.toFixed(2);
  const bar = make('button', {
    type: 'button', className: truth ? 'bar truth' : 'bar', title,
    tabIndex: -1, textContent: text,
  });
  bar.setAttribute('aria-label', title);
  const left = Math.max(0, span.start / shown.duration);
  const right = Math.min(1, span.end / shown.duration);
  bar.style.left = `${100 * left}%`;
  bar.style.width = `${100 * Math.max(0, right - left)}%`;
  bar.style.top = `${top}px`;
  bar.style.height = `${height}px`;
  if (!truth) {
    bar.style.background = colorOf(span.label, 0.25 + 0.75 * span.score);
  }
  bar.addEventListener('click', () => seek(span.seekTo ?? span.start));
  // a bar is clicked, only the empty track is dragged over
  bar.addEventListener('pointerdown', (event) => event.stopPropagation());
  return bar;
}

function trackOf(label, shown, predicted, truth) {
  const track = make('div', {className: 'track'});
  const ofLabel = (spans) => spans.filter((x) => x.label === label);
  const above = stack(ofLabel(truth));
  const below = stack(ofLabel(predicted));
  const laneCount = (items) => Math.min(
    MAX_LANES, Math.max(0, ...items.map((x) => x.lane + 1)));
  const height = shown.keyframes ? 17 : 15;
  const aboveHeight = laneCount(above) * TRUTH_HEIGHT;
  for (const item of above) {
    track.append(barOf(item, Math.min(item.lane, MAX_LANES - 1) *
      TRUTH_HEIGHT, TRUTH_HEIGHT - 1, shown, true));
  }
  for (const item of below) {
    const lane = Math.min(item.lane, MAX_LANES - 1);
    track.append(barOf(item, aboveHeight + lane * height, height - 1, shown,
      false));
  }
  track.style.height =
    `${Math.max(15, aboveHeight + laneCount(below) * height)}px`;
  return track;
}

function drawRows() {
  const shown = video();
  const predicted = state.predictions ?
    predictedSpans(shown).filter((x) => passes(x.label, x.score)) : [];
  const truth = state.truth ?
    trueSpans(shown).filter((x) => !state.hidden.has(x.label)) : [];
  const rows = byId('rows');
  rows.replaceChildren();
  for (const label of classesOf(shown)) {
    if (state.hidden.has(label)) continue;
    const name = report.classes[label];
    rows.append(make('div', {className: 'row'},
      make('span', {className: 'name', title: name},
        swatchOf(label), ` ${name}`),
      trackOf(label, shown, predicted, truth)));
  }
  const line = make('div', {className: 'playhead', id: 'playhead'});
  byId('timeline').querySelector('#playhead')?.remove();
  byId('timeline').append(line);
}

/** 1, 2 or 5 times a power of ten, so that about ``count`` fit. */
function niceStep(range, count) {
  const raw = range / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((x) => x * power).find((x) => x >= raw);
}

function drawAxis() {
  const {duration} = video();
  const axis = byId('axis');
  axis.replaceChildren();
  const step = niceStep(duration, 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let i = 0; i * step <= duration * (1 + 1e-9); i++) {
    const share = i * step / duration;
    const tick = make('span', {
      textContent: `${(i * step).toFixed(digits)} s`,
      className: i === 0 ? 'first' : share > 0.97 ? 'last' : '',
    });
    tick.style.left = `${100 * share}%`;
    axis.append(tick);
  }
}

function movePlayhead() {
  const track = byId('axis');
  const share = Math.min(1, state.time / video().duration);
  const line = byId('playhead');
  if (line) {
    line.style.left = `${track.offsetLeft + share * track.clientWidth}px`;
  }
  byId('scrub').value = state.time;
  byId('scrub').setAttribute('aria-valuetext', seconds(state.time));
  byId('clock').textContent = `${seconds(state.time)} of ` +
    `${seconds(video().duration)}, frame ${currentFrame()}`;
}

function timeAt(event) {
  const area = byId('axis').getBoundingClientRect();
  const share = (event.clientX - area.left) / area.width;
  return Math.min(Math.max(share, 0), 1) * video().duration;
}

function connectTimeline() {
  byId('scrub').addEventListener('input', (event) =>
    seek(Number(event.target.value)));
  const rows = byId('rows');
  rows.addEventListener('pointerdown', (event) => {
    if (!event.target.classList.contains('track')) return;
    rows.setPointerCapture(event.pointerId);
    seek(timeAt(event));
  });
  rows.addEventListener('pointermove', (event) => {
    if (rows.hasPointerCapture(event.pointerId)) seek(timeAt(event));
  });
}
