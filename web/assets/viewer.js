// Shows a diagram and the path taken through it.
//
// <div data-diagram-url="…" data-path-url="…" data-message-failed="…" tabindex="0" role="group" aria-label="…"></div>
//
// `data-diagram-url` answers BPMN XML. `data-path-url` (optional) answers JSON:
//   {"elements": {"<element id>": {"state": "visited" | "active" | "incident", "count": 2, "title": "…"}},
//    "flows": ["<sequence flow id>", …]}
// A click on an element sends the event `diagram:element` with its id. `data-highlight-element="<id>"` on any
// other part of the page points at an element; `data-diagram-view="in | out | fit | active | full"` on a button in the
// same <details> changes what is seen: `full` gives it the whole window, until Escape. What happens inside a collapsed
// sub-process is marked on its shape too. With `data-diagram-whole` the whole diagram is shown at first, however small.
// Keys: + and - zoom, 0 fits, arrows move.

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

import './viewer.css';

const STEP = 40;
// Below the first, texts cannot be read; then what is alive is shown with the second instead of the whole diagram.
const READABLE = 0.85;
const NEAR = 1;
const MARGIN = 20;
// What counts more on the shape of a sub-process that is collapsed.
const WEIGHTS = { visited: 1, active: 2, incident: 3 };
const VIEWS = {
  in: canvas => canvas.zoom(canvas.zoom() * 1.3),
  out: canvas => canvas.zoom(canvas.zoom() / 1.3),
  fit: canvas => canvas.zoom('fit-viewport', 'auto')
};
const KEYS = {
  ArrowLeft: canvas => canvas.scroll({ dx: STEP, dy: 0 }),
  ArrowRight: canvas => canvas.scroll({ dx: -STEP, dy: 0 }),
  ArrowUp: canvas => canvas.scroll({ dx: 0, dy: STEP }),
  ArrowDown: canvas => canvas.scroll({ dx: 0, dy: -STEP }),
  '+': VIEWS.in,
  '=': VIEWS.in,
  '-': VIEWS.out,
  0: VIEWS.fit
};

async function fetched(url, read) {
  const response = await fetch(url, { credentials: 'same-origin' });
  if (!response.ok) {
    throw new Error(`Expected ${url} to answer, but found status ${response.status}`);
  }
  return response[read]();
}

function mark(viewer, path) {
  const canvas = viewer.get('canvas');
  const overlays = viewer.get('overlays');
  const registry = viewer.get('elementRegistry');

  for (const id of path.flows ?? []) {
    if (registry.get(id)) {
      canvas.addMarker(id, 'path-visited');
    }
  }
  for (const [id, { state, count, title }] of Object.entries(path.elements ?? {})) {
    if (!registry.get(id)) {
      continue;
    }
    canvas.addMarker(id, `path-${state}`);
    if (count > 1 || state !== 'visited') {
      overlays.add(id, 'path', { position: { top: -12, right: 16 }, html: badge(state, count, title) });
    }
  }
}

// Gives collapsed sub-processes the strongest state of what they hold: nobody sees the inside.
function withCollapsed(viewer, path) {
  const registry = viewer.get('elementRegistry');
  const elements = { ...path.elements };
  for (const process of viewer.getDefinitions().rootElements) {
    raise(process, []);
  }
  return { ...path, elements };

  function raise(container, around) {
    for (const element of container.flowElements ?? []) {
      const found = path.elements?.[element.id];
      for (const id of found ? around : []) {
        const known = elements[id];
        if (!known || WEIGHTS[found.state] > WEIGHTS[known.state]) {
          elements[id] = { count: 1, ...known, state: found.state, title: found.title };
        }
      }
      raise(element, registry.get(element.id)?.collapsed ? [...around, element.id] : around);
    }
  }
}

// The whole window for the card of a diagram, until Escape or the same button again.
function toggleFull(card, button) {
  const isFull = card.classList.toggle('is-full');
  button.setAttribute('aria-pressed', String(isFull));
  document.body.classList.toggle('has-full', isFull);
}

