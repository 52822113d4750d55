// <textarea data-mentions="address">: behind an @ people are suggested whose names have what is typed there.

const WAIT = 200;
const BEGUN = /(^|[^a-z0-9_])[@＠]([^\s@＠]{0,30})$/i;

let list = null;
let timer = 0;

function begun(area) {
  return area.value.slice(0, area.selectionStart).match(BEGUN)?.[2];
}

function close() {
  list?.area.removeAttribute('aria-activedescendant');
  list?.area.setAttribute('aria-expanded', 'false');
  list?.element.remove();
  list = null;
}

function mark(at) {
  const options = [...list.element.children];
  list.at = (at + options.length) % options.length;
  options.forEach((option, number) => option.setAttribute('aria-selected', String(number === list.at)));
  list.area.setAttribute('aria-activedescendant', options[list.at].id);
}

function insert(name) {
  const { area } = list;
  const typed = begun(area) ?? '';
  const start = area.selectionStart - typed.length;
  area.setRangeText(`${name} `, start, area.selectionStart, 'end');
  close();
  area.focus();
  area.dispatchEvent(new Event('input', { bubbles: true }));
}

function open(area, people) {
  close();
  if (people.length === 0) {
    return;
  }
  const element = Object.assign(document.createElement('ul'), { id: 'mentions', className: 'mentions' });
  element.setAttribute('role', 'listbox');
  element.append(...people.map(({ username, name }, number) => {
    const option = Object.assign(document.createElement('li'), { id: `mention-${number}`, textContent: name });
    option.setAttribute('role', 'option');
    option.title = username;
    // Before the box loses the focus.
    option.addEventListener('mousedown', event => {
      event.preventDefault();
      insert(name);
    });
    return option;
  }));
  area.after(element);
  list = { area, element, at: 0 };
  area.setAttribute('aria-controls', 'mentions');
  area.setAttribute('aria-expanded', 'true');
  mark(0);
}

async function look(area) {
  const typed = begun(area);
  if (typed === undefined) {
    close();
    return;
  }
  try {
    const answer = await fetch(`${area.dataset.mentions}?q=${encodeURIComponent(typed)}`);
    if (answer.ok && begun(area) === typed && document.activeElement === area) {
      open(area, await answer.json());
    }
  } catch {
    close();
  }
}

document.addEventListener('input', ({ target }) => {
  if (target.matches?.('[data-mentions]')) {
    clearTimeout(timer);
    timer = setTimeout(() => look(target), WAIT);
  }
});
document.addEventListener('keydown', event => {
  // While letters are composed, as those of Chinese are, these keys choose among the letters.
  if (!list || event.target !== list.area || event.isComposing) {
    return;
  }
  const does = {
    ArrowDown: () => mark(list.at + 1),
    ArrowUp: () => mark(list.at - 1),
    Enter: () => insert(list.element.children[list.at].textContent),
    Tab: () => insert(list.element.children[list.at].textContent),
    Escape: close
  }[event.key];
  if (does) {
    event.preventDefault();
    event.stopPropagation();
    does();
  }
}, true);
document.addEventListener('focusout', ({ target }) => {
  if (target === list?.area) {
    close();
  }
});
