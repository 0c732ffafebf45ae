// Times in local form, dialogs, selections that survive paging, what a swap must not lose, and the one live
// stream of a tab. Everything else is htmx. Nothing here decides anything.

const root = document.documentElement;
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const on = (event, act) => document.addEventListener(event, act);

// --- Theme ---------------------------------------------------------------------------------------------------

find('#theme')?.addEventListener('click', () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* only for this page then */ }
});

// --- Times: the server says UTC, the reader sees local time ---------------------------------------------------

const FORMS = {
  medium: new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }),
  short: new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
};
// Sentences of a run name moments as "08:03:20 UTC", or with their day as "22 Nov, 12:00 UTC".
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });
const inLocalTime = (text) => text.replace(/\b(?:(\d\d?) ([A-Z][a-z]{2}), )?(\d\d:\d\d(?::\d\d)?) UTC\b/g, (said, day, month, time) => {
  const now = new Date();
  const date = day ? `${day} ${month} ${now.getUTCFullYear()}` : now.toUTCString().slice(5, 16);
  const moment = new Date(`${date} ${time} UTC`);
  if (Number.isNaN(moment.getTime())) return said;
  return (day ? DAY : CLOCK).format(moment);
});
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const UNITS = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];
const localise = (within = document) => {
  for (const time of all('[data-moment]', within)) {
    if (time.tagName === 'TIME' && !time.title) time.title = time.textContent;
    time.textContent = FORMS[time.dataset.form].format(new Date(time.dataset.moment));
  }
  for (const told of all('[data-told]', within)) {
    const texts = document.createTreeWalker(told, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = inLocalTime(texts.currentNode.data);
      if (text !== texts.currentNode.data) texts.currentNode.data = text;
    }
  }
};
const age = () => {
  for (const time of all('[data-ago]')) {
    const past = (Date.now() - new Date(time.dataset.ago)) / 1000;
    const [length, unit] = UNITS.find(([seconds]) => past >= seconds) ?? UNITS[3];
    const text = past < 1 ? 'just now' : RELATIVE.format(-Math.floor(past / length), unit);
    if (time.textContent !== text) time.textContent = text;
  }
};
setInterval(age, 1000);

// Which days are meant by a list's first and last day: those of the reader.
for (const field of all('[data-zone]')) field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';

// --- The switch between tenants closes as a menu does: by Escape, and by a click elsewhere -----------------------

on('keydown', (event) => {
  const open = find('.switch[open]');
  if (event.key !== 'Escape' || !open) return;
  open.open = false;
  find('summary', open).focus();
});
on('click', (event) => {
  const open = find('.switch[open]');
  if (open && !open.contains(event.target)) open.open = false;
});

// --- Menu: on a phone it is one line that scrolls; where one is stays in sight -----------------------------------

