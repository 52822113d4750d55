// The keyboard in lists and on tasks: what a key does stands in the dialog that ? opens. Nothing here is needed to work.

const TYPING = 'input:not([type="checkbox"]), textarea, select, [contenteditable], [role="application"]';

const rows = () => [...document.querySelectorAll('[data-row]')];
const current = () => document.querySelector('[data-row].is-current');
const box = row => row?.querySelector('.picking input');
const press = selector => document.querySelector(selector)?.click();

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  all[at]?.classList.remove('is-current');
  next?.classList.add('is-current');
  next?.querySelector('a')?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

function choose(row) {
  const chosen = box(row);
  if (chosen) {
    chosen.checked = !chosen.checked;
    chosen.dispatchEvent(new Event('change', { bubbles: true }));
  }
}

// With some chosen the bar below acts on all of them, else the row on itself.
const areChosen = () => Boolean(document.querySelector('.picking input[form]:checked'));

function claim() {
  if (areChosen()) {
    press('#several > [data-key="c"]');
  } else {
    // In a list only the row where the reader is; elsewhere the one task of the page.
    (rows().length ? current() : document)?.querySelector('[data-key="c"]')?.click();
  }
}

function unfold(key) {
  const menu = document.querySelector(`details[data-key="${key}"]`);
  if (menu?.offsetParent) {
    menu.open = true;
    menu.querySelector('select, input')?.focus();
  }
}

function leave() {
  for (const chosen of document.querySelectorAll('.picking input:checked')) {
    chosen.checked = false;
  }
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    menu.open = false;
  }
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => choose(current()),
  e: () => current()?.querySelector('a')?.click(),
  c: claim,
  a: () => unfold('a'),
  p: () => unfold('p'),
  f: () => press('[data-key="f"]'),
  n: () => press('[data-key="n"]'),
  l: () => press('[data-key="l"]'),
  '?': () => document.getElementById('keys')?.showModal(),
  Escape: leave
};

document.addEventListener('keydown', event => {
  const typing = event.target.closest?.(TYPING);
  const does = KEYS[event.key];
  if (!does || document.querySelector('dialog[open]') || event.ctrlKey || event.metaKey || event.altKey || (typing && event.key !== 'Escape')) {
    return;
  }
  if (event.key !== 'Escape') {
    event.preventDefault();
  }
  does();
});

// Where the reader works with the mouse, the keyboard goes on from there.
document.addEventListener('focusin', ({ target }) => {
  const row = target.closest?.('[data-row]');
  if (row && row !== current()) {
    current()?.classList.remove('is-current');
    row.classList.add('is-current');
  }
});

// <input type="checkbox" data-all="name" hidden>: ticks all boxes of a name.
for (const all of document.querySelectorAll('[data-all]')) {
  all.hidden = false;
}
document.addEventListener('change', ({ target }) => {
  if (target.matches?.('[data-all]')) {
    for (const one of document.querySelectorAll(`input[name="${target.dataset.all}"]`)) {
      one.checked = target.checked;
    }
  }
});

// <button data-keys hidden>: opens the dialog for those who use a mouse.
for (const button of document.querySelectorAll('[data-keys]')) {
  button.hidden = false;
  button.addEventListener('click', () => document.getElementById('keys').showModal());
}

// <div data-live hx-get="…" hx-trigger="every …">: a list that is fetched anew where it has changed. It stays as it is
// while somebody chooses something in it or does not look, and the row where the reader is stays the one.
document.addEventListener('htmx:beforeRequest', event => {
  const list = event.detail.elt.closest('[data-live]');
  const isBusy = list && (areChosen() || list.querySelector('details.menu[open]'));
  if (event.detail.elt.matches('[hx-trigger^="every"]') && (document.hidden || isBusy)) {
    event.preventDefault();
  }
});
let place = null;
document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  const isFocused = Boolean(document.activeElement?.closest('[data-row]'));
  place = detail.target.matches?.('[data-live]') && detail.shouldSwap ? { id: current()?.id, isFocused } : null;
});
document.addEventListener('htmx:afterSettle', () => {
  const row = place?.id && document.getElementById(place.id);
  for (const all of document.querySelectorAll('[data-all]')) {
    all.hidden = false;
  }
  if (row) {
    row.classList.add('is-current');
    place.isFocused && row.querySelector('a')?.focus({ preventScroll: true });
  }
  place = null;
});
