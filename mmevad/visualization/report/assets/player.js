// Frames and time of a video: a file, pictures, or only a clock.

function toBlob(base64, type) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Blob([bytes], {type});
}

/** Plays without a video file: its time is that of the clock. */
class ClockPlayer {
  constructor(shown, element, show) {
    this.duration = shown.duration;
    this.element = element;
    this.show = show;
    this.playing = false;
    this.seek(0);
  }

  seek(time) {
    this.time = Math.min(Math.max(time, 0), this.duration);
    this.show(this.time);
    change({time: this.time});
  }

  play() {
    this.playing = true;
    if (this.time >= this.duration - 1e-3) this.seek(0);
    let before = performance.now();
    const tick = (now) => {
      if (!this.playing) return;
      this.seek(this.time + Math.max(0, now - before) / 1000);
      before = now;
      if (this.time >= this.duration) setPlaying(false);
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.playing = false;
  }

  close() {
    this.pause();
  }
}

function picturePlayer(shown, pictures) {
  const image = make('img', {alt: ''});
  let last = -1;
  return new ClockPlayer(shown, image, (time) => {
    const at = Math.min(frameAt(time, shown.media.rate), pictures.length - 1);
    if (at !== last) image.src = `data:image/jpeg;base64,${pictures[at]}`;
    last = at;
  });
}

class VideoPlayer {
  constructor(shown, data) {
    this.element = make('video', {muted: true, playsInline: true});
    this.url = URL.createObjectURL(toBlob(data, shown.media.mime));
    this.element.src = this.url;
    this.duration = shown.duration;
    const tell = () => change({time: this.element.currentTime});
    this.element.addEventListener('seeked', tell);
    this.element.addEventListener('ended', () => setPlaying(false));
    this.element.addEventListener('error', () => {
      byId('media-note').textContent = 'This browser does not play the ' +
        `codec of ${shown.name}; make the report again with --pictures.`;
    });
    this.tell = tell;
  }

  seek(time) {
    const end = Number.isFinite(this.element.duration) ?
      this.element.duration : this.duration;
    const target = Math.min(Math.max(time, 0), end);
    this.element.currentTime = target;
    change({time: target});
  }

  play() {
    // refused if the codec is unknown, of which 'error' tells
    this.element.play().catch(() => setPlaying(false));
    const tick = () => {
      if (this.element.paused) return;
      this.tell();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  pause() {
    this.element.pause();
  }

  close() {
    this.pause();
    this.element.removeAttribute('src');
    URL.revokeObjectURL(this.url);
  }
}

let player = null;
let isPlaying = false;

function setPlaying(on) {
  isPlaying = on;
  byId('play').textContent = on ? 'Pause' : 'Play';
  byId('play').setAttribute('aria-pressed', String(on));
  if (on) player.play();
  else player.pause();
}

const seek = (time) => player.seek(time);

/** Go to the middle of a frame, which no rounding moves to another. */
function seekFrame(frame) {
  const {fps, duration} = video();
  const last = Math.max(0, Math.ceil(duration * fps - 1e-6) - 1);
  seek((Math.min(Math.max(frame, 0), last) + 0.5) / fps);
}

function openPlayer(index) {
  if (player) {
    setPlaying(false);
    player.close();
    player.element.remove();
  }
  const shown = report.videos[index];
  const {kind, note} = shown.media;
  byId('media-note').textContent = note;
  if (kind === 'video') player = new VideoPlayer(shown, mediaOf(index)[0]);
  else if (kind === 'frames') player = picturePlayer(shown, mediaOf(index));
  else {
    const text = 'The report has no frames of this video; see “Not in this ' +
      'report”.';
    player = new ClockPlayer(
      shown, make('div', {className: 'empty'}, text), () => {});
  }
  const stage = byId('stage');
  stage.prepend(player.element);
  const resize = () => fitStage(player.element);
  player.element.addEventListener('load', resize);
  player.element.addEventListener('loadedmetadata', resize);
  resize();
}

/** The stage has the shape of the frames, and fits the window. */
function fitStage(element) {
  const width = element.naturalWidth || element.videoWidth || 16;
  const height = element.naturalHeight || element.videoHeight || 9;
  const stage = byId('stage');
  stage.style.aspectRatio = `${width} / ${height}`;
  stage.style.maxWidth = `calc(68vh * ${width / height})`;
  drawOverlay();
}
