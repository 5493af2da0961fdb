// SPDX-License-Identifier: Apache-2.0
// What a report's page does by itself: cells and points tell their numbers to who points at them,
// rows and columns are put in order, tables sort and filter, the tasks of a sweep take turns, and
// another run's page is laid beside this one. It fetches nothing; what comes from files is only ever
// text. Without it the page is whole, and everything is shown.
(function () {
'use strict';
const island = document.getElementById('sulcus-data');
if (!island)
    return;
const mine = JSON.parse(island.textContent);
let other = null; // the data of the page it is compared with

function make(tag, properties, ...children) {
    const e = document.createElement(tag);
    Object.assign(e, properties);
    e.append(...children);
    return e;
}

function show(value) {
    return value === null || value === undefined ? '–' : String(+(+value).toPrecision(4));
}

// --- Orders of rows and columns

function row(map, panel, r) {
    const n = map.columns.length;
    return panel.value.slice(r * n, r * n + n);
}

function column(map, panel, c) {
    return map.rows.map((unused, r) => panel.value[r * map.columns.length + c]);
}

function mean(values) {
    const known = values.filter(v => v !== null);
    return known.length ? known.reduce((a, b) => a + b, 0) / known.length : NaN;
}

function distance(a, b) {
    let sum = 0, n = 0;
    for (let i = 0; i < a.length; i++)
        if (a[i] !== null && b[i] !== null) {
            sum += (a[i] - b[i]) ** 2;
            n++;
        }
    return n ? Math.sqrt(sum / n) : Infinity;
}

// The tree of average linkage: {items, height, left, right}.
function cluster(vectors) {
    let groups = vectors.map((v, i) => ({items: [i], height: 0}));
    const apart = vectors.map(a => vectors.map(b => distance(a, b)));
    const between = groups.map((g, i) => groups.map((h, j) => apart[i][j]));
    groups.forEach((g, i) => { g.id = i; });
    while (groups.length > 1) {
        let best = Infinity, a = groups[0], b = groups[1];
        for (let i = 0; i < groups.length; i++)
            for (let j = i + 1; j < groups.length; j++)
                if (between[groups[i].id][groups[j].id] < best) {
                    best = between[groups[i].id][groups[j].id];
                    [a, b] = [groups[i], groups[j]];
                }
        const joined = {items: a.items.concat(b.items), height: Math.max(best, a.height, b.height),
                        left: a, right: b, id: between.length};
        groups = groups.filter(g => g !== a && g !== b);
        between.push([]);
        for (const g of groups) {
            const d = (between[a.id][g.id] * a.items.length + between[b.id][g.id] * b.items.length) /
                      joined.items.length;
            between[joined.id][g.id] = between[g.id][joined.id] = d;
        }
        groups.push(joined);
    }
    return groups[0];
}

// {order, tree} of n names by `how`, the vectors being the first panel's.
function arrange(how, names, vector, dark) {
    const order = names.map((unused, i) => i);
    if (how === 'similarity' && names.length > 1) {
        const tree = cluster(order.map(vector));
        return {order: tree.items, tree};
    }
    if (how === 'name')
        order.sort((a, b) => names[a].localeCompare(names[b], undefined, {numeric: true}) || a - b);
    if (how === 'value') {
        const means = order.map(i => mean(vector(i)));
        const sign = dark === 'low' ? 1 : -1;
        order.sort((a, b) => sign * (means[a] - means[b]) || a - b);
    }
    return {order, tree: null};
}

// --- Drawing a map in another order

const TREE = 46, APART = ['#2166ac', '#f7f7f7', '#b2182b'];

function colourOf(palette, t) {
    const at = Math.min(Math.max(t, 0), 1) * (palette.length - 1), i = Math.min(Math.floor(at), palette.length - 2);
    const part = k => [1, 3, 5].map(p => parseInt(palette[k].slice(p, p + 2), 16));
    const a = part(i), b = part(i + 1);
    return a.map((v, k) => Math.round(v + (b[k] - v) * (at - i)));
}

// What a view shows: the map itself, the other run's, or how far this one is above that.
function valuesOf(view, p) {
    const panel = view.map.panels[p], twin = view.twin && view.twin[p];
    if (view.what === 'mine' || !twin)
        return view.what === 'mine' ? panel.value : panel.value.map(() => null);
    return view.what === 'other' ? twin : panel.value.map((v, i) => v === null || twin[i] === null ? null : v - twin[i]);
}

function scaleOf(view) {
    if (view.what !== 'difference')
        return {low: view.map.low, high: view.map.high, palette: view.map.palette, title: view.map.scale};
    let most = 0;
    view.map.panels.forEach((unused, p) => valuesOf(view, p).forEach(v => { most = Math.max(most, Math.abs(v)); }));
    return {low: -(most || 1), high: most || 1, palette: APART, title: 'this run − the other: ' + view.map.scale};
}

// Where panels stand once trees are drawn beside them; `place` says it of a panel.
function layOut(view) {
    const lines = [...new Set(view.map.panels.map(p => p.box[1]))];
    const right = view.rows.tree ? TREE : 0, down = view.columns.tree ? TREE : 0;
    return {width: view.map.width + right, height: view.map.height + down * lines.length,
            place: p => [p.box[0] + right, p.box[1] + down * (lines.indexOf(p.box[1]) + 1)]};
}

function drawTree(g, tree, cell, left, top, upright) {
    const at = new Map(tree.items.map((item, i) => [item, (i + 0.5) * cell]));
    const high = tree.height || 1, reach = h => 2 + h / high * (TREE - 6);
    const to = (along, out) => upright ? [left + along, top - out] : [left - out, top + along];
    g.strokeStyle = '#5c6370';
    g.lineWidth = 1;
    (function walk(t) {
        if (!t.left)
            return at.get(t.items[0]);
        const a = walk(t.left), b = walk(t.right);
        g.beginPath();
        g.moveTo(...to(a, reach(t.left.height)));
        g.lineTo(...to(a, reach(t.height)));
        g.lineTo(...to(b, reach(t.height)));
        g.lineTo(...to(b, reach(t.right.height)));
        g.stroke();
        return (a + b) / 2;
    })(tree);
}

function drawCells(g, view, p, left, top, scale) {
    const map = view.map, cell = map.cell, n = map.columns.length, panel = map.panels[p], values = valuesOf(view, p);
    const own = new Set(map.own || []), missed = new Set(panel.missed || []), wide = cell > 20;
    view.rows.order.forEach((r, y) => view.columns.order.forEach((c, x) => {
        const v = values[r * n + c], at = [left + x * cell, top + y * cell], gap = wide ? 0.5 : 0;
        const hue = v === null ? [212, 212, 212] : colourOf(scale.palette, (v - scale.low) / (scale.high - scale.low));
        g.fillStyle = `rgb(${hue})`;
        g.fillRect(at[0] + gap, at[1] + gap, cell - 2 * gap, cell - 2 * gap);
        if (missed.has(c)) {
            g.strokeStyle = '#8a8a8a';
            g.lineWidth = 1;
            g.beginPath();
            for (let d = 4; d < cell; d += 6) {
                g.moveTo(at[0] + d, at[1]);
                g.lineTo(at[0], at[1] + d);
                g.moveTo(at[0] + cell, at[1] + d);
                g.lineTo(at[0] + d, at[1] + cell);
            }
            g.stroke();
        }
        if (own.has(r * n + c)) {
            g.strokeStyle = '#e66100';
            g.lineWidth = wide ? 2 : 1;
            g.strokeRect(at[0] + 1.5, at[1] + 1.5, cell - 3, cell - 3);
        }
        if (wide && v !== null) {
            g.fillStyle = hue[0] * 0.3 + hue[1] * 0.59 + hue[2] * 0.11 < 140 ? '#fff' : '#1a1a1a';
            g.textAlign = 'center';
            g.fillText(v.toFixed(map.digits), at[0] + cell / 2, at[1] + cell / 2);
        }
    }));
}

function drawNames(g, view, left, top, rows) {
    const map = view.map, cell = map.cell, bottom = top + map.rows.length * cell;
    g.fillStyle = '#000';
    g.textAlign = 'right';
    view.columns.order.forEach((c, x) => {
        g.save();
        g.translate(left + (x + 0.5) * cell, bottom + 6);
        g.rotate(-map.slant * Math.PI / 180);
        g.fillText(map.columns[c], 0, 0);
        g.restore();
    });
    if (rows)
        view.rows.order.forEach((r, y) => g.fillText(map.rows[r], left - 5 - (view.rows.tree ? TREE : 0), top + (y + 0.5) * cell));
}

function drawAxes(g, view, left, top, rows) {
    const map = view.map, high = map.rows.length * map.cell;
    g.textAlign = 'center';
    g.fillText(map.columnTitle, left + map.columns.length * map.cell / 2, top + high + map.below - 9);
    if (!rows)
        return;
    g.save();
    g.translate(14, top + high / 2);
    g.rotate(-Math.PI / 2);
    g.fillText(map.rowTitle, 0, 0);
    g.restore();
}

function drawTitle(g, words, middle, bottom, room) {
    const lines = [''];
    words.split(' ').forEach(word => {
        const longer = lines[lines.length - 1] + (lines[lines.length - 1] && ' ') + word;
        if (g.measureText(longer).width > room && lines[lines.length - 1])
            lines.push(word);
        else
            lines[lines.length - 1] = longer;
    });
    g.textAlign = 'center';
    lines.forEach((line, i) => g.fillText(line, middle, bottom - 16 * (lines.length - 1 - i)));
}

function drawBar(g, view, scale, width) {
    const [x, y, w, h] = view.map.bar, left = x + width - view.map.width, down = view.columns.tree ? TREE : 0;
    for (let i = 0; i < h; i++) {
        g.fillStyle = `rgb(${colourOf(scale.palette, 1 - i / h)})`;
        g.fillRect(left, y + down + i, w, 1.5);
    }
    g.fillStyle = '#000';
    g.textAlign = 'left';
    g.fillText(show(scale.high), left + w + 4, y + down + 4);
    g.fillText(show(scale.low), left + w + 4, y + down + h - 4);
    g.save();
    g.translate(left + w + 40, y + down + h / 2);
    g.rotate(-Math.PI / 2);
    drawTitle(g, scale.title, 0, 0, h);
    g.restore();
}

function draw(view) {
    const lay = view.lay = layOut(view), map = view.map, scale = scaleOf(view), sharp = 2, canvas = view.canvas;
    canvas.width = lay.width * sharp;
    canvas.height = lay.height * sharp;
    canvas.style.setProperty('--width', lay.width + 'px');
    const g = canvas.getContext('2d');
    g.scale(sharp, sharp);
    g.fillStyle = '#fff';
    g.fillRect(0, 0, lay.width, lay.height);
    g.textBaseline = 'middle';
    map.panels.forEach((panel, p) => {
        const [left, top] = lay.place(panel), wide = map.columns.length * map.cell;
        const beside = map.panels.filter(q => q.box[1] === panel.box[1] && q !== panel).map(q => Math.abs(q.box[0] - panel.box[0]));
        g.font = (map.cell > 20 ? 11 : 9) + 'px sans-serif';
        drawCells(g, view, p, left, top, scale);
        drawNames(g, view, left, top, map.panels.every(q => q.box[1] !== panel.box[1] || q.box[0] >= panel.box[0]));
        if (view.rows.tree && panel.box[0] === map.panels[0].box[0])
            drawTree(g, view.rows.tree, map.cell, left, top, false);
        if (view.columns.tree)
            drawTree(g, view.columns.tree, map.cell, left, top, true);
        g.font = '12px sans-serif';
        drawTitle(g, panel.title, left + wide / 2, top - 12 - (view.columns.tree ? TREE : 0),
                  beside.length ? Math.min(...beside) - 12 : lay.width - left);
        g.font = '11px sans-serif';
        drawAxes(g, view, left, top, panel.box[0] === map.panels[0].box[0]);
    });
    g.font = '11px sans-serif';
    drawBar(g, view, scale, lay.width);
}

// --- What a cell or a point tells

const tip = make('div', {id: 'tip', hidden: true});
tip.setAttribute('role', 'status');

function tell(lines, x, y) {
    tip.replaceChildren(...lines.filter(l => l[1] !== undefined && l[1] !== null)
        .map(([name, value]) => make('div', {}, make('span', {textContent: name + ' '}), make('b', {textContent: value}))));
    tip.hidden = false;
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - tip.offsetWidth - 8)) + 'px';
    tip.style.top = Math.max(4, y + tip.offsetHeight + 24 > innerHeight ? y - tip.offsetHeight - 12 : y + 16) + 'px';
}

