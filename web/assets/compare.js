// Two diagrams side by side, moved and zoomed together, with what differs marked on both.
//
// <div data-compare>
//   <button data-compare-filter="all | meaning | layout"> <button data-compare-step="1 | -1">
//   <span data-compare-place data-text="{number} of {count}"></span>
//   <button data-compare-turn> <button data-compare-view="fit | in | out">
//   <div data-compare-sides><div data-compare-side="before | after" data-url="…" data-failed="…"></div> …</div>
//   <textarea data-compare-draft hidden>BPMN XML of the newer side, where it has no address</textarea>
//   <li data-difference data-kind="added | removed | changed | moved" data-number="1" data-id="…" data-was="…">
//     <button>…</button></li>
// </div>
//
// `data-compare-script` is what is only there with this script. `data-id` is the element in the newer diagram, `data-was`
// the one in the older. A click on a difference brings both diagrams to it; j and k go on and back.

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

import './compare.css';

const SIGNS = { added: '+', removed: '−', changed: '≠', moved: '↔' };
const STEP = 40;
const NEAR = 1;
// What is wider than this times its height is compared one above the other.
const WIDE = 1.5;
const VIEWS = {
  fit: viewer => viewer.get('canvas').zoom('fit-viewport', 'auto'),
  in: viewer => viewer.get('canvas').zoom(viewer.get('canvas').zoom() * 1.3),
  out: viewer => viewer.get('canvas').zoom(viewer.get('canvas').zoom() / 1.3)
};
const KEYS = {
  ArrowLeft: viewer => viewer.get('canvas').scroll({ dx: STEP, dy: 0 }),
  ArrowRight: viewer => viewer.get('canvas').scroll({ dx: -STEP, dy: 0 }),
  ArrowUp: viewer => viewer.get('canvas').scroll({ dx: 0, dy: STEP }),
  ArrowDown: viewer => viewer.get('canvas').scroll({ dx: 0, dy: -STEP }),
  '+': VIEWS.in,
  '=': VIEWS.in,
  '-': VIEWS.out,
  0: VIEWS.fit
};

async function drawn(container, draft) {
  const viewer = new NavigatedViewer({ container });
  try {
    const { url } = container.dataset;
    const response = url && await fetch(url, { credentials: 'same-origin' });
    if (response && !response.ok) {
      throw new Error(`Expected ${url} to answer, but found status ${response.status}`);
    }
    await viewer.importXML(response ? await response.text() : draft.value);
    return viewer;
  } catch {
    viewer.destroy();
    container.textContent = container.dataset.failed;
    container.dataset.failed = 'true';
    return null;
  }
}

function badge(kind, number, choose) {
  const element = document.createElement('button');
  element.type = 'button';
  element.tabIndex = -1;
  element.className = 'compare-badge';
  element.dataset.kind = kind;
  element.textContent = `${SIGNS[kind]} ${number}`;
  element.addEventListener('click', choose);
  return element;
}

// Moves the other diagram as the one that somebody moves; both stay as far apart as they were.
function together(viewers) {
  let isFollowing = false;
  const places = viewers.map(viewer => viewer.get('canvas').viewbox());
  viewers.forEach((viewer, number) => viewer.on('canvas.viewbox.changed', ({ viewbox }) => {
    const other = viewers[1 - number];
    const before = places[number];
    places[number] = viewbox;
    if (isFollowing || !other || !Number.isFinite(viewbox.scale)) {
      return;
    }
    const canvas = other.get('canvas');
    const theirs = canvas.viewbox();
    isFollowing = true;
    canvas.viewbox({
      x: theirs.x + viewbox.x - before.x,
      y: theirs.y + viewbox.y - before.y,
      width: theirs.outer.width / viewbox.scale,
      height: theirs.outer.height / viewbox.scale
    });
    isFollowing = false;
    places[1 - number] = canvas.viewbox();
  }));
  // What is done to both at once: neither follows.
  return act => {
    isFollowing = true;
    act();
    isFollowing = false;
    viewers.forEach((viewer, number) => { places[number] = viewer.get('canvas').viewbox(); });
  };
}

