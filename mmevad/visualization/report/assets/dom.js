// Elements of the page. Text is always set as text, never as markup.

const byId = (id) => document.getElementById(id);

/** An element with properties and children (elements or texts). */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** An element of SVG with attributes. */
function makeSvg(tag, attributes = {}, text = '') {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.textContent = text;
  return element;
}

/** A colour for each index; neighbours differ clearly in hue. */
function colorOf(index, alpha = 1) {
  const hue = (index * 137.5 + 205) % 360;
  return `hsla(${hue.toFixed(1)}, 85%, 62%, ${alpha})`;
}

function swatchOf(index) {
  const swatch = make('span', {className: 'swatch'});
  swatch.style.background = colorOf(index);
  return swatch;
}

const seconds = (time) => `${time.toFixed(2)} s`;

/** Few digits, but those that count. */
function short(value) {
  if (value === null || value === undefined) return '–';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}