function cellAt(view, x, y) {
    const map = view.map, cell = map.cell;
    for (let p = 0; p < map.panels.length; p++) {
        const [left, top] = view.shown ? view.lay.place(map.panels[p]) : map.panels[p].box;
        const c = Math.floor((x - left) / cell), r = Math.floor((y - top) / cell);
        if (c >= 0 && r >= 0 && c < map.columns.length && r < map.rows.length)
            return [p, view.rows.order[r], view.columns.order[c]];
    }
    return null;
}

function tellCell(view, x, y) {
    const at = cellAt(view, x, y);
    if (!at)
        return null;
    const [p, r, c] = at, map = view.map, panel = map.panels[p], i = r * map.columns.length + c;
    const twin = view.twin && view.twin[p] && view.twin[p][i], value = panel.value[i];
    const lines = [[panel.task ? 'task' : '', panel.task || panel.title], [map.columnTitle, map.columns[c]], [map.rowTitle, map.rows[r]],
                   [map.scale, show(value)]];
    if (panel.lowEnd)
        lines.push(['95% interval', show(panel.lowEnd[i]) + ' to ' + show(panel.highEnd[i])]);
    if (panel.n)
        lines.push(['n', show(panel.n[r])]);
    if (panel.p && panel.p[i] !== null)
        lines.push(['p', show(panel.p[i])]);
    if (panel.task)
        lines.push(['panel', panel.title]);
    if (panel.missed && panel.missed.includes(c))
        lines.push(['', 'the search did not reach its goal']);
    if (twin !== null && twin !== undefined)
        lines.push(['the other run', show(twin)], ['difference', show(value - twin)]);
    return lines;
}

