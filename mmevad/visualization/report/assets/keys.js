// The keyboard, and where the buttons Previous and Next lead.

/** Times to stop at: keyframes, or starts of the segments that are shown. */
function stops() {
  const shown = video();
  if (isDetection(shown)) {
    const keyframes = shown.keyframes ?? shown.truthKeyframes;
    return keyframes.map((x) => (x.frame + 0.5) / shown.fps);
  }
  const spans = shown.segments ?
    shown.segments.filter((x) => passes(x.label, x.score)) :
    shown.truthSegments ?? [];
  return spans.map((x) => x.start).sort((a, b) => a - b);
}

function goToStop(direction) {
  const times = stops();
  const margin = 0.25 / video().fps;
  const target = direction > 0 ?
    times.find((x) => x > state.time + margin) :
    times.findLast((x) => x < state.time - margin);
  if (target !== undefined) seek(target);
}

function goByKey(event) {
  const step = event.key === 'ArrowRight' ? 1 : -1;
  if (event.key.startsWith('Arrow')) {
    if (event.shiftKey) seek(state.time + step);
    else seekFrame(currentFrame() + step);
    return;
  }
  const actions = {
    ' ': () => setPlaying(!isPlaying),
    'n': () => goToStop(1),
    'p': () => goToStop(-1),
    'Home': () => seek(0),
    'End': () => seek(video().duration),
  };
  (actions[event.key] ?? actions[event.key.toLowerCase()])();
}

function connectKeys() {
  const known = [' ', 'ArrowLeft', 'ArrowRight', 'n', 'p', 'N', 'P', 'Home',
    'End'];
  document.addEventListener('keydown', (event) => {
    const {target} = event;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!known.includes(event.key)) return;
    // what these do with keys themselves comes first
    if (target.matches('select, textarea, pre, #score')) return;
    if (event.key === ' ' && target.matches('button, input, summary, a')) {
      if (target.id !== 'scrub') return;
    }
    event.preventDefault();
    goByKey(event);
  });
  byId('play').addEventListener('click', () => setPlaying(!isPlaying));
  byId('previous').addEventListener('click', () => goToStop(-1));
  byId('next').addEventListener('click', () => goToStop(1));
}
