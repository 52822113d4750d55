// Shows a diagram and the path taken through it.
//
// <div data-diagram-url="…" data-path-url="…" data-message-failed="…" tabindex="0" role="group" aria-label="…"></div>
//
// `data-diagram-url` answers BPMN XML; `#<id>` is an element of the page whose text it is. `data-path-url` (optional) answers JSON:
//   {"elements": {"<element id>": {"state": "visited" | "active" | "incident" | "unreached", "count": 2, "title": "…",
//                                  "work": true, "called": [<number of a process instance>, …]}},
//    "flows": ["<sequence flow id>", …]}
// A click on an element sends the event `diagram:element` with its id. `data-highlight-element="<id>"` on any
// other part of the page points at an element; `data-diagram-view="in | out | fit | active | full | back"` on a button in
// the same <details> changes what is seen: `full` gives it the whole window, until Escape. What happens inside a collapsed
// sub-process is marked on its shape too. With `data-diagram-whole` the whole diagram is shown at first, however small.
// A <select data-diagram-of> in the same <details> chooses among several diagrams: the value of an option is the number
// of a process instance, `data-parent` that of who called it, and it has the two addresses. What an element has called
// is opened by a button on it (`data-label-open`), and left by `back`; `data-highlight-instance` chooses before it points.
// What is chosen is said in full in `data-diagram-chosen`.
// Keys: + and - zoom, 0 fits, arrows move; a finger moves to the sides, in the whole window everywhere, two zoom.

import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

import './viewer.css';

const STEP = 40;
// Below the first, texts cannot be read; then what is alive is shown with the second instead of the whole diagram.
const READABLE = 0.95;
const NEAR = 1;
const MARGIN = 20;
// What the marker of an activity takes of its height.
const MARKER = 21;
// What counts more on the shape of a sub-process that is collapsed.
const WEIGHTS = { unreached: 0, visited: 1, active: 2, incident: 3 };
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
  if (url.startsWith('#')) {
    const { textContent } = document.querySelector(url);
    return read === 'json' ? JSON.parse(textContent) : textContent;
  }
  const response = await fetch(url, { credentials: 'same-origin' });
  if (!response.ok) {
    throw new Error(`Expected ${url} to answer, but found status ${response.status}`);
  }
  return response[read]();
}

