// Lines over the steps of a training, as SVG.

const CHART = {width: 460, height: 240, left: 58, right: 10, top: 8,
  bottom: 34};

/** Charts as [title, curves]; a curve is [name, steps, values]. */
function chartGroups() {
  const titleOf = (name) => name === 'loss' ? 'Loss' :
    name.includes('loss') ? 'Parts of the loss' :
      name.endsWith('time') ? 'Seconds per iteration' :
        name === 'lr' ? 'Learning rate' : name;
  const groups = new Map();
  for (const curve of report.curves) {
    const title = titleOf(curve[0]);
    groups.set(title, [...(groups.get(title) ?? []), curve]);
  }
  const first = ['Loss', 'Parts of the loss', 'Validation'];
  const rows = report.evaluations;
  if (rows.length > 1) {
    const names = Object.keys(rows[0]).filter((x) => x.includes('mAP') ||
      x.startsWith('AP'));
    const curves = names.slice(0, 8).map((name) => {
      const points = rows.filter((row) => Number.isFinite(row[name]));
      return [name, points.map((x) => x.step), points.map((x) => x[name])];
    }).filter((x) => x[1].length);
    if (curves.length) groups.set('Validation', curves);
  }
  const rank = ([title]) => (first.indexOf(title) + first.length + 1) %
    (first.length + 1);
  return [...groups].sort((a, b) => rank(a) - rank(b));
}

function ticksOf(low, high) {
  const step = niceStep(high - low || Math.abs(high) || 1, 5);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step;
    i++) ticks.push(i * step);
  return ticks;
}

/** From values to pixels, with the range of the values. */
function scaleOf(values, from, to, withZero) {
  let low = values.reduce((a, b) => Math.min(a, b), Infinity);
  let high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (withZero && low > 0 && low < 0.5 * high) low = 0;
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const scale = (x) => from + (x - low) / (high - low) * (to - from);
  return Object.assign(scale, {low, high});
}

function drawGrid(svg, x, y) {
  const {width, height, left, right, bottom} = CHART;
  for (const tick of ticksOf(y.low, y.high)) {
    svg.append(
      makeSvg('line', {class: 'grid', x1: left, x2: width - right,
        y1: y(tick), y2: y(tick)}),
      makeSvg('text', {x: left - 6, y: y(tick) + 4, 'text-anchor': 'end'},
        short(tick)));
  }
  for (const tick of ticksOf(x.low, x.high)) {
    svg.append(makeSvg('text', {x: x(tick), y: height - bottom + 17,
      'text-anchor': 'middle'}, short(tick)));
  }
}

function legendOf(curves) {
  const values = curves.map(() => make('output'));
  const legend = make('div', {className: 'legend'},
    ...curves.map(([name], i) =>
      make('span', {}, swatchOf(i), ` ${name} `, values[i])));
  return {legend, values};
}

function chartOf(title, curves) {
  const {width, height, left, right, top, bottom} = CHART;
  const x = scaleOf(curves.flatMap((c) => c[1]), left, width - right - 12);
  const y = scaleOf(curves.flatMap((c) => c[2]), height - bottom, top, true);
  const svg = makeSvg('svg', {viewBox: `0 0 ${width} ${height}`,
    role: 'img', 'aria-label': `${title} over the steps`});
  drawGrid(svg, x, y);
  curves.forEach(([, steps, values], i) => {
    const points = steps.map((step, k) =>
      `${x(step).toFixed(1)},${y(values[k]).toFixed(1)}`);
    svg.append(makeSvg('polyline', {class: 'curve', points: points.join(' '),
      stroke: colorOf(i)}));
    if (points.length < 60) {
      steps.forEach((step, k) => svg.append(makeSvg('circle', {
        cx: x(step), cy: y(values[k]), r: 2.5, fill: colorOf(i)})));
    }
  });
  const cross = makeSvg('line', {class: 'cross', y1: top,
    y2: height - bottom, visibility: 'hidden'});
  const at = makeSvg('text', {x: left, y: height - 3});
  svg.append(cross, at);
  const {legend, values} = legendOf(curves);
  svg.addEventListener('pointermove', (event) => {
    const area = svg.getBoundingClientRect();
    const share = (event.clientX - area.left) / area.width * width;
    const wanted = x.low + (share - left) / (width - right - 12 - left) *
      (x.high - x.low);
    curves.forEach(([, steps, numbers], i) => {
      const k = steps.reduce((best, step, j) => Math.abs(step - wanted) <
        Math.abs(steps[best] - wanted) ? j : best, 0);
      values[i].textContent = short(numbers[k]);
      cross.setAttribute('x1', x(steps[k]));
      cross.setAttribute('x2', x(steps[k]));
      at.textContent = `step ${short(steps[k])}`;
    });
    cross.setAttribute('visibility', 'visible');
  });
  return make('div', {}, make('h3', {textContent: title}), svg, legend);
}

function drawCurves() {
  const groups = chartGroups();
  byId('curves').hidden = !groups.length;
  byId('charts').append(...groups.map(([title, curves]) =>
    chartOf(title, curves)));
  byId('curves-note').textContent = report.binned > 1 ?
    `Each point is the mean of ${report.binned} log entries.` : '';
}
