// <form data-upload>: files are held against the limits before they are sent, and one sees how far they are. What the
// server refuses is told beside the input; the page, and what is typed on it, stays. Without scripts the form is sent
// as it is.

import { meta, tell } from './page.js';

// <input type="file" data-max-count data-max-bytes data-message-count data-message-bytes>
function tooMuch({ files, dataset }) {
  if (files.length > Number(dataset.maxCount)) {
    return dataset.messageCount;
  }
  const size = [...files].reduce((sum, file) => sum + file.size, 0);
  return size > Number(dataset.maxBytes) ? dataset.messageBytes : '';
}

function upload(form, input) {
  const progress = document.createElement('progress');
  progress.max = 1;
  progress.setAttribute('aria-label', input.labels[0]?.textContent ?? '');
  input.after(progress);
  form.setAttribute('aria-busy', 'true');
  const request = new XMLHttpRequest();
  request.open('POST', form.action);
  request.responseType = 'json';
  request.setRequestHeader('Accept', 'application/json');
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    progress.value = loaded / total;
  });
  request.addEventListener('loadend', () => {
    const answer = request.response;
    if (request.status === 200 && answer?.location) {
      // The page of the answer may differ from this one only behind the `#`.
      location.assign(answer.location);
      return;
    }
    progress.remove();
    form.removeAttribute('aria-busy');
    tell(input, answer?.reason || meta('message-unreachable'));
  });
  request.send(new FormData(form));
}

document.addEventListener('change', ({ target }) => {
  if (target.type === 'file' && target.dataset.maxBytes) {
    tell(target, tooMuch(target));
  }
});
document.addEventListener('submit', event => {
  const form = event.target;
  if (event.defaultPrevented || !('upload' in form.dataset)) {
    return;
  }
  event.preventDefault();
  const input = form.querySelector('input[type="file"]');
  const text = tooMuch(input);
  tell(input, text);
  if (!text && !form.hasAttribute('aria-busy')) {
    upload(form, input);
  }
});
