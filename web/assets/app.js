// On every page: htmx, and the few things a form cannot say in HTML alone. Without scripts the pages still work.

import htmx from 'htmx.org';

import { fill } from './kept.js';
import { countAll } from './limits.js';
import { announce, meta } from './page.js';
import './keys.js';
import './mentions.js';
import './uploads.js';

// The Content-Security-Policy allows neither inline styles nor evaluated code, and nothing here needs them.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

// What was typed before the scripts listened is looked up when they do.
htmx.onLoad(part => {
  for (const box of part.querySelectorAll('[hx-trigger$=", typed"]')) {
    if (box.value !== box.defaultValue) {
      htmx.trigger(box, 'typed');
    }
  }
});

document.addEventListener('htmx:configRequest', ({ detail }) => {
  if (detail.verb !== 'get') {
    detail.headers['X-CSRF-Token'] = meta('csrf-token');
  }
});

// A lost connection or a server error leaves the page as it was; the reader is told instead of wondering.
for (const failure of ['htmx:sendError', 'htmx:responseError', 'htmx:timeout']) {
  document.addEventListener(failure, ({ detail }) => {
    announce(meta(detail.xhr?.status === 401 ? 'message-login' : 'message-connection'));
  });
}
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (detail.successful) {
    announce('');
  }
});

// What is shown only once is not left by mistake: <div data-once>.
window.addEventListener('beforeunload', event => {
  if (document.querySelector('[data-once]')) {
    event.preventDefault();
  }
});

// <form data-confirm="Really cancel?"> or the same on the button that submits it.
document.addEventListener('submit', event => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

// A second click must not send a form twice. It may be sent again when the reader comes back by the browser's history;
// and where the answer is a file (`data-file` on the form or the button), since the page stays.
function release() {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    form.removeAttribute('aria-busy');
  }
}
document.addEventListener('submit', event => {
  const form = event.target;
  const isAnsweredByFile = 'file' in form.dataset || 'file' in (event.submitter?.dataset ?? {});
  if (event.defaultPrevented || form.method !== 'post' || isAnsweredByFile) {
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'true';
  form.setAttribute('aria-busy', 'true');
});
window.addEventListener('pageshow', release);

// The key / leads to the box that finds, unless somebody is typing.
document.addEventListener('keydown', event => {
  const box = document.querySelector('#find, #find-here');
  const isTyping = event.target.closest?.('input, textarea, select, [contenteditable], [role="application"]');
  if (event.key !== '/' || !box || isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  event.preventDefault();
  box.offsetParent ? box.focus() : location.assign(box.form.action);
});

// What is not set in a form that narrows a list does not stand in the address.
document.addEventListener('formdata', ({ target, formData }) => {
  if (target.method === 'get') {
    [...formData].filter(([, value]) => value === '').forEach(([name]) => formData.delete(name));
  }
});

// <select data-submit>: a filter that applies itself; its form has a button for those without scripts.
document.addEventListener('change', ({ target }) => {
  if (target.matches?.('[data-submit]')) {
    target.form.requestSubmit();
  }
});

// <button data-on-enter hidden>: what Enter presses in a form. In a menu that is the button of the menu; elsewhere nothing
// is done for good by Enter, but what was typed is looked up, since it has changed.
document.addEventListener('click', event => {
  if (event.target.matches?.('[data-on-enter]')) {
    event.preventDefault();
    document.activeElement?.closest('.menu-panel')?.querySelector('button')?.click();
  }
});

// <button data-print hidden>
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
}
document.addEventListener('click', ({ target }) => {
  if (target.closest?.('[data-print]')) {
    window.print();
  }
});

// <div data-merge hx-post="…" hx-swap="none">: the fields of a form that depend on answers. What the answer of the
// server has and the page has not is added, what it no longer has is put aside, and texts say what they say now;
// inputs that stay are not touched, so that nothing is lost that is typed meanwhile, but for those into which a record
// that was chosen is copied.
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (detail.successful && detail.elt.matches('[data-merge]')) {
    const answer = new DOMParser().parseFromString(detail.xhr.responseText, 'text/html');
    // The guidance, which depends on answers too, finds its own place.
    merge(detail.elt, [...answer.body.children].filter(part => !part.hasAttribute('hx-swap-oob')));
  }
});

function merge(parent, wanted) {
  const aside = new Map([...parent.children].map(part => [part.id, part]));
  let previous = null;
  for (const fresh of wanted) {
    const old = aside.get(fresh.id);
    const part = fresh.matches('[data-fresh], [data-copied]') ? fresh : old ?? fresh;
    aside.delete(fresh.id);
    if (old && part === fresh) {
      const focused = document.activeElement?.id;
      old.replaceWith(fresh);
      htmx.process(fresh);
      focused && document.activeElement?.id !== focused && document.getElementById(focused)?.focus();
    } else if (part === fresh) {
      previous ? previous.after(part) : parent.prepend(part);
      htmx.process(part);
      const form = part.closest('form[data-keep]');
      form && fill(form, part);
      countAll(part);
    } else if (part.matches('.field-group')) {
      merge(part.querySelector('.fields'), [...fresh.querySelector('.fields').children]);
    }
    show(part, true);
    previous = part;
  }
  aside.forEach(part => show(part, false));
}

// What is hidden is not sent.
function show(part, shown) {
  if (part.hidden !== shown) {
    return;
  }
  part.hidden = !shown;
  for (const input of part.querySelectorAll('input, select, textarea')) {
    input.disabled = !shown;
  }
}

// <input data-telling>: what is typed there may tell of what is known already, which is looked up while one types.
document.addEventListener('input', ({ target }) => {
  if (target.matches?.('[data-telling]')) {
    target.closest('[data-merge]')?.dispatchEvent(new CustomEvent('look'));
  }
});
document.addEventListener('htmx:configRequest', ({ detail }) => {
  if (detail.triggeringEvent?.type === 'look') {
    detail.parameters['page.typing'] = 'true';
  }
});

// <button data-choose="key" data-for="field">: puts the key of a record into a field.
document.addEventListener('click', ({ target }) => {
  const button = target.closest?.('[data-choose]');
  const field = button && document.getElementById(button.dataset.for);
  if (field) {
    field.value = button.dataset.choose;
    field.focus();
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
});

// On a phone the entries of a bar may be wider than it: the one where the reader is comes into sight.
for (const current of document.querySelectorAll('.site-nav [aria-current], .tabs [aria-current]')) {
  const bar = current.closest('ul, nav');
  bar.scrollLeft = current.getBoundingClientRect().right - bar.getBoundingClientRect().right + 24;
}