function middle(viewer, id) {
  const element = viewer.get('elementRegistry').get(id);
  if (!element) {
    return null;
  }
  const canvas = viewer.get('canvas');
  const root = canvas.findRoot(element);
  if (root && root !== canvas.getRootElement()) {
    canvas.setRootElement(root);
  }
  const points = element.waypoints;
  if (points) {
    const xs = points.map(({ x }) => x);
    const ys = points.map(({ y }) => y);
    return { x: (Math.min(...xs) + Math.max(...xs)) / 2, y: (Math.min(...ys) + Math.max(...ys)) / 2 };
  }
  return { x: element.x + element.width / 2, y: element.y + element.height / 2 };
}

function centre(viewer, { x, y }, scale) {
  const canvas = viewer.get('canvas');
  const { outer } = canvas.viewbox();
  const [width, height] = [outer.width / scale, outer.height / scale];
  canvas.viewbox({ x: x - width / 2, y: y - height / 2, width, height });
}

async function start(root) {
  const part = name => root.querySelector(`[data-compare-${name}]`);
  const rows = [...root.querySelectorAll('[data-difference][data-id]')];
  for (const scripted of root.querySelectorAll('[data-compare-script]')) {
    scripted.hidden = false;
  }
  const containers = [...root.querySelectorAll('[data-compare-side]')];
  const both = await Promise.all(containers.map(container => drawn(container, part('draft'))));
  const viewers = both.filter(Boolean);
  const [before, after] = both;
  const sides = part('sides');
  const boxes = viewers.map(viewer => viewer.get('canvas').viewbox().inner);
  const isWide = boxes.some(({ width, height }) => width > height * WIDE);

  function turn(isSideBySide) {
    sides.classList.toggle('is-stacked', !isSideBySide);
    part('turn')?.setAttribute('aria-pressed', String(isSideBySide));
    viewers.forEach(viewer => viewer.get('canvas').resized());
  }
  turn(!isWide);
  const atOnce = together(viewers);
  const view = name => sides.clientWidth && atOnce(() => {
    viewers.forEach(VIEWS[name]);
    // The smaller of two scales shows the whole of both.
    const scale = Math.min(...viewers.map(viewer => viewer.get('canvas').zoom()));
    if (Number.isFinite(scale)) {
      viewers.forEach(viewer => viewer.get('canvas').zoom(scale, name === 'fit' ? 'auto' : undefined));
    }
  });
  view('fit');

  function select(row) {
    for (const each of rows) {
      each.classList.toggle('is-current', each === row);
      each.querySelector('button').setAttribute('aria-pressed', String(each === row));
    }
    const moved = row.closest('details');
    if (moved) {
      moved.open = true;
    }
    const list = row.closest('.compare-list');
    if (list.scrollHeight > list.clientHeight) {
      row.scrollIntoView({ block: 'nearest' });
    }
    const shown = rows.filter(each => !each.hidden);
    const place = part('place');
    place.textContent = place.dataset.text.replace('{number}', shown.indexOf(row) + 1).replace('{count}', shown.length);
    const ids = new Map([[before, row.dataset.was], [after, row.dataset.id]]);
    atOnce(() => {
      const found = new Map(viewers.map(viewer => [viewer, middle(viewer, ids.get(viewer))]));
      const any = [...found.values()].find(Boolean);
      const scale = Math.max(NEAR, ...viewers.map(viewer => viewer.get('canvas').zoom()));
      for (const viewer of viewers) {
        const canvas = viewer.get('canvas');
        viewer.get('elementRegistry').forEach(element => canvas.removeMarker(element, 'compare-current'));
        if (found.get(viewer)) {
          canvas.addMarker(ids.get(viewer), 'compare-current');
        }
        // Where it is not there, the same place is shown.
        if (any) {
          centre(viewer, found.get(viewer) ?? any, scale);
        }
      }
    });
  }

  for (const row of rows) {
    const { kind, number, id, was } = row.dataset;
    for (const [viewer, element] of [[before, was], [after, id]]) {
      if (viewer?.get('elementRegistry').get(element) && !(viewer === before ? kind === 'added' : kind === 'removed')) {
        viewer.get('canvas').addMarker(element, `compare-${kind}`);
        const shape = viewer.get('elementRegistry').get(element);
        if (!shape.waypoints || kind !== 'moved') {
          const isSmall = shape.width < 60;
          const position = shape.waypoints ? { top: -10, left: 0 } : isSmall ? { top: -18, left: -16 } : { top: -14, right: 14 };
          viewer.get('overlays').add(element, 'difference', { position, html: badge(kind, number, () => select(row)) });
        }
      }
    }
    row.querySelector('button').addEventListener('click', () => select(row));
  }
  viewers.forEach(viewer => viewer.on('element.click', ({ element }) => {
    const side = viewer === before ? 'was' : 'id';
    const row = rows.find(each => !each.hidden && each.dataset[side] === element.id);
    if (row) {
      select(row);
    }
  }));

  function step(by) {
    const shown = rows.filter(row => !row.hidden);
    const at = shown.findIndex(row => row.classList.contains('is-current'));
    const next = shown[at < 0 ? (by > 0 ? 0 : shown.length - 1) : (at + by + shown.length) % shown.length];
    if (next) {
      select(next);
      next.querySelector('button').focus({ preventScroll: true });
    }
  }

  function filter(wanted) {
    const isShown = kind => wanted === 'all' || (wanted === 'layout') === (kind === 'moved');
    for (const row of root.querySelectorAll('[data-difference]')) {
      row.hidden = !isShown(row.dataset.kind);
    }
    for (const moved of root.querySelectorAll('.difference-moved')) {
      moved.hidden = wanted === 'meaning';
      moved.open = moved.open || wanted === 'layout';
    }
    for (const file of root.querySelectorAll('[data-compared-file]')) {
      file.hidden = !isShown(file.dataset.kind ?? '');
    }
    for (const button of root.querySelectorAll('[data-compare-filter]')) {
      button.setAttribute('aria-pressed', String(button.dataset.compareFilter === wanted));
    }
    viewers.forEach(viewer => {
      viewer.get('canvas').getContainer().dataset.filter = wanted;
    });
  }

  root.addEventListener('click', ({ target }) => {
    const button = target.closest('button');
    const { compareStep, compareView, compareFilter } = button?.dataset ?? {};
    if (compareStep) {
      step(Number(compareStep));
    } else if (compareView) {
      view(compareView);
    } else if (compareFilter) {
      filter(compareFilter);
    } else if (button && button === part('turn')) {
      turn(sides.classList.contains('is-stacked'));
      view('fit');
    }
  });
  document.addEventListener('keydown', event => {
    const isTyping = event.target.closest?.('input, textarea, select');
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const by = { j: 1, k: -1 }[event.key];
    const side = containers.indexOf(event.target);
    if (by) {
      step(by);
    } else if (side >= 0 && both[side] && KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key](both[side]);
    }
  });
  let width = sides.clientWidth;
  new ResizeObserver(() => {
    viewers.forEach(viewer => viewer.get('canvas').resized());
    if (sides.clientWidth !== width) {
      width = sides.clientWidth;
      view('fit');
    }
  }).observe(sides);
  root.dataset.compare = 'ready';
  return { viewers };
}

// For browser tests; nothing on the page depends on it.
window.comparisons = Promise.all([...document.querySelectorAll('[data-compare]')].filter(root => root.querySelector('[data-compare-sides]')).map(start));
