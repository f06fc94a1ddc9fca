// What makes the console quicker: keys, a live preview of an SMS, a live link page. Everything works without it.
const at = (id) => document.getElementById(id);
const typing = (el) => el instanceof HTMLElement && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));

/** parsed makes elements of our own server's HTML; scripts in it would not run. */
const parsed = (html) => new DOMParser().parseFromString(html, 'text/html').body;

// ---- keys ----

const help = at('keys');
for (const b of document.querySelectorAll('[data-keys]')) {
  b.hidden = false;
  b.addEventListener('click', () => help.showModal());
}

/** move puts the focus on another row. */
function move(by) {
  const rows = [...document.querySelectorAll('[data-row]')];
  if (rows.length === 0) return;
  const now = rows.findIndex((row) => row === document.activeElement || row.parentElement.contains(document.activeElement));
  const next = now < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + by, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: 'nearest' });
}

let going = false; // g was pressed, a number is awaited
document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape') for (const open of document.querySelectorAll('details.menu[open]')) open.open = false;
  if (e.ctrlKey || e.metaKey || e.altKey || help.open || typing(e.target)) return;
  const pages = [...document.querySelectorAll('.side li:not(.apart) a')];
  if (going && /^[1-9]$/.test(e.key)) pages[Number(e.key) - 1]?.click();
  going = e.key === 'g';
  switch (e.key) {
    case 'j': move(1); break;
    case 'k': move(-1); break;
    case '/':
      if (!at('q')) return;
      at('q').focus();
      at('q').select();
      break;
    case '?': help.showModal(); break;
    default: return;
  }
  e.preventDefault();
});

// A menu closes when something else is pressed.
document.addEventListener('click', (e) => {
  for (const open of document.querySelectorAll('details.menu[open]')) if (!open.contains(e.target)) open.open = false;
});

// ---- the SMS that a form would send ----

for (const form of document.querySelectorAll('form[data-preview]')) {
  let timer = 0;
  let asked = 0;
  const ask = async () => {
    const nr = ++asked;
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'preview');
    body.delete('once');
    if (form.querySelector('textarea[required]')?.value.trim() === '') {
      form.querySelector('[data-draft]').replaceChildren();
      return;
    }
    let res;
    try {
      res = await fetch(form.action, { method: 'POST', body, headers: { 'X-Fragment': '1' } });
    } catch {
      return; // the next letter asks again
    }
    if (!res.ok || nr !== asked) return;
    const draft = parsed(await res.text()).querySelector('[data-draft]');
    if (draft) form.querySelector('[data-draft]').replaceWith(draft);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  };
  form.addEventListener('input', soon);
  form.querySelector('[data-draft-button]').hidden = true;
}

// A form that is on its way is not sent twice by a second press.
document.addEventListener('submit', (e) => {
  if (e.target.method !== 'post' || e.defaultPrevented) return;
  if (e.target.dataset.sent) e.preventDefault();
  e.target.dataset.sent = '1';
});
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
});

// ---- the link page ----

const live = at('live');
if (live) {
  const said = at('live-said');
  let state = '';
  const source = new EventSource(live.dataset.live);
  source.addEventListener('message', (e) => {
    const news = JSON.parse(e.data);
    live.replaceChildren(...parsed(news.html).childNodes);
    if (state !== '' && news.state !== state) said.textContent = news.state === 'bound' ? said.dataset.bound : said.dataset.other;
    state = news.state;
  });
  source.addEventListener('ended', () => {
    source.close();
    said.textContent = said.dataset.ended;
    said.classList.remove('hidden');
    said.classList.add('problem');
  });
}