function tellPoint(figure, x, y) {
    let best = 24, lines = null;
    for (const k of figure.curves) {
        const panel = figure.panels[k.panel], [left, top, width, height] = panel.box;
        for (const [px, value, median, std, least, most, grey, low, high] of k.points) {
            if (px === null || value === null)
                continue;
            const at = [left + (px - panel.x[0]) / (panel.x[1] - panel.x[0]) * width,
                        top + (panel.y[1] - value) / (panel.y[1] - panel.y[0]) * height];
            const far = Math.hypot(at[0] - x, at[1] - y);
            if (far >= best)
                continue;
            best = far;
            lines = [['', k.label], ['', panel.title], [figure.xTitle, show(px)], [figure.yTitle, show(value)],
                     ['95% interval', low === null ? null : show(low) + ' to ' + show(high)],
                     ['± standard deviation', std === null ? null : show(std)], ['median', median === null ? null : show(median)],
                     ['least to most', least === null ? null : show(least) + ' to ' + show(most)],
                     [figure.grey || 'chance', grey === null ? null : show(grey)]];
        }
    }
    return lines;
}

// Of dots in rows: the nearest value, or where the row's mean is nearer, that.
function tellDot(figure, x, y) {
    let best = 18, lines = null;
    const try_at = (p, row, value, words) => {
        const panel = figure.panels[p], [left, top, width, height] = panel.box;
        const far = value === null ? Infinity
            : Math.hypot(left + (value - panel.x[0]) / (panel.x[1] - panel.x[0]) * width - x, top + (row + 0.5) / figure.rows.length * height - y);
        if (far < best) {
            best = far;
            lines = [[figure.rowTitle, figure.rows[row]], ['', panel.title], [panel.xTitle, show(value)], ...words];
        }
    };
    figure.panels.forEach((panel, p) => panel.means.forEach(([value, low, high], row) =>
        try_at(p, row, value, [['bar', low === null ? null : show(low) + ' to ' + show(high)]])));
    for (const [p, row, value, missed, name] of figure.values)
        try_at(p, row, value, [['unlearned', name], ['', missed ? 'the search did not reach its goal' : null]]);
    return lines;
}

