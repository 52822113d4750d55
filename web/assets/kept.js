// <form data-keep="name">: nothing typed is lost. What differs from the page is kept in this tab, by the name of form and
// person, with a mark, until the server says that it has what bore it (`settled`): the form that is opened again, after a
// new log-in or because the server did not answer, is filled in as it was. Other tabs, and whoever logs in next, see
// nothing of it.

import { meta, tell, announce } from './page.js';

const PREFIX = 'kept ';
const SKIPPED = new Set(['csrf_token', 'draft.id', 'page.kept']);
const unsaved = new Set();

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

function write(name, draft) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(draft));
  } catch {
    // A full or forbidden storage is no reason to disturb who types.
  }
}

export function forget() {
  Object.keys(sessionStorage).filter(key => key.startsWith(PREFIX)).forEach(key => sessionStorage.removeItem(key));
  unsaved.clear();
}

function controls(form) {
  return [...form.elements].filter(
    ({ name, type }) => name && !SKIPPED.has(name) && !['file', 'password', 'submit', 'button'].includes(type)
  );
}

function differs(control) {
  if (control.type === 'checkbox' || control.type === 'radio') {
    return control.checked !== control.defaultChecked;
  }
  if (control instanceof HTMLSelectElement) {
    return [...control.options].some(option => option.selected !== option.defaultSelected) && control.value !== '';
  }
  return control.type !== 'hidden' && control.value !== control.defaultValue;
}

// By name, all controls of a name together: a choice is a choice among all.
function typed(form) {
  const all = controls(form);
  const names = new Set(all.filter(control => 'refused' in form.dataset || differs(control)).map(({ name }) => name));
  return Object.fromEntries([...names].map(name => [name, texts(all.filter(control => control.name === name))]));
}

function texts(group) {
  return group.filter(({ type, checked }) => !['checkbox', 'radio'].includes(type) || checked).map(({ value }) => value);
}

function token(form) {
  return form.querySelector('input[name="form_token"]');
}

function keep(form) {
  form.dataset.mark ??= newMark();
  write(form.dataset.keep, { typed: typed(form), token: token(form)?.value, mark: form.dataset.mark });
}

// Not `randomUUID`, which browsers do not give to a server of the house without a certificate.
function newMark() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

export function fill(form, part = form, except = []) {
  const draft = Object.entries(read(form.dataset.keep)?.typed ?? {});
  const kept = new Map(draft.filter(([name]) => !except.includes(name)));
  for (const control of controls(form).filter(each => part.contains(each) && kept.has(each.name))) {
    const values = kept.get(control.name);
    if (control.type === 'checkbox' || control.type === 'radio') {
      control.checked = values.includes(control.value);
    } else if (control.type !== 'hidden') {
      control.value = values[0] ?? '';
    }
  }
}

// Fill in what was kept, but where somebody has typed already; return whether anything was.
function restore(form, early) {
  const draft = read(form.dataset.keep);
  const cameBack = performance.getEntriesByType('navigation')[0]?.type === 'back_forward';
  const isSettled = Boolean(draft?.mark) && meta('settled').split(' ').includes(draft.mark);
  if (!draft || 'refused' in form.dataset || (isSettled && !cameBack)) {
    return false;
  }
  if (!isSettled && draft.mark) {
    form.dataset.mark = draft.mark;
  }
  if (token(form) && draft.token) {
    token(form).value = draft.token;
  }
  fill(form, form, early);
  if (Object.keys(draft.typed).length === 0) {
    return false;
  }
  say(form, isSettled);
  form.closest('details')?.setAttribute('open', '');
  unsaved.add(form);
  form.dispatchEvent(new CustomEvent('restored', { bubbles: true }));
  return true;
}

function say(form, isSettled) {
  const note = document.createElement('div');
  note.className = 'message message-notice restored';
  note.setAttribute('role', 'status');
  const discard = document.createElement('button');
  Object.assign(discard, { type: 'button', className: 'button button-small', textContent: meta('label-discard') });
  discard.addEventListener('click', () => {
    sessionStorage.removeItem(PREFIX + form.dataset.keep);
    unsaved.clear();
    location.assign(location.pathname + location.search);
  });
  const text = document.createElement('div');
  text.textContent = meta(isSettled ? 'message-settled' : 'message-restored');
  note.append(text, discard);
  (form.querySelector('.card-body') ?? form).prepend(note);
}

// What a browser cannot read, half a date, it would send as nothing.
function unreadable(form) {
  const wrong = controls(form).filter(control => control.validity?.badInput);
  wrong.forEach(control => tell(control, meta('message-unreadable')));
  return wrong[0];
}

async function answers() {
  try {
    return (await fetch(meta('server'), { cache: 'no-store' })).ok;
  } catch {
    return false;
  }
}

// A form leaves the page only for a server that answers; what was typed stays otherwise.
async function send(form, submitter) {
  form.setAttribute('aria-busy', 'true');
  const reached = await answers();
  form.removeAttribute('aria-busy');
  if (!reached) {
    tell(submitter ?? form.querySelector('button'), meta('message-unreachable'));
    return;
  }
  form.dataset.reached = 'true';
  form.requestSubmit(submitter);
}

document.addEventListener('submit', event => {
  const form = event.target;
  if (form.action.endsWith('/logout')) {
    forget();
  }
  if (event.defaultPrevented || form.dataset.sent || form.dataset.keep === undefined) {
    return;
  }
  if (form.dataset.reached) {
    delete form.dataset.reached;
    delete form.dataset.mark;
    unsaved.clear();
    return;
  }
  event.preventDefault();
  const wrong = unreadable(form);
  if (wrong) {
    wrong.focus();
  } else if (!form.hasAttribute('aria-busy')) {
    keep(form);
    form.querySelector('input[name="page.kept"]')?.remove();
    form.append(hidden('page.kept', form.dataset.mark));
    send(form, event.submitter);
  }
});

function hidden(name, value) {
  return Object.assign(document.createElement('input'), { type: 'hidden', name, value });
}

for (const kind of ['input', 'change']) {
  document.addEventListener(kind, ({ target }) => {
    const form = target.closest?.('form[data-keep]');
    if (form) {
      unsaved.add(form);
      keep(form);
    }
  });
}

// Only a tab that is closed loses what it keeps.
window.addEventListener('beforeunload', event => {
  if ([...unsaved].some(form => form.isConnected)) {
    event.preventDefault();
  }
});

// What was typed or chosen while the scripts were still on their way was typed too. When the document is ready, htmx
// listens: fields that depend on an answer come.
document.addEventListener('DOMContentLoaded', () => {
  for (const form of document.querySelectorAll('form[data-keep]')) {
    const early = controls(form).filter(differs).map(({ name }) => name);
    const isRestored = restore(form, early);
    if (early.length) {
      unsaved.add(form);
      keep(form);
    }
    if (early.length || isRestored) {
      form.querySelector('[data-merge]')?.dispatchEvent(new Event('change'));
    }
  }
});
announce('');
