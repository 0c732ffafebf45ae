// Theme, dialogs, selections that survive paging, and the one live stream of a tab. Everything else is htmx.
const root = document.documentElement;
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// --- Theme -----------------------------------------------------------------------------------------------------

if (localStorage.theme) root.dataset.theme = localStorage.theme;
find('#theme')?.addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  localStorage.theme = root.dataset.theme = dark ? 'light' : 'dark';
});

// --- htmx: the CSRF token travels as a header; failures are said aloud --------------------------------------------

document.addEventListener('htmx:configRequest', (event) => {
  event.detail.headers['x-csrftoken'] = document.body.dataset.csrf;
});
document.addEventListener('htmx:beforeSwap', (event) => {
  // A refused form comes back as the fragment that says why: show it like any other answer.
  if ([400, 409, 422].includes(event.detail.xhr.status)) event.detail.shouldSwap = true;
  if (event.detail.xhr.status === 401) location.assign('/login');
});
const say = (text) => {
  const box = find('#said');
  if (box) { box.textContent = text; box.hidden = !text; }
};
document.addEventListener('htmx:sendError', () => say('Jackfield does not answer. The page may be out of date; it is tried again.'));
document.addEventListener('htmx:afterRequest', (event) => { if (event.detail.successful) say(''); });

// --- Dialogs: native, opened by a button that names them -----------------------------------------------------------

document.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-open]');
  if (opener) find('#' + opener.dataset.open)?.showModal();
  const closer = event.target.closest('[data-close]');
  if (closer) closer.closest('dialog')?.close();
});
document.addEventListener('htmx:afterSwap', (event) => {
  const dialog = find('dialog[data-show]', event.detail.target);
  if (dialog) { dialog.removeAttribute('data-show'); dialog.showModal(); }
});

// --- Pickers: what is ticked lives in hidden inputs of the form, so it survives paging and searching ------------------

const chosen = (picker) => find('[data-chosen]', picker);
const inputOf = (picker, id) => all('input', chosen(picker)).find((input) => input.value === id);
const countOf = (picker) => {
  const count = all('input', chosen(picker)).length;
  find('[data-count]', picker).textContent = `${count.toLocaleString('en')} selected`;
};
const choose = (picker, box) => {
  const held = inputOf(picker, box.value);
  if (box.checked && !held) {
    const input = document.createElement('input');
    input.type = 'hidden'; input.name = picker.dataset.picker; input.value = box.value;
    chosen(picker).append(input);
  } else if (!box.checked && held) held.remove();
};
const tick = (picker) => {
  const ids = new Set(all('input', chosen(picker)).map((input) => input.value));
  for (const box of all('input[data-pick]', picker)) box.checked = ids.has(box.value);
  countOf(picker);
};
document.addEventListener('change', (event) => {
  const picker = event.target.closest('[data-picker]');
  if (!picker) return;
  if (event.target.matches('[data-pick-all]')) {
    for (const box of all('input[data-pick]', picker)) { box.checked = event.target.checked; choose(picker, box); }
  } else if (event.target.matches('[data-pick]')) choose(picker, event.target);
  else return;
  countOf(picker);
});
document.addEventListener('htmx:afterSettle', () => all('[data-picker]').forEach(tick));

// --- Parts of a form that belong to a choice -------------------------------------------------------------------------

const showParts = () => {
  for (const part of all('[data-when]')) {
    const [name, values] = part.dataset.when.split('=');
    const form = part.closest('form');
    const field = form && (find(`[name="${name}"]:checked`, form) || find(`select[name="${name}"]`, form));
    part.hidden = !field || !values.split('|').includes(field.value);
  }
};
document.addEventListener('change', showParts);
document.addEventListener('htmx:afterSettle', showParts);
showParts();

// --- Live: one stream per tab, closed while the tab is hidden -----------------------------------------------------------

let stream = null;
const listen = () => {
  if (stream || document.hidden || !document.body.dataset.live) return;
  stream = new EventSource(document.body.dataset.live);
  stream.addEventListener('change', (event) => {
    for (const room of JSON.parse(event.data)) document.body.dispatchEvent(new CustomEvent('jackfield:' + room));
  });
  stream.addEventListener('run', (event) => {
    const run = JSON.parse(event.data);
    for (const box of all(`[data-run="${CSS.escape(run.id)}"]`)) {
      const bar = find('progress', box);
      if (run.total > 0) { bar.max = run.total; bar.value = run.done; } else bar.removeAttribute('value');
      find('[data-run-text]', box).textContent = run.text;
    }
  });
};
document.addEventListener('visibilitychange', () => {
  if (document.hidden) { stream?.close(); stream = null; } else {
    listen();
    for (const room of ['people', 'runs', 'alarms']) document.body.dispatchEvent(new CustomEvent('jackfield:' + room));
  }
});
addEventListener('pagehide', () => { stream?.close(); stream = null; });
listen();