function listen(plot, find, width) {
    const hide = () => { tip.hidden = true; };
    const look = e => {
        const picture = [...plot.querySelectorAll(':scope > svg, :scope > canvas')].find(k => k.style.display !== 'none');
        const box = picture && picture.getBoundingClientRect();
        const scale = box && width() / box.width;
        const lines = box && find((e.clientX - box.left) * scale, (e.clientY - box.top) * scale);
        if (lines)
            tell(lines, e.clientX, e.clientY);
        else
            hide();
    };
    plot.addEventListener('pointermove', look);
    plot.addEventListener('pointerdown', look);
    plot.addEventListener('pointerleave', hide);
}

// --- Figures

const views = [];

function choose(label, options, changed) {
    const select = make('select', {}, ...options.map(([value, words]) => make('option', {value, textContent: words})));
    select.addEventListener('change', () => changed(select.value));
    return make('label', {}, label + ' ', select);
}

function update(view) {
    view.shown = !view.svg || view.how.rows !== 'given' || view.how.columns !== 'given' || view.what !== 'mine';
    view.canvas.style.display = view.shown ? '' : 'none';
    if (view.svg)
        view.svg.style.display = view.shown ? 'none' : '';
    if (view.shown)
        draw(view);
}

function order(view) {
    const map = view.map, first = map.panels[0];
    view.rows = arrange(view.how.rows, map.rows, i => row(map, first, i), map.dark);
    view.columns = arrange(view.how.columns, map.columns, i => column(map, first, i), map.dark);
    update(view);
}

