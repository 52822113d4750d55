// What scripts read from a page, and how they tell something on it.

export function meta(name) {
  return document.querySelector(`meta[name="${name}"]`)?.content ?? '';
}

export function announce(text) {
  const region = document.getElementById('announcement');
  if (region) {
    region.textContent = text;
  }
}

// Says beside a control what is wrong; gone as soon as something else is entered there, or without a text.
export function tell(control, text) {
  const place = control.closest('.field') ?? control.parentElement;
  place.querySelector(':scope > .told')?.remove();
  control.toggleAttribute('aria-invalid', Boolean(text));
  if (text) {
    const error = document.createElement('div');
    error.className = 'error told';
    error.setAttribute('role', 'alert');
    error.textContent = text;
    place.append(error);
    control.addEventListener('input', () => tell(control, ''), { once: true });
  }
}
