// Starts the page, and redraws what a change concerns.

function drawNav() {
  for (const section of document.querySelectorAll('main > section')) {
    if (section.hidden) continue;
    const title = section.querySelector('h2').textContent;
    const count = section.id === 'missing' ?
      ` (${report.missing.length})` : '';
    byId('nav').append(make('a', {
      href: `#${section.id}`, textContent: title + count}));
  }
}

function openVideo() {
  const shown = video();
  openPlayer(state.index);
  byId('scrub').max = shown.duration;
  byId('layers').hidden = !isDetection(shown) && !shown.truthSegments;
  byId('show-truth').parentElement.hidden =
    !shown.truthKeyframes && !shown.truthSegments;
  byId('stop-name').textContent =
    isDetection(shown) ? 'keyframe' : 'segment';
  drawClasses();
  drawTokenChoice();
  drawAxis();
}

function redraw(names) {
  if (names.has('index')) openVideo();
  const filtered = hasChanged(names, 'index', 'minScore', 'hidden',
    'predictions', 'truth');
  if (filtered) {
    tellScore();
    drawRows();
    drawDetails();
  }
  if (names.has('hidden') && !names.has('index')) drawClasses();
  if (names.has('time') && !filtered) moveDetails();
  tellTokens();
  movePlayhead();
  drawOverlay();
}

function startVideos() {
  if (!report.videos.length) return;
  byId('videos').hidden = false;
  connectFilters();
  connectTimeline();
  connectKeys();
  state.minScore = firstMinScore();
  openVideo();
  onChange(redraw);
  redraw(new Set(['minScore', 'time']));
  new ResizeObserver(() => {
    movePlayhead();
    drawOverlay();
  }).observe(byId('timeline'));
}

byId('title').textContent = report.title;
drawTables();
drawCurves();
drawConfig();
drawMissing();
startVideos();
drawNav();