function addMap(figure, plot, stem, map) {
    const view = {stem, map, svg: plot.querySelector('svg'), canvas: make('canvas', {}), what: 'mine', twin: null,
                  how: {rows: 'given', columns: 'given'}};
    const orders = [['given', 'as given'], ['name', 'by name'], ['value', 'by value'], ['similarity', 'by similarity']];
    view.bar = make('p', {className: 'controls'},
        choose('Rows', orders, how => { view.how.rows = how; order(view); }),
        choose('Columns', orders, how => { view.how.columns = how; order(view); }));
    view.canvas.style.display = 'none';
    plot.append(view.canvas);
    plot.before(view.bar);
    listen(plot, (x, y) => tellCell(view, x, y), () => view.shown ? view.lay.width : map.width);
    views.push(view);
    order(view);
}

for (const figure of document.querySelectorAll('figure[id]')) {
    const data = mine.figures[figure.id], plot = figure.querySelector('.plot');
    if (!data || !plot)
        continue;
    if (data.kind === 'map')
        addMap(figure, plot, figure.id, data);
    else if (data.kind === 'dots')
        listen(plot, (x, y) => tellDot(data, x, y), () => data.width);
    else
        listen(plot, (x, y) => tellPoint(data, x, y), () => data.width);
}

// Figures that differ in their task alone take turns.
const groups = new Map();
for (const figure of document.querySelectorAll('figure[data-group]')) {
    const list = groups.get(figure.dataset.group) || [];
    list.push(figure);
    groups.set(figure.dataset.group, list);
}
for (const list of groups.values()) {
    if (list.length < 2)
        continue;
    const show = i => list.forEach((figure, k) => figure.classList.toggle('aside', k !== i));
    const pick = choose('Task', list.map((figure, i) => [i, figure.dataset.task]), i => show(+i));
    list[0].before(make('p', {className: 'controls turns'}, pick));
    show(0);
}

