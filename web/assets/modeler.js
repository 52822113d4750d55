// The editor of a definition.
//
// <div data-modeler data-diagram-url="…" data-deploy-url="…" data-resource-name="complaint.bpmn">
//   <div data-modeler-canvas></div> <div data-modeler-properties></div>
//   <button data-modeler-action="deploy | compare | rehearse | download | import | undo | redo | fit">…</button>
//   <dialog data-modeler-purpose><form method="dialog"><p data-modeler-question></p><textarea name="what | why">
//     <button value="deploy | ">…</button></form></dialog>
//   <form data-modeler-compare target="_blank"><input name="english"> <input name="diagram" type="file"></form>
//   <form data-modeler-rehearse target="_blank">the same</form>
//   <p data-modeler-status role="status" data-deployed="…" data-failed="…" data-unsaved="…" data-unchanged="…"
//      data-older="…"></p>
//   <p data-modeler-count data-none="…" data-some="… {errors} … {warnings}"></p>
//   <ul data-modeler-problems></ul>
//   <input data-modeler-english data-names="…" data-stale="… {name}" data-missing="… {name}">
// </div>
//
// Without `data-diagram-url` a new diagram is begun. `deploy` posts {"name": …, "xml": …, "newest": data-newest} as JSON
// with the CSRF token of <meta name="csrf-token">; before, it asks for what changes and why, in the
// words of `data-older` or `data-confirm`, and posts both as `what` and `why`. With `data-check-url` every
// change is sent there and what is wrong stands at its elements: {"problems": […], "deployable": true}; what is not
// deployable cannot be deployed. The answer is JSON too: {"location": "<url to go to>"}, or with a status of 400 and above
// {"message": "…", "problems": [{"element_id": "…", "message": "…"}]}; each problem becomes a link to its element.
//
// The input has the English name of the selected element: `data-names` are those that are deployed, by element id. Where
// there are any, an element that has none, or was renamed without its English, is told of like a warning. What was entered
// is posted with the diagram as `english`.

import Modeler from 'camunda-bpmn-js/lib/camunda-platform/Modeler';
import lintModule from 'bpmn-js-bpmnlint';

import bpmnlint from './.bpmnlintrc';
import { englishNames, namesModule } from './english.js';
import './modeler.css';
import translateModule, { missing } from './translate.js';

