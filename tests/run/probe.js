// SPDX-License-Identifier: Apache-2.0
// Put into a copy of a report's page by test_browser.sh: does there what a person would, and writes
// what it sees as lines NAME=VALUE into an element of its own.
(async function () {
const lines = [];
const say = (name, value) => lines.push(name + '=' + value);
const figure = document.getElementById('figure1-measure=abs');
const plot = figure.querySelector('.plot'), data = JSON.parse(document.getElementById('sulcus-data').textContent);
const map = data.figures[figure.id], tip = document.getElementById('tip');

// What the page tells at a cell of the first panel, by its place in the picture.
function point(r, c) {
    const picture = [...plot.querySelectorAll(':scope > svg, :scope > canvas')].find(k => k.style.display !== 'none');
    const box = picture.getBoundingClientRect(), width = picture.tagName === 'CANVAS' ? picture.width / 2 : map.width;
    const at = [map.panels[0].box[0] + (c + 0.5) * map.cell + width - map.width, map.panels[0].box[1] + (r + 0.5) * map.cell];
    const scale = box.width / width;
    plot.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + at[0] * scale, clientY: box.top + at[1] * scale, bubbles: true}));
    return tip.hidden ? '' : [...tip.children].map(d => d.textContent.trim()).join('|');
}
function change(where, label, value) {
    const select = [...where.querySelectorAll('label')].find(l => l.textContent.startsWith(label)).querySelector('select');
    select.value = value;
    select.dispatchEvent(new Event('change'));
}
const shown = () => plot.querySelector('svg').style.display !== 'none' ? 'svg' : 'canvas';
const rows = table => [...table.tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[0].textContent);

say('fetched', performance.getEntriesByType('resource').length);
say('cell', point(1, 0));
say('panels', map.panels.length);
plot.dispatchEvent(new PointerEvent('pointerleave'));
say('left', tip.hidden);
say('before', shown());
for (const how of ['name', 'value', 'similarity']) {
    change(figure, 'Rows', how);
    say('rows-' + how, [0, 1, 2, 3].map(r => (point(r, 0).match(/evaluated ([^|]*)/) || [])[1]).join(' '));
}
say('sorted', shown());
const canvas = plot.querySelector('canvas'), pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
say('colours', new Set(Array.from({length: pixels.length / 4}, (unused, i) => pixels.slice(4 * i, 4 * i + 3).join())).size > 8);
change(figure, 'Rows', 'given');
say('again', shown());

const curve = document.getElementById('figure7-measure=abs'), data7 = data.figures[curve.id];
document.querySelectorAll('.turns select').forEach(s => { s.value = '1'; s.dispatchEvent(new Event('change')); });
say('turned', [...document.querySelectorAll('figure')].filter(f => f.offsetHeight > 0 && f.id !== 'figure17').map(f => f.dataset.task).every(t => t === 'measure=freq'));
document.querySelectorAll('.turns select').forEach(s => { s.value = '0'; s.dispatchEvent(new Event('change')); });
{
    const [left, top] = data7.panels[0].box, box = curve.querySelector('svg').getBoundingClientRect(), scale = box.width / data7.width;
    curve.querySelector('.plot').dispatchEvent(new PointerEvent('pointermove',
        {clientX: box.left + (left + 2) * scale, clientY: box.top + (top + 2) * scale, bubbles: true}));
    say('curve', [...tip.children].map(d => d.textContent.trim()).join('|'));
}

const harm = document.getElementById('figure17'), data17 = data.figures.figure17;
for (const [name, [p, row, value]] of [['dot', data17.values[0]], ['mean', [0, 0, data17.panels[0].means[0][0]]]]) {
    const panel = data17.panels[p], [left, top, width, height] = panel.box;
    const box = harm.querySelector('svg').getBoundingClientRect(), scale = box.width / data17.width;
    harm.querySelector('.plot').dispatchEvent(new PointerEvent('pointermove',
        {clientX: box.left + (left + (value - panel.x[0]) / (panel.x[1] - panel.x[0]) * width) * scale,
         clientY: box.top + (top + (row + 0.5) / data17.rows.length * height) * scale, bubbles: true}));
    say(name, [...tip.children].map(d => d.textContent.trim()).join('|'));
}

figure.querySelector('details').open = true;
const table = figure.querySelector('table'), heads = table.tHead.rows[0].cells;
heads[1].click();
say('up', rows(table).join(' '));
heads[1].click();
say('down', rows(table).join(' '));
const tasks = [...document.querySelectorAll('table')].find(t => t.tHead.textContent.includes('rank-seconds'));
const filter = tasks.previousElementSibling.querySelector('input');
filter.value = 'unlearn freq';
filter.dispatchEvent(new Event('input'));
say('filtered', rows(tasks).join(' '));
say('tasks', tasks.tBodies[0].rows.length);

const other = document.documentElement.outerHTML.replace('"value":[', '"value":[1000,').replace(/("value":\[1000),[^,]*/, '$1');
const files = new DataTransfer(), input = document.getElementById('compare');
files.items.add(new File([other], 'other.html', {type: 'text/html'}));
input.files = files.files;
input.dispatchEvent(new Event('change'));
await new Promise(done => setTimeout(done, 200));
const compared = document.querySelector('#compared table');
say('compared', compared ? [...compared.tBodies[0].rows[0].cells].map(c => c.textContent).join('|') : 'nothing');
change(figure, 'Show', 'difference');
say('apart', point(0, 0));
say('wide', document.documentElement.scrollWidth <= innerWidth);
dispatchEvent(new Event('beforeprint'));
say('folded', document.querySelectorAll('details:not([open])').length);
document.body.append(Object.assign(document.createElement('pre'), {id: 'probe', textContent: lines.join('\n')}));
})().catch(e => document.body.append(Object.assign(document.createElement('pre'), {id: 'probe', textContent: 'error=' + e.stack})));