// --- Tables

function numberOf(cell) {
    const text = cell.dataset.value || cell.textContent.trim();
    const value = parseFloat(text.replace(/^[^0-9+-]*(?=[+-]?[0-9.])/, ''));
    return /^[<~]?[+-]?[0-9.]/.test(text) ? value : NaN;
}

function sortTable(body, at, sign) {
    const rows = [...body.rows], number = rows.map(r => numberOf(r.cells[at]));
    const all = number.filter(v => !Number.isNaN(v)).length * 2 >= rows.length;
    const order = rows.map((unused, i) => i);
    order.sort((a, b) => {
        if (!all)
            return sign * rows[a].cells[at].textContent.localeCompare(rows[b].cells[at].textContent, undefined, {numeric: true}) || a - b;
        if (Number.isNaN(number[a]) || Number.isNaN(number[b])) // what is no number comes last either way
            return Number.isNaN(number[a]) - Number.isNaN(number[b]) || a - b;
        return sign * (number[a] - number[b]) || a - b;
    });
    body.append(...order.map(i => rows[i]));
}

function addTable(table) {
    const body = table.tBodies[0], heads = table.tHead ? [...table.tHead.rows[0].cells] : [];
    if (!body || !heads.length)
        return;
    heads.forEach((head, i) => {
        const go = () => {
            const up = head.getAttribute('aria-sort') === 'ascending';
            heads.forEach(h => h.removeAttribute('aria-sort'));
            head.setAttribute('aria-sort', up ? 'descending' : 'ascending');
            sortTable(body, i, up ? -1 : 1);
        };
        head.tabIndex = 0;
        head.classList.add('sorts');
        head.addEventListener('click', go);
        head.addEventListener('keydown', e => { if (e.key === 'Enter') go(); });
    });
    if (body.rows.length < 6)
        return;
    const input = make('input', {type: 'search', placeholder: 'filter rows'});
    input.setAttribute('aria-label', 'filter rows');
    input.addEventListener('input', () => {
        const words = input.value.toLowerCase().split(/\s+/);
        for (const r of body.rows)
            r.hidden = !words.every(w => r.textContent.toLowerCase().includes(w));
    });
    table.before(make('p', {className: 'controls'}, input));
}

document.querySelectorAll('table').forEach(addTable);

// --- Another run's report

// The values of a twin's panel in the order of this map's names, null where it has none.
function alignMap(map, twin) {
    if (!twin || twin.kind !== 'map')
        return null;
    const r = map.rows.map(name => twin.rows.indexOf(name)), c = map.columns.map(name => twin.columns.indexOf(name));
    return map.panels.map(panel => {
        const there = twin.panels.find(q => q.title === panel.title);
        return there && r.flatMap(y => c.map(x => y < 0 || x < 0 ? null : there.value[y * twin.columns.length + x]));
    });
}

function compareMap(stem, map, twin) {
    return map.panels.flatMap((panel, p) => {
        if (!twin[p])
            return [];
        const apart = panel.value.map((v, i) => v === null || twin[p][i] === null ? null : v - twin[p][i]);
        let most = -1;
        apart.forEach((v, i) => { if (v !== null && (most < 0 || Math.abs(v) > Math.abs(apart[most]))) most = i; });
        const n = map.columns.length;
        return most < 0 ? [] : [[stem, panel.title, apart.filter(v => v !== null).length, show(mean(apart)), show(apart[most]),
                                 map.columns[most % n] + ', ' + map.rows[Math.floor(most / n)]]];
    });
}

