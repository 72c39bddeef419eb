// Which video, which classes, from which score on, which tokens.

/** Predictions of each class of a video: Map of class to number. */
function countsOf(shown) {
  const counts = new Map();
  for (const {label} of predictedSpans(shown)) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts;
}

function drawClasses() {
  const shown = video();
  const counts = countsOf(shown);
  byId('classes').replaceChildren(...classesOf(shown).map((label) => {
    const box = make('input', {
      type: 'checkbox', checked: !state.hidden.has(label),
    });
    box.addEventListener('change', () => {
      const hidden = new Set(state.hidden);
      if (box.checked) hidden.delete(label);
      else hidden.add(label);
      change({hidden});
    });
    const count = make('span', {
      className: 'count', textContent: counts.get(label) ?? 0,
      title: 'predictions',
    });
    return make('label', {}, box, swatchOf(label),
      make('span', {textContent: report.classes[label]}), count);
  }));
}

function drawTokenChoice() {
  const {grid} = video();
  const choice = byId('tokens');
  byId('tokens-label').hidden = !grid;
  choice.replaceChildren(...['show none', ...(grid?.layers ?? []).slice(1)]
    .map((name, i) => make('option', {value: i, textContent: name})));
  choice.value = Math.min(state.layer, choice.options.length - 1);
  change({layer: Number(choice.value)});
}

/** How many tokens of the clip are left, in words. */
function tellTokens() {
  const {grid, keyframes} = video();
  const tokens = keyframeFor(keyframes, currentFrame())?.tokens;
  let text = '';
  if (grid && state.layer && tokens) {
    const alive = [...tokens.alive].map((x) => parseInt(x, 36));
    const before = alive.filter((x) => x > 0).length;
    const after = alive.filter((x) => x > state.layer).length;
    const inside = sliceOf(tokens, currentFrame()) >= 0;
    text = `${after} of ${before} tokens of the clip are left ` +
      `(${Math.round(100 * after / before)} %)` +
      (inside ? '' : '; this frame is not in the clip');
  }
  byId('tokens-note').textContent = text;
}

/** A score that leaves something, and not everything, at the start. */
function firstMinScore() {
  const scores = report.videos.flatMap((x) =>
    predictedSpans(x).map((span) => span.score));
  const wish = report.videos.some(isDetection) ? 0.3 : 0.2;
  return scores.some((score) => score >= wish) ? wish : 0;
}

function connectFilters() {
  const choice = byId('video');
  choice.append(...report.videos.map((x, i) =>
    make('option', {value: i, textContent: x.name})));
  choice.addEventListener('change', () =>
    change({index: Number(choice.value), time: 0}));
  byId('score').addEventListener('input', (event) =>
    change({minScore: Number(event.target.value)}));
  byId('all').addEventListener('click', () => change({hidden: new Set()}));
  byId('none').addEventListener('click', () =>
    change({hidden: new Set(report.classes.keys())}));
  byId('show-predictions').addEventListener('change', (event) =>
    change({predictions: event.target.checked}));
  byId('show-truth').addEventListener('change', (event) =>
    change({truth: event.target.checked}));
  byId('tokens').addEventListener('change', (event) =>
    change({layer: Number(event.target.value)}));
}

function tellScore() {
  byId('score').value = state.minScore;
  byId('score-value').textContent = state.minScore.toFixed(2);
}