find('.side [aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });

// --- Saying things --------------------------------------------------------------------------------------------

// Where a dialog is open, the page behind it is out of sight and reach.
const placeToSay = () => {
  const dialog = all('dialog[open]').at(-1);
  if (!dialog) return find('#said');
  const known = find('.said', dialog);
  if (known) return known;
  const box = document.createElement('p');
  box.setAttribute('role', 'alert');
  box.classList.add('said');
  (find('footer', dialog) ?? dialog).prepend(box);
  return box;
};
const say = (text, tone = 'warn') => {
  const box = placeToSay();
  if (!box) return;
  box.textContent = text;
  box.className = `message ${tone}${box.id ? '' : ' said'}`;
  box.hidden = !text;
};
on('jackfield:said', (event) => say(event.detail.value, 'good'));

// --- htmx: the form token travels as a header; failures are said ------------------------------------------------

// What the page asks for by itself says so, or an open tab would keep its session alive for ever.
const DONE_BY_SOMEBODY = new Set(['click', 'submit', 'input', 'change', 'search', 'keydown']);
on('htmx:configRequest', (event) => {
  event.detail.headers['x-csrftoken'] = document.body.dataset.csrf;
  if (!DONE_BY_SOMEBODY.has(event.detail.triggeringEvent?.type)) event.detail.headers['x-by-itself'] = 'yes';
});
on('htmx:sendError', () => say('Jackfield does not answer. What you see may be out of date; it is tried again.'));
on('htmx:responseError', (event) => {
  const { status, responseText } = event.detail.xhr;
  if (status !== 401) say(responseText && responseText.length < 400 ? responseText : `Jackfield answered with an error (${status}).`, 'bad');
});
on('htmx:afterRequest', (event) => {
  if (!event.detail.successful) return;
  for (const box of all('#said.warn, .said.warn')) box.hidden = true;
});

// --- What a swap must not lose: focus, scrolled places, opened details ------------------------------------------

let kept = null;
on('htmx:beforeSwap', (event) => {
  const target = event.detail.target;
  kept = {
    target: target.id,
    focus: target.contains(document.activeElement) ? document.activeElement.id : null,
    open: all('details[open]', target).map((one) => one.id),
    scrolled: all('.scroll[id]', target).map((one) => [one.id, one.scrollLeft, one.scrollTop]),
  };
});
const giveBack = () => {
  if (!kept) return;
  const { target, focus, open, scrolled } = kept;
  kept = null;
  for (const id of open) { const one = document.getElementById(id); if (one) one.open = true; }
  for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
  // htmx gives focus back by id; where that control is gone, its region takes it.
  if (focus !== null && document.activeElement === document.body) {
    const heir = document.getElementById(focus) ?? document.getElementById(target);
    heir?.focus({ preventScroll: true });
    if (document.activeElement === document.body) document.getElementById(target)?.focus({ preventScroll: true });
  }
};

// Escape empties a search before it closes anything; so it is asked before the dialogs are.
on('keydown', (event) => {
  const { key, target } = event;
  if (key !== 'Escape' || !target.matches('dialog input[type="search"], [data-picker] input[type="search"]') || !target.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  target.value = '';
  target.dispatchEvent(new Event('search', { bubbles: true }));
});

// --- Dialogs: native; focus goes back to what opened them --------------------------------------------------------

// What somebody typed; searching and trying change nothing, and a version is not theirs.
const NOT_TYPED = new Set(['_csrf_token', 'version', 'q', 'try_person', 'seen']);
const typed = (dialog) => {
  const form = find('form', dialog);
  return form ? new URLSearchParams([...new FormData(form)].filter(([name]) => !NOT_TYPED.has(name))).toString() : '';
};
const asOpened = new WeakMap();
// Whether a dialog may close: one with a question asks it first, when there is something to lose.
const mayClose = (dialog) => {
  const question = find('[data-question]', dialog);
  if (!question || typed(dialog) === asOpened.get(dialog)) return true;
  find('#dialogs').append(question.content.cloneNode(true));
  open(find('#dialogs').lastElementChild);
  return false;
};
const open = (dialog) => {
  dialog.dataset.opener = document.activeElement?.id ?? '';
  dialog.removeAttribute('data-show');
  dialog.showModal();
  asOpened.set(dialog, typed(dialog));
  dialog.addEventListener('cancel', (event) => { if (event.target === dialog && !mayClose(dialog)) event.preventDefault(); });
  dialog.addEventListener('close', () => {
    const opener = dialog.dataset.opener;
    dialog.remove();
    if (document.activeElement === document.body) document.getElementById(opener)?.focus();
    if (document.activeElement === document.body) find('#main')?.focus({ preventScroll: true });
  });
};
on('click', (event) => {
  const dialog = event.target.closest('[data-close]')?.closest('dialog');
  if (dialog && mayClose(dialog)) dialog.close();
  if (event.target.closest('[data-discard]')) all('dialog[open]').reverse().forEach((one) => one.close());
});
// A browser lets "cancel" be refused once only, until somebody clicks; the key itself can be each time.
on('keydown', (event) => {
  const dialog = all('dialog[open]').at(-1);
  if (event.key === 'Escape' && dialog && !mayClose(dialog)) event.preventDefault();
});
// A page whose form is not saved asks before it is left; a dialog has asked by itself.
let saved = null;
const remember = () => {
  const form = find('main form[data-keep]');
  if (form && !('unsaved' in form.dataset && saved !== null)) saved = typed(form.parentElement);
};
addEventListener('beforeunload', (event) => {
  const form = find('main form[data-keep]');
  if (form && typed(form.parentElement) !== saved) event.preventDefault();
});
on('jackfield:close', () => all('dialog[open]').forEach((dialog) => dialog.close()));

// --- Pickers: what is chosen lives in the form, so it survives paging and searching -------------------------------
// Unordered (people): one hidden field holds all ids. Ordered (groups): a list whose items carry one id each.

const chosenOf = (picker) => {
  const held = find('[data-chosen]', picker);
  return 'ordered' in picker.dataset
    ? new Set(all('li', held).map((item) => item.dataset.id))
    : new Set(held.value.split(' ').filter(Boolean));
};
const choose = (picker, box, ids) => {
  const held = find('[data-chosen]', picker);
  const id = box.value;
  if (box.checked === ids.has(id)) return;
  if (box.checked) ids.add(id); else ids.delete(id);
  if (!('ordered' in picker.dataset)) { held.value = [...ids].join(' '); return; }
  if (!box.checked) { all('li', held).find((item) => item.dataset.id === id)?.remove(); return; }
  const item = find('[data-row]', picker).content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  find('input', item).value = id;
  find('[data-name]', item).textContent = box.dataset.name;
  for (const button of all('button', item)) {
    button.id += id;
    button.setAttribute('aria-label', button.getAttribute('aria-label').replace(/^(Move|Remove) /, `$1 ${box.dataset.name} `).trim());
  }
  held.append(item);
};
const shown = (picker) => {
  const ids = chosenOf(picker);
  const boxes = all('input[data-pick]', picker);
  for (const box of boxes) box.checked = ids.has(box.value);
  const every = find('[data-pick-all]', picker);
  if (every) every.checked = boxes.length > 0 && boxes.every((box) => box.checked);
  const count = `${ids.size.toLocaleString('en')} selected`;
  const told = find('[data-count]', picker);
  if (told.textContent !== count) told.textContent = count;
};
const changed = (picker) => {
  shown(picker);
  picker.dispatchEvent(new CustomEvent('jackfield:chosen', { bubbles: true }));
};
on('change', (event) => {
  const picker = event.target.closest('[data-picker]');
  if (!picker || !event.target.matches('[data-pick], [data-pick-all]')) return;
  const ids = chosenOf(picker);
  const boxes = event.target.matches('[data-pick-all]') ? all('input[data-pick]', picker) : [event.target];
  for (const box of boxes) { box.checked = event.target.checked; choose(picker, box, ids); }
  changed(picker);
});
on('click', (event) => {
  const button = event.target.closest('[data-move], [data-drop]');
  const item = button?.closest('li');
  if (!item) return;
  const picker = button.closest('[data-picker]');
  if (button.dataset.move === '-1') item.previousElementSibling?.before(item);
  if (button.dataset.move === '1') item.nextElementSibling?.after(item);
  if ('drop' in button.dataset) {
    const heir = find('[data-drop]', item.nextElementSibling ?? item.previousElementSibling ?? picker) ?? find('input[type="search"]', picker);
    item.remove();
    heir?.focus();
  } else button.focus();
  changed(picker);
});
// Enter in a search field inside a form searches; it does not send the form. Down leads into what was found, Up and
// Down from box to box, and Enter ticks one.
on('keydown', (event) => {
  const { key, target } = event;
  const searches = target.matches('[data-picker] input[type="search"], #try-q');
  if (key === 'Enter' && searches) event.preventDefault();
  const picker = target.closest('[data-picker]');
  const ticks = target.matches('[data-pick], [data-pick-all]');
  if (!picker || !(ticks || searches)) return;
  if (key === 'Enter' && ticks) { event.preventDefault(); target.click(); return; }
  const boxes = [...all('input[type="search"]', picker), ...all('[data-pick-all], [data-pick]', picker)];
  const at = boxes.indexOf(target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: searches ? -1 : 1, End: searches ? -1 : boxes.length - 1 }[key];
  if (!boxes[to]) return;
  event.preventDefault();
  boxes[to].focus();
});

// --- Fields that suggest what fits: the pattern "combobox" of ARIA; focus stays in the field ------------------------

const suggested = (field) => document.getElementById(field.getAttribute('aria-controls'));
const mark = (field, option) => {
  for (const one of all('[role="option"]', suggested(field))) one.setAttribute('aria-selected', String(one === option));
  if (option) field.setAttribute('aria-activedescendant', option.id); else field.removeAttribute('aria-activedescendant');
  option?.scrollIntoView({ block: 'nearest' });
};
const unfold = (field, wanted) => {
  const list = suggested(field);
  list.hidden = !wanted || !list.childElementCount;
  field.setAttribute('aria-expanded', String(!list.hidden));
  find('[role="status"]', field.parentElement).textContent = wanted ? list.dataset.said ?? '' : '';
  mark(field, null);
};
const take = (field, option) => {
  field.value = option.dataset.value;
  unfold(field, false);
  field.focus();
};
on('keydown', (event) => {
  const field = event.target;
  if (!field.matches('[role="combobox"]')) return;
  const list = suggested(field);
  const options = all('[role="option"]', list);
  const at = options.findIndex((one) => one.getAttribute('aria-selected') === 'true');
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    if (list.hidden) { field.dispatchEvent(new CustomEvent('jackfield:suggest')); return; }
    const step = event.key === 'ArrowDown' ? 1 : -1;
    mark(field, options[at < 0 && step < 0 ? options.length - 1 : (at + step + options.length) % options.length]);
  } else if (event.key === 'Enter' && !list.hidden && at >= 0) {
    event.preventDefault();
    take(field, options[at]);
  } else if (event.key === 'Escape' && !list.hidden) {
    event.preventDefault();
    event.stopImmediatePropagation();
    unfold(field, false);
  }
});
on('focusout', (event) => { if (event.target.matches('[role="combobox"]')) unfold(event.target, false); });
on('pointerdown', (event) => { if (event.target.closest('.suggest [role="option"]')) event.preventDefault(); });
on('click', (event) => {
  const option = event.target.closest('.suggest [role="option"]');
  if (option) take(find('[role="combobox"]', option.closest('.suggest')), option);
});
on('click', (event) => {
  if (event.target.closest('[aria-disabled="true"]')) event.preventDefault();
});

// --- Parts of a form that belong to a choice ----------------------------------------------------------------------

const showParts = () => {
  for (const part of all('[data-when]')) {
    const [name, values] = part.dataset.when.split('=');
    const field = find(`[name="${name}"]:checked, select[name="${name}"]`, part.closest('form'));
    part.hidden = !field || !values.split('|').includes(field.value);
  }
};
on('change', showParts);

// --- Whatever comes into the page -----------------------------------------------------------------------------------

const prepare = (within) => {
  localise(within);
  showParts();
  all('[data-picker]').forEach(shown);
};
on('htmx:afterSwap', (event) => {
  giveBack();
  prepare(document);
  const dialog = find('dialog[data-show]');
  if (dialog) open(dialog);
  const field = event.detail.target.parentElement?.querySelector(':scope > [role="combobox"]');
  if (field) unfold(field, document.activeElement === field);
  // A form that came back: to the first field that needs another value, or to what is asked first.
  const { verb, path } = event.detail.requestConfig ?? {};
  if (verb === 'post' && path.endsWith('/users/m365')) {
    remember();
    const wrong = find('#sync-form .wrong');
    find('input:not([type="hidden"]), select', wrong?.closest('.field, .picker, fieldset') ?? document.createElement('p'))?.focus();
    wrong?.scrollIntoView({ block: 'center' });
    const asked = wrong ? null : find('#drastic, #conflict');
    asked?.focus({ preventScroll: true });
    asked?.scrollIntoView({ block: 'nearest' });
  }
});
prepare(document);
remember();

// --- Live: one stream per tab, closed while the tab is hidden --------------------------------------------------------

let stream = null;
const tell = (topics) => { for (const topic of topics) document.body.dispatchEvent(new CustomEvent(`jackfield:${topic}`)); };
const EVERYTHING = ['people', 'plans', 'settings', 'journal', 'alarms', 'runs', 'looked'];
const leave = () => { stream?.close(); stream = null; };
const listen = () => {
  if (stream || document.hidden || !document.body.dataset.live) return;
  stream = new EventSource(document.body.dataset.live);
  stream.addEventListener('open', () => { root.dataset.live = 'on'; });
  stream.addEventListener('change', (event) => tell(JSON.parse(event.data)));
  stream.addEventListener('run', (event) => {
    const run = JSON.parse(event.data);
    for (const box of all(`[data-run="${CSS.escape(run.id)}"]`)) {
      const bar = find('progress', box);
      if (run.total > 0) { bar.max = run.total; bar.value = run.done; } else bar.removeAttribute('value');
      find('[data-run-text]', box).textContent = inLocalTime(run.text);
    }
  });
  stream.addEventListener('error', () => {
    delete root.dataset.live;
    // A browser tries again by itself, except after an answer that is no stream (signed out, starting).
    if (stream?.readyState !== EventSource.CLOSED) return;
    leave();
    setTimeout(() => { tell(EVERYTHING); listen(); }, 5000);
  });
};
on('visibilitychange', () => {
  if (document.hidden) leave();
  else if (!stream) { tell(EVERYTHING); listen(); }
});
addEventListener('pagehide', leave);
addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
listen();