function compareCurves(stem, figure, twin) {
    return figure.curves.flatMap(k => {
        const title = figure.panels[k.panel].title;
        const there = twin.curves.find(q => q.label === k.label && twin.panels[q.panel].title === title);
        const apart = !there ? [] : k.points.flatMap(p => {
            const q = there.points.find(o => o[0] === p[0]);
            return q && p[1] !== null && q[1] !== null ? [[p[1] - q[1], p[0]]] : [];
        });
        const most = apart.reduce((a, b) => Math.abs(b[0]) > Math.abs(a[0]) ? b : a, [0, null]);
        return apart.length ? [[stem, k.label + ', ' + title, apart.length, show(mean(apart.map(a => a[0]))), show(most[0]),
                                most[1] === null ? '' : figure.xTitle + ' ' + show(most[1])]] : [];
    });
}

function compareDots(stem, figure, twin) {
    return figure.panels.flatMap((panel, p) => {
        const q = twin.panels.findIndex(o => o.title === panel.title && o.xTitle === panel.xTitle);
        const apart = q < 0 ? [] : panel.means.flatMap(([value], row) => {
            const there = twin.panels[q].means[twin.rows.indexOf(figure.rows[row])];
            return value !== null && there && there[0] !== null ? [[value - there[0], figure.rows[row]]] : [];
        });
        const most = apart.reduce((a, b) => Math.abs(b[0]) > Math.abs(a[0]) ? b : a, [0, '']);
        return apart.length ? [[stem, panel.title + ', ' + panel.xTitle, apart.length, show(mean(apart.map(a => a[0]))), show(most[0]), most[1]]] : [];
    });
}

function listDifferences() {
    const heads = ['figure', 'panel', 'values', 'mean difference', 'largest', 'at'];
    const lines = Object.entries(mine.figures).flatMap(([stem, figure]) => {
        const twin = other.figures[stem], view = views.find(v => v.stem === stem);
        if (!twin || twin.kind !== figure.kind)
            return [];
        return view ? compareMap(stem, figure, view.twin)
            : (figure.kind === 'dots' ? compareDots : compareCurves)(stem, figure, twin);
    });
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...heads.map(h => make('th', {textContent: h})))),
        make('tbody', {}, ...lines.map(line => make('tr', {}, ...line.map(v => make('td', {textContent: v}))))));
    const box = make('div', {className: 'scroll'}, table);
    document.getElementById('compared').replaceChildren(
        make('p', {textContent: lines.length ? `This run minus ${other.pipeline}, ${other.path}:` : `${other.pipeline} has no figure in common with this run.`}),
        ...(lines.length ? [box] : []));
    addTable(table);
}

function compare(text) {
    const page = new DOMParser().parseFromString(text, 'text/html'), found = page.getElementById('sulcus-data');
    const said = document.getElementById('compared');
    try {
        other = JSON.parse(found.textContent);
    } catch (unused) {
        said.replaceChildren(make('p', {textContent: 'This is no report of sulcus, or one of an earlier version.'}));
        return;
    }
    for (const view of views) {
        view.twin = alignMap(view.map, other.figures[view.stem]);
        view.what = 'mine';
        if (view.chooser)
            view.chooser.remove();
        if (view.twin) {
            view.chooser = choose('Show', [['mine', 'this run'], ['other', 'the other run'], ['difference', 'the difference']],
                                  what => { view.what = what; update(view); });
            view.bar.append(view.chooser);
        }
        update(view);
    }
    listDifferences();
}

const file = document.getElementById('compare');
if (file)
    file.addEventListener('change', () => file.files[0] && file.files[0].text().then(compare));

// --- On paper

const folded = [];
addEventListener('beforeprint', () => document.querySelectorAll('details:not([open])').forEach(d => {
    folded.push(d);
    d.open = true;
}));
addEventListener('afterprint', () => folded.splice(0).forEach(d => { d.open = false; }));

document.body.append(tip);
document.documentElement.classList.add('alive');
})();
