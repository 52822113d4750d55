// <textarea data-limit="200">: how many characters there are and may be. Nothing is cut off: what is too long is told.

function count(control) {
  const length = [...control.value.replace(/\r\n?/g, '\n').trim()].length;
  const limit = Number(control.dataset.limit);
  const place = control.closest('.field');
  let counter = place.querySelector(':scope > .counter');
  if (!counter) {
    counter = document.createElement('div');
    counter.className = 'counter';
    counter.setAttribute('aria-live', 'polite');
    (control.closest('.affix') ?? control).after(counter);
  }
  counter.hidden = length < limit / 2;
  counter.textContent = counter.hidden ? '' : `${length} / ${limit}`;
  counter.classList.toggle('over', length > limit);
}

export function countAll(part = document) {
  part.querySelectorAll('[data-limit]').forEach(count);
}

document.addEventListener('input', ({ target }) => {
  if (target.dataset?.limit) {
    count(target);
  }
});
document.addEventListener('restored', ({ target }) => countAll(target));
countAll();
