// The English names of what is drawn, beside its own ones: shown and edited in one input for the selected element.

// What is called by a name that people read.
function named(modeler) {
  const roots = modeler.getDefinitions()?.rootElements ?? [];
  const processes = roots.filter(({ $type }) => $type === 'bpmn:Process');
  const shown = modeler.get('elementRegistry').getAll().map(({ businessObject }) => businessObject);
  return new Map([...processes, ...shown].filter(each => each?.id && each.name && each.$type !== 'bpmn:Participant')
    .map(({ id, name }) => [id, name]));
}

// `changed` is called when something is entered. Without an input nothing is told and nothing entered.
export function englishNames(modeler, input, changed) {
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
  modeler.on('selection.changed', ({ newSelection }) => show(newSelection));
  input.addEventListener('input', () => {
    known[selected] = input.value.trim();
    changed();
  });

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