function mark(viewer, path, opener) {
  const canvas = viewer.get('canvas');
  const overlays = viewer.get('overlays');
  const registry = viewer.get('elementRegistry');

  for (const id of path.flows ?? []) {
    if (registry.get(id)) {
      canvas.addMarker(id, 'path-visited');
    }
  }
  for (const [id, { state, count, title, called }] of Object.entries(path.elements ?? {})) {
    if (!registry.get(id)) {
      continue;
    }
    canvas.addMarker(id, `path-${state}`);
    if (count > 1 || state !== 'visited') {
      overlays.add(id, 'path', { position: { top: -12, right: 16 }, html: badge(state, count, title) });
    }
    if (called && opener) {
      overlays.add(id, 'path', { position: { bottom: 12, right: 48 }, html: opener(called) });
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
    .map(([id, { state, work }]) => ({ ...box(registry.get(id)), rank: state === 'incident' ? 0 : work ? 1 : 2 }))
    .sort((one, other) => one.rank - other.rank || one.width * one.height - other.width * other.height);
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

function box({ x, y, width, height }) {
  return { x, y, width, height };
}

// As near as what there is to see allows: no more than a margin of it is empty.
function within(wanted, from, room) {
  return Math.max(from - MARGIN, Math.min(wanted, from + Math.max(room, 0) + MARGIN));
}

// Moves the names of activities up that have a marker beneath, which long ones would run into.
function lift(viewer) {
  for (const element of viewer.get('elementRegistry').filter(hasMarker)) {
    const name = viewer.get('elementRegistry').getGraphics(element).querySelector('.djs-visual > .djs-label');
    const { y, height } = name?.getBBox() ?? { y: 0, height: 0 };
    const under = y + height - (element.height - MARKER);
    if (under > 0) {
      name.setAttribute('transform', `translate(0 ${-Math.min(under, Math.max(y - 1, 0))})`);
    }
  }
}

function hasMarker({ businessObject, collapsed, height }) {
  const { $type, loopCharacteristics, isForCompensation } = businessObject ?? {};
  return height && ($type === 'bpmn:CallActivity' || collapsed || loopCharacteristics || isForCompensation);
}

function look(viewer, path, whole) {
  const canvas = viewer.get('canvas');
  lift(viewer);
  VIEWS.fit(canvas);
  if (canvas.zoom() < READABLE && !whole) {
    showActive(viewer, path);
  }
}

// Listens to keys, fingers and buttons; `shown` holds what is seen: {viewer, path}.
function listen(container, shown) {
  const { viewer } = shown;
  const canvas = viewer.get('canvas');
  const place = () => {
    const { x, y, scale } = canvas.viewbox();
    return `${x} ${y} ${scale}`;
  };
  let settled;
  const first = () => {
    look(viewer, shown.path, 'diagramWhole' in container.dataset);
    settled = place();
  };
  let width = container.clientWidth;
  let looked = width > 0;
  if (looked) {
    first();
  }
  const card = container.closest('details');
  card?.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-diagram-view]');
    const view = button?.dataset.diagramView;
    if (view === 'full') {
      toggleFull(card, button);
      canvas.resized();
      first();
    } else if (view === 'active') {
      showActive(viewer, shown.path);
    } else if (view in VIEWS) {
      VIEWS[view](canvas);
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
  followFingers(container, canvas);
  viewer.on('element.click', ({ element }) => {
    container.dispatchEvent(new CustomEvent('diagram:element', { bubbles: true, detail: element.id }));
  });
  new ResizeObserver(() => {
    const untouched = place() === settled;
    canvas.resized();
    // What was folded away had no size to fit into; and where nobody has moved it, it fits a phone that was turned.
    if (container.clientWidth && (!looked || (untouched && container.clientWidth !== width))) {
      looked = true;
      first();
    }
    width = container.clientWidth;
  }).observe(container);
}

// A finger moves what is seen, two zoom; up and down only in the whole window, since the page itself must scroll too.
function followFingers(container, canvas) {
  const fingers = new Map();
  const spread = () => {
    const [one, other] = [...fingers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };
  container.addEventListener('pointerdown', ({ pointerType, pointerId, clientX: x, clientY: y }) => {
    if (pointerType === 'touch') {
      fingers.set(pointerId, { x, y });
    }
  });
  container.addEventListener('pointermove', ({ pointerId, clientX: x, clientY: y }) => {
    const before = fingers.get(pointerId);
    if (!before) {
      return;
    }
    const wide = fingers.size === 2 && spread();
    fingers.set(pointerId, { x, y });
    if (wide) {
      canvas.zoom(canvas.zoom() * spread() / wide);
    } else {
      const isFull = Boolean(container.closest('.is-full'));
      canvas.scroll({ dx: x - before.x, dy: isFull ? y - before.y : 0 });
    }
  });
  for (const end of ['pointerup', 'pointercancel', 'pointerleave']) {
    container.addEventListener(end, ({ pointerId }) => fingers.delete(pointerId));
  }
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

// A button on an element that leads to what it has called: the newest, or the one that is alive.
function openerOf(container, choose) {
  return called => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'path-open';
    button.textContent = container.dataset.labelOpen;
    button.addEventListener('click', event => {
      event.stopPropagation();
      choose(String(called.at(-1)));
    });
    return button;
  };
}

// Has the reader choose among the diagrams of the page; answers how to choose one.
function chooser(container, load) {
  const card = container.closest('details');
  const choice = card?.querySelector('[data-diagram-of]');
  if (!choice) {
    return null;
  }
  const back = card.querySelector('[data-diagram-view="back"]');
  const chosen = card.querySelector('[data-diagram-chosen]');
  const open = () => {
    const { diagramUrl, pathUrl, parent } = choice.selectedOptions[0].dataset;
    back.hidden = !parent;
    chosen.textContent = choice.selectedOptions[0].textContent;
    return load(diagramUrl, pathUrl);
  };
  const choose = number => {
    if (choice.value === number || ![...choice.options].some(({ value }) => value === number)) {
      return Promise.resolve();
    }
    choice.value = number;
    return open();
  };
  choice.addEventListener('change', open);
  back.addEventListener('click', () => choose(choice.selectedOptions[0].dataset.parent));
  return choose;
}

async function show(container) {
  const viewer = new NavigatedViewer({ container });
  const shown = { viewer, path: {} };
  const choose = chooser(container, (diagramUrl, pathUrl) => load(diagramUrl, pathUrl).then(
    () => look(viewer, shown.path, false), fail
  ));

  async function load(diagramUrl, pathUrl) {
    const [xml, found] = await Promise.all([fetched(diagramUrl, 'text'), pathUrl ? fetched(pathUrl, 'json') : {}]);
    await viewer.importXML(xml);
    shown.path = withCollapsed(viewer, found);
    mark(viewer, shown.path, choose && openerOf(container, choose));
  }

  function fail(error) {
    viewer.destroy();
    container.textContent = container.dataset.messageFailed ?? error.message;
    container.dataset.diagram = 'failed';
  }

  try {
    await load(container.dataset.diagramUrl, container.dataset.pathUrl);
  } catch (error) {
    fail(error);
    return;
  }
  listen(container, shown);
  document.addEventListener('click', async ({ target }) => {
    const pointer = target.closest?.('[data-highlight-element]');
    if (pointer) {
      const { highlightInstance: number, highlightElement: id } = pointer.dataset;
      await (number && choose?.(number));
      pointAt(viewer, id);
    }
  });
  container.dataset.diagram = 'ready';
}

document.querySelectorAll('[data-diagram-url]:not([data-modeler], option)').forEach(show);