function badge(state, count, title) {
  const element = document.createElement('div');
  element.className = 'path-badge';
  element.dataset.state = state;
  element.textContent = count ?? 1;
  element.title = title ?? '';
  return element;
}

// Brings what is alive into the middle, large enough to be read; the whole diagram where nothing is.
function showActive(viewer, path) {
  const canvas = viewer.get('canvas');
  const registry = viewer.get('elementRegistry');
  const alive = Object.entries(path.elements ?? {})
    .filter(([id, { state }]) => state !== 'visited' && registry.get(id)?.width)
    .map(([id]) => registry.get(id))
    .sort((one, other) => one.width * one.height - other.width * other.height);
  if (!alive.length) {
    VIEWS.fit(canvas);
    return;
  }
  const { inner, outer } = canvas.viewbox();
  const [width, height] = [outer.width / NEAR, outer.height / NEAR];
  const [{ x, y, width: across, height: down }] = alive;
  canvas.viewbox({
    x: within(x + across / 2 - width / 2, inner.x, inner.width - width),
    y: within(y + down / 2 - height / 2, inner.y, inner.height - height),
    width,
    height
  });
}

// As near as what there is to see allows: no more than a margin of it is empty.
function within(wanted, from, room) {
  return Math.max(from - MARGIN, Math.min(wanted, from + Math.max(room, 0) + MARGIN));
}

function look(viewer, path, whole) {
  const canvas = viewer.get('canvas');
  VIEWS.fit(canvas);
  if (canvas.zoom() < READABLE && !whole) {
    showActive(viewer, path);
  }
}

function listen(container, viewer, path) {
  const canvas = viewer.get('canvas');
  let looked = container.clientWidth > 0;
  if (looked) {
    look(viewer, path, 'diagramWhole' in container.dataset);
  }
  const card = container.closest('details');
  card?.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-diagram-view]');
    const view = button?.dataset.diagramView;
    if (view === 'full') {
      toggleFull(card, button);
      canvas.resized();
      look(viewer, path, 'diagramWhole' in container.dataset);
    } else if (view) {
      view === 'active' ? showActive(viewer, path) : VIEWS[view](canvas);
    }
  });
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && card?.classList.contains('is-full')) {
      card.querySelector('[data-diagram-view="full"]').click();
    }
  });

  container.addEventListener('keydown', event => {
    const action = KEYS[event.key];
    if (action && event.target === container && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      action(canvas);
    }
  });
  viewer.on('element.click', ({ element }) => {
    container.dispatchEvent(new CustomEvent('diagram:element', { bubbles: true, detail: element.id }));
  });
  new ResizeObserver(() => {
    canvas.resized();
    // What was folded away had no size to fit into.
    if (!looked && container.clientWidth) {
      looked = true;
      look(viewer, path, 'diagramWhole' in container.dataset);
    }
  }).observe(container);
}

function pointAt(viewer, id) {
  const canvas = viewer.get('canvas');
  for (const element of viewer.get('elementRegistry').getAll()) {
    canvas.removeMarker(element, 'path-highlighted');
  }
  if (viewer.get('elementRegistry').get(id)) {
    canvas.addMarker(id, 'path-highlighted');
    canvas.scrollToElement(id);
  }
}

async function show(container) {
  const viewer = new NavigatedViewer({ container });
  let path;
  try {
    const [xml, found] = await Promise.all([
      fetched(container.dataset.diagramUrl, 'text'),
      container.dataset.pathUrl ? fetched(container.dataset.pathUrl, 'json') : {}
    ]);
    await viewer.importXML(xml);
    path = withCollapsed(viewer, found);
    mark(viewer, path);
  } catch (error) {
    viewer.destroy();
    container.textContent = container.dataset.messageFailed ?? error.message;
    container.dataset.diagram = 'failed';
    return;
  }
  listen(container, viewer, path);
  document.addEventListener('click', ({ target }) => {
    const pointer = target.closest?.('[data-highlight-element]');
    if (pointer) {
      pointAt(viewer, pointer.dataset.highlightElement);
    }
  });
  container.dataset.diagram = 'ready';
}

document.querySelectorAll('[data-diagram-url]:not([data-modeler])').forEach(show);
