// Metrics of the last evaluation, AP by class, all evaluations.

function metricsTable() {
  const {values, source} = report.metrics;
  if (!values.length) return null;
  return tableOf([['metric'], ['value', 'number']],
    values.map(([name, value]) => make('tr', {}, cell(name),
      cell(short(value), 'number'))), `Metrics, from ${source}`);
}

function classTable() {
  if (!report.table.length) return null;
  return tableOf([['class'], ['AP, percent', 'number'], ['', 'share']],
    report.table.map(([name, ap]) => {
      const bar = make('div');
      bar.style.width = `${ap ?? 0}%`;
      return make('tr', {}, cell(name),
        cell(ap === null ? '–' : ap.toFixed(2), 'number'),
        cell(bar, 'share'));
    }), 'AP by class');
}

function evaluationTable() {
  const rows = report.evaluations;
  if (!rows.length) return null;
  const names = [...new Set(rows.flatMap((x) => Object.keys(x)))]
    .filter((x) => x !== 'step').slice(0, 8);
  return tableOf([['step', 'number'], ...names.map((x) => [x, 'number'])],
    rows.map((row) => make('tr', {}, cell(short(row.step), 'number'),
      ...names.map((x) => cell(short(row[x]), 'number')))),
    'Validation during training');
}

function drawTables() {
  const tables = [metricsTable(), classTable(), evaluationTable()]
    .filter(Boolean);
  byId('numbers').hidden = !tables.length;
  byId('tables').append(...tables.map((x) =>
    make('div', {className: 'scroll'}, x)));
}

function drawMissing() {
  byId('missing').hidden = !report.missing.length;
  byId('missing-list').append(...report.missing.flatMap((x) => [
    make('dt', {textContent: x.part}),
    make('dd', {textContent: `${x.reason} ${x.remedy}`})]));
}

function drawConfig() {
  if (!report.config) return;
  byId('config').hidden = false;
  byId('config-name').textContent = report.config.name;
  byId('config-text').textContent = report.config.text;
}
