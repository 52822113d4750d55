// The English names of what is drawn, beside its own ones: shown and edited in one input for the selected element.
//
// With `data-shown` on the input the diagram itself shows them: whoever writes on it there changes the English name, and
// the file keeps the own one, which the properties panel has.

import BaseRenderer from 'diagram-js/lib/draw/BaseRenderer';

// Before the renderer of BPMN.
const FIRST = 1500;

// What is called by a name that people read.
function named(modeler) {
  const roots = modeler.getDefinitions()?.rootElements ?? [];
  const processes = roots.filter(({ $type }) => $type === 'bpmn:Process');
  const shown = modeler.get('elementRegistry').getAll().map(({ businessObject }) => businessObject);
  return new Map([...processes, ...shown].filter(each => each?.id && each.name && each.$type !== 'bpmn:Participant')
    .map(({ id, name }) => [id, name]));
}

// Has `act` find the English name of an element where its own one stands.
function inEnglish(names, { businessObject }, act) {
  const english = names.of(businessObject?.id);
  if (!english || !businessObject.name) {
    return act();
  }
  const own = businessObject.name;
  businessObject.name = english;
  try {
    return act();
  } finally {
    businessObject.name = own;
  }
}

// About how wide a letter of a label is, how wide labels of several words are made at most, and what is left beside them.
const LETTER = 7;
const WIDEST = 90;
const MARGIN = 8;

// Draws a label with room for its words, about the middle that it has: it was drawn for other ones.
function widened(names, element, draw) {
  const text = element.labelTarget ? names.of(element.businessObject.id) : '';
  if (!text) {
    return draw();
  }
  const { width } = element;
  const longest = Math.max(...text.split(/\s+/).map(word => word.length)) * LETTER + MARGIN;
  element.width = Math.max(width, longest, Math.min(WIDEST, text.length * LETTER / 2));
  try {
    const drawn = draw();
    drawn?.setAttribute('transform', `translate(${(width - element.width) / 2} 0)`);
    return drawn;
  } finally {
    element.width = width;
  }
}

// A module for bpmn-js that draws elements with the names that `names.of(id)` gives, and has them written there.
export function namesModule(names) {
  class NamesRenderer extends BaseRenderer {
    constructor(eventBus, bpmnRenderer) {
      super(eventBus, FIRST);
      this.canRender = element => Boolean(names.of(element.businessObject?.id)) && bpmnRenderer.canRender(element);
      for (const draw of ['drawShape', 'drawConnection']) {
        this[draw] = (graphics, element, attributes) =>
          inEnglish(names, element, () => widened(names, element, () => bpmnRenderer[draw](graphics, element, attributes)));
      }
      for (const path of ['getShapePath', 'getConnectionPath']) {
        this[path] = element => bpmnRenderer[path](element);
      }
    }
  }
  NamesRenderer.$inject = ['eventBus', 'bpmnRenderer'];

  function writing(commandStack, labelEditingProvider) {
    commandStack.register('english.rename', {
      execute(context) {
        context.before = names.of(context.element.businessObject.id);
        names.set(context.element.businessObject.id, context.name);
        return [context.element];
      },
      revert(context) {
        names.set(context.element.businessObject.id, context.before);
        return [context.element];
      }
    });
    const activate = labelEditingProvider.activate.bind(labelEditingProvider);
    const update = labelEditingProvider.update.bind(labelEditingProvider);
    labelEditingProvider.activate = element => inEnglish(names, element, () => activate(element));
    labelEditingProvider.update = (element, text, ...rest) => {
      if (names.of(element.businessObject?.id) && element.businessObject.name) {
        commandStack.execute('english.rename', { element, name: text.trim() });
      } else {
        update(element, text, ...rest);
      }
    };
  }
  writing.$inject = ['commandStack', 'labelEditingProvider'];

  return { __init__: ['namesRenderer', writing], namesRenderer: ['type', NamesRenderer] };
}

// `changed` is called when something is entered. Without an input nothing is told and nothing entered.
export function englishNames(modeler, input, names, changed) {
  if (!input) {
    return { begin: () => {}, problems: () => [], entered: () => ({}), isChanged: () => false };
  }
  const deployed = JSON.parse(input.dataset.names || '{}');
  const known = { ...deployed };
  let before = new Map();
  let selected = null;

  function show([element]) {
    selected = element?.businessObject?.id ?? null;
    input.disabled = !selected;
    input.value = known[selected] ?? '';
  }
  if ('shown' in input.dataset) {
    names.of = id => known[id] ?? '';
    names.set = (id, name) => {
      known[id] = name;
      if (id === selected) {
        input.value = name;
      }
    };
  }
  modeler.on('selection.changed', ({ newSelection }) => show(newSelection));
  input.addEventListener('input', () => {
    known[selected] = input.value.trim();
    redraw(selected);
    changed();
  });

  function redraw(id) {
    const registry = modeler.get('elementRegistry');
    const shown = [registry.get(id), registry.get(`${id}_label`)].filter(Boolean);
    modeler.get('eventBus').fire('elements.changed', { elements: shown });
  }

  const entered = () => Object.fromEntries(Object.entries(known).filter(([id, name]) => name !== (deployed[id] ?? '')));

  function problem(id, name) {
    const wasRenamed = before.has(id) && before.get(id) !== name && known[id] === deployed[id];
    const text = !known[id] ? input.dataset.missing : wasRenamed ? input.dataset.stale : '';
    return text && { element_id: id, level: 'warning', message: text.replace('{name}', name).replace('{english}', known[id]) };
  }

  return {
    begin() {
      before = named(modeler);
      show([]);
    },
    problems: () => Object.keys(known).length
      ? [...named(modeler)].map(([id, name]) => problem(id, name)).filter(Boolean)
      : [],
    entered,
    isChanged: () => Object.keys(entered()).length > 0
  };
}