function start(root) {
  const part = name => root.querySelector(`[data-modeler-${name}]`);
  const status = part('status');

  const names = { of: () => '', set: () => {} };
  const modeler = new Modeler({
    container: part('canvas'),
    propertiesPanel: { parent: part('properties') },
    additionalModules: [lintModule, translateModule(document.documentElement.lang), namesModule(names)],
    linting: { bpmnlint, active: true }
  });
  const english = englishNames(modeler, part('english'), names, () => {
    changed = true;
    listProblems(found);
  });
  let found = [];
  let linted = [];
  let changed = false;
  let opened = '';
  let checks = 0;
  // Whether the rules of the deployment accept what is drawn, and how many errors the linter marks in it.
  let fits = true;
  let marked = 0;
  let waiting;

  function tell(text, state = '') {
    status.textContent = text;
    status.dataset.state = state;
  }

  // One list and one count of what the deployment, the linter and the names in English have to say.
  function listProblems(told) {
    found = told;
    const own = [...told, ...english.problems()];
    const problems = [...own, ...linted];
    const overlays = modeler.get('overlays');
    overlays.remove({ type: 'problem' });
    for (const { element_id: id, message, level } of own) {
      if (modeler.get('elementRegistry').get(id)) {
        overlays.add(id, 'problem', { position: { top: -10, left: -10 }, html: flag(message, level) });
      }
    }
    const count = part('count');
    const warnings = problems.filter(({ level }) => level === 'warning').length;
    count.dataset.state = problems.length ? warnings < problems.length ? 'errors' : 'warnings' : 'none';
    count.textContent = problems.length
      ? count.dataset.some.replace('{errors}', problems.length - warnings).replace('{warnings}', warnings)
      : count.dataset.none;
    part('problems').replaceChildren(...problems.map(({ element_id: id, message, level }) => {
      const item = document.createElement('li');
      item.dataset.level = level ?? 'error';
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = message;
      button.addEventListener('click', () => select(id));
      item.append(button);
      return item;
    }));
  }

  function nameOf(id) {
    const { businessObject } = modeler.get('elementRegistry').get(id) ?? {};
    return names.of(id) || businessObject?.name || id;
  }

  function flag(message, level) {
    const mark = document.createElement('div');
    mark.className = 'problem-flag';
    mark.dataset.level = level ?? 'error';
    mark.textContent = '!';
    mark.title = message;
    return mark;
  }

  function select(id) {
    const element = modeler.get('elementRegistry').get(id);
    if (element) {
      modeler.get('selection').select(element);
      modeler.get('canvas').scrollToElement(element);
    }
  }

  async function open(xml) {
    const { warnings } = xml ? await modeler.importXML(xml) : await modeler.createDiagram();
    modeler.get('canvas').zoom('fit-viewport', 'auto');
    english.begin();
    listProblems(warnings.map(({ message, element }) => ({ message, element_id: element?.id })));
    changed = false;
    opened = (await modeler.saveXML({ format: true })).xml;
    root.dataset.modeler = 'ready';
    check();
  }

  function fail(error) {
    tell(`${status.dataset.failed} ${error.message}`, 'failed');
  }

  function post(url, content) {
    return fetch(url, {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        'Accept': 'application/json',
        'Content-Type': 'application/json',
        'X-CSRF-Token': document.querySelector('meta[name="csrf-token"]').content
      },
      body: JSON.stringify({ name: root.dataset.resourceName, ...content })
    });
  }

  // Has the rules of the deployment look at what is drawn; an answer that a later change has overtaken is thrown away.
  async function check() {
    if (!root.dataset.checkUrl) {
      return;
    }
    const number = ++checks;
    const { xml } = await modeler.saveXML({ format: true });
    const response = await post(root.dataset.checkUrl, { xml });
    if (response.ok && number === checks) {
      const { problems, deployable } = await response.json();
      listProblems(problems);
      fits = deployable;
      offerDeploying();
    }
  }

  // What the linter marks as an error is none that may go live either.
  function offerDeploying() {
    root.querySelector('[data-modeler-action="deploy"]').disabled = !fits || marked > 0;
  }

  modeler.on('linting.completed', ({ issues }) => {
    marked = Object.values(issues).flat().filter(({ category }) => category === 'error').length;
    linted = Object.entries(issues).flatMap(([id, reports]) => reports.map(({ category, message }) => ({
      element_id: id,
      level: category === 'error' ? 'error' : 'warning',
      message: `${nameOf(id)}: ${modeler.get('translate')(message)}`
    })));
    listProblems(found);
    offerDeploying();
  });

  // Asks what changes and why; what was written stays there for another attempt. Nothing where it is called off.
  function askPurpose(question) {
    const dialog = part('purpose');
    part('question').textContent = question;
    dialog.returnValue = '';
    dialog.showModal();
    return new Promise(resolve => {
      dialog.addEventListener('close', () => {
        const { what, why } = dialog.querySelector('form').elements;
        resolve(dialog.returnValue === 'deploy' ? { what: what.value, why: why.value } : null);
      }, { once: true });
    });
  }

  async function deploy() {
    const { xml } = await modeler.saveXML({ format: true });
    const { older, unchanged } = status.dataset;
    if (root.dataset.newest && !older && xml === opened && !english.isChanged()) {
      tell(unchanged);
      return;
    }
    const purpose = await askPurpose(older || status.dataset.confirm);
    if (!purpose) {
      return;
    }
    const sent = { xml, newest: root.dataset.newest, english: english.entered(), ...purpose };
    const response = await post(root.dataset.deployUrl, sent);
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json');
    const answer = isJson ? await response.json() : { message: `${response.status} ${response.statusText}` };
    listProblems(answer.problems ?? []);
    if (!response.ok) {
      tell(answer.message, 'failed');
      return;
    }
    changed = false;
    tell(status.dataset.deployed, 'deployed');
    if (answer.location) {
      window.location.assign(answer.location);
    }
  }

  // Shows what differs from what is in force, or plays it, in a page of its own: a form carries what is drawn there.
  async function carry(name) {
    const { xml } = await modeler.saveXML({ format: true });
    const form = part(name);
    const files = new DataTransfer();
    files.items.add(new File([xml], root.dataset.resourceName, { type: 'application/xml' }));
    form.elements.diagram.files = files.files;
    form.elements.english.value = JSON.stringify(english.entered());
    form.submit();
  }

  async function download() {
    const { xml } = await modeler.saveXML({ format: true });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([xml], { type: 'application/xml' }));
    link.download = root.dataset.resourceName;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
  }

  async function importFile() {
    const chooser = document.createElement('input');
    chooser.type = 'file';
    chooser.accept = '.bpmn,.xml';
    chooser.addEventListener('change', async () => {
      const [file] = chooser.files;
      if (file && (!changed || window.confirm(status.dataset.unsaved))) {
        await open(await file.text()).then(() => { changed = true; }, fail);
      }
    });
    chooser.click();
  }

  const actions = {
    compare: () => carry('compare'),
    rehearse: () => carry('rehearse'),
    deploy,
    download,
    import: importFile,
    undo: () => modeler.get('commandStack').undo(),
    redo: () => modeler.get('commandStack').redo(),
    fit: () => modeler.get('canvas').zoom('fit-viewport', 'auto')
  };

  for (const button of root.querySelectorAll('[data-modeler-action]')) {
    button.addEventListener('click', async () => {
      button.disabled = true;
      await Promise.resolve(actions[button.dataset.modelerAction]()).catch(fail);
      button.disabled = false;
    });
  }
  modeler.on('commandStack.changed', () => {
    changed = true;
    tell('');
    clearTimeout(waiting);
    waiting = setTimeout(() => check().catch(() => {}), 1000);
    listProblems(found);
  });
  modeler.on('elementTemplates.errors', ({ errors }) => errors.forEach(fail));
  window.addEventListener('beforeunload', event => {
    if (changed) {
      event.preventDefault();
    }
  });

  const begin = async () => {
    const { diagramUrl } = root.dataset;
    if (!diagramUrl) {
      return open();
    }
    const response = await fetch(diagramUrl, { credentials: 'same-origin' });
    if (!response.ok) {
      throw new Error(`${response.status} ${response.statusText}`);
    }
    return open(await response.text());
  };
  begin().catch(fail);
  return { modeler, missing };
}

// For browser tests and the console; nothing on the page depends on it.
window.modelers = [...document.querySelectorAll('[data-modeler]')].map(start);
