// The telephones' page: shows what the stream tells, sends what the visitor writes. Texts become text nodes only.
const config = JSON.parse(document.getElementById('config').textContent);
const say = (key, values = {}) => (config.words[key] ?? key).replace(/\{(\w)\}/g, (all, k) => values[k] ?? all);
const at = (id) => document.getElementById(id);
const api = (path) => '/phone/api/' + path;

function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, v);
  el.append(...children);
  return el;
}

function icon(name) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(ns, 'use');
  use.setAttribute('href', '#i-' + name);
  svg.append(use);
  return svg;
}

const clock = (time, seconds) => new Date(time).toLocaleTimeString(document.documentElement.lang === 'id' ? 'id-ID' : 'en-GB',
  { hour: '2-digit', minute: '2-digit', ...(seconds && { second: '2-digit' }) });

/** call asks our own server; what it refuses is thrown as an Error in words. */
async function call(method, path, body) {
  let res;
  try {
    res = await fetch(api(path), { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body) });
  } catch {
    throw new Error(say('unreachable'));
  }
  const type = res.headers.get('Content-Type') ?? '';
  const answer = type.includes('json') ? await res.json() : null;
  if (!res.ok) throw new Error(answer?.detail ?? `${say('failed')} (${res.status})`);
  return answer;
}

// ---- telephones ----

const phones = new Map(); // number → section
let lastTicket = '';
const tickets = new Set();

function adopt(section, view) {
  const number = view.number;
  section.dataset.number = number;
  section.setAttribute('aria-label', view.shown);
  section.querySelector('.number').textContent = view.shown;
  section.querySelector('.chat').setAttribute('aria-label', `${at('phones').dataset.messages ?? ''} ${view.shown}`.trim());
  const remove = section.querySelector('.remove');
  remove.setAttribute('aria-label', say('remove', { n: view.shown }));
  remove.addEventListener('click', async () => {
    await attempt(section, () => call('DELETE', 'telephones/' + number));
    at('add').focus();
  });
  const form = section.querySelector('form');
  const box = form.querySelector('textarea');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    sendFrom(section, box);
  });
  let entered = false; // some keyboards put the line break in all the same
  box.addEventListener('keydown', (event) => {
    entered = event.key === 'Enter' && !event.shiftKey && !event.isComposing;
    if (entered) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  box.addEventListener('beforeinput', (event) => {
    if (entered && event.inputType === 'insertLineBreak') event.preventDefault();
  });
  box.addEventListener('input', () => count(section, box.value));
  for (const chip of section.querySelectorAll('.chip')) {
    chip.addEventListener('click', () => attempt(section, () => call('POST', `telephones/${number}/sms`, { text: chip.dataset.text })));
  }
  phones.set(number, section);
  scrollDown(section.querySelector('.chat'));
  return section;
}

/** attempt runs an action and says under the telephone what went wrong. */
async function attempt(section, action) {
  const wrong = section.querySelector('.wrong');
  wrong.textContent = '';
  try {
    await action();
    return true;
  } catch (error) {
    wrong.textContent = error.message;
    return false;
  }
}

async function sendFrom(section, box) {
  const text = box.value;
  if (text === '' || box.readOnly) return;
  box.readOnly = true; // not disabled: the focus stays
  if (await attempt(section, () => call('POST', `telephones/${section.dataset.number}/sms`, { text }))) {
    box.value = '';
    count(section, '');
  }
  box.readOnly = false;
}

const counting = new WeakMap(); // section → the number of its newest question

/** count shows what the server says that the text takes, by the very rules that it is sent by. */
async function count(section, text) {
  const mine = (counting.get(section) ?? 0) + 1;
  counting.set(section, mine);
  const show = section.querySelector('.count');
  if (text === '') {
    show.textContent = '';
    return;
  }
  try {
    const c = await call('POST', 'count', { text });
    if (counting.get(section) !== mine) return;
    let line = `${measure(c)} · ${say('left', { n: c.left })}`;
    if (c.culprits.length) line += ` · ${say('because', { c: c.culprits.slice(0, 6).join(' ') })}`;
    show.textContent = line;
  } catch {
    if (counting.get(section) === mine) show.textContent = '';
  }
}

const alphabets = { gsm7: 'GSM-7', ucs2: 'UCS-2' };
const measure = (c) => `${alphabets[c.alphabet] ?? c.alphabet} · ${c.segments} ${say(c.segments === 1 ? 'segment' : 'segments')}`;

function bubble(sms) {
  const text = make('p', { class: 'text', dir: 'auto' });
  for (const piece of sms.pieces ?? []) {
    if (piece.code) text.append(make('span', { class: 'code' }, `⟨${piece.code}⟩`));
    else if (piece.ticket) text.append(make('b', { class: 'number-of' }, piece.ticket));
    else text.append(piece.text);
  }
  const meta = make('p', { class: 'meta' }, make('time', { datetime: sms.at, title: clock(sms.at, true) }, clock(sms.at)), make('span', {}, measure(sms)));
  if (sms.progress) {
    const tick = make('span', { class: 'tick', 'data-progress': sms.progress }, icon(sms.progress), say(sms.progress));
    if (sms.settled) tick.title = clock(sms.settled, true);
    meta.append(tick);
  }
  return make('li', { class: `bubble ${sms.out ? 'out' : 'in'}`, 'data-id': sms.id, 'data-rev': sms.rev },
    make('span', { class: 'who' }, say(sms.out ? 'you' : 'line')), text, meta);
}

function showSMS(sms) {
  const section = phones.get(sms.telephone);
  if (!section) return;
  if (!sms.out) sms.pieces?.forEach((p) => p.ticket && sawTicket(p.ticket));
  const list = section.querySelector('.bubbles');
  const chat = section.querySelector('.chat');
  const old = list.querySelector(`[data-id="${sms.id}"]`);
  if (old?.dataset.rev === String(sms.rev)) return;
  const el = bubble(sms);
  if (old) {
    old.replaceWith(el);
    return;
  }
  const below = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 80;
  el.classList.add('new');
  list.append(el);
  while (list.childElementCount > config.maxSMS) list.firstElementChild.remove();
  if (below || sms.out) scrollDown(chat);
}

function scrollDown(chat) {
  chat.scrollTop = chat.scrollHeight;
}

function showTelephones(views) {
  const wanted = new Set(views.map((v) => v.number));
  for (const [number, section] of phones) {
    if (!wanted.has(number)) {
      section.remove();
      phones.delete(number);
    }
  }
  for (const view of views) {
    if (phones.has(view.number)) continue;
    const made = at('phones').querySelector(`[data-number="${view.number}"]`);
    if (made) {
      adopt(made, view);
    } else {
      const section = at('phone-template').content.querySelector('.phone').cloneNode(true);
      at('phones').append(section);
      adopt(section, view);
    }
  }
  at('add').disabled = views.length >= config.maxPhones;
}

// ---- the link ----

function linkWord(state) {
  return config.words[state + 'Link'] ?? config.words[state] ?? state;
}

function showLink(link) {
  for (const id of ['pill', 'link']) at(id).dataset.state = link.state;
  at('pill-text').textContent = linkWord(link.state);
  at('link-word').textContent = linkWord(link.state);
  at('link-since').textContent = say('since', { t: clock(link.since, true) });
  at('link-reason').textContent = link.reason;
  let cut = null;
  const lines = link.news.map((n) => {
    const li = make('li', {}, make('time', { datetime: n.at }, clock(n.at, true)), make('span', {}, linkWord(n.state)));
    if (n.state === 'cut') cut = Date.parse(n.at);
    if (n.state === 'bound' && cut !== null) {
      li.append(make('span', { class: 'heal' }, say('healed', { s: ((Date.parse(n.at) - cut) / 1000).toFixed(1) })));
      cut = null;
    }
    return li;
  });
  at('news').replaceChildren(...lines.reverse());
}

at('cut').addEventListener('click', async () => {
  try {
    await call('POST', 'cut');
  } catch (error) {
    at('link-reason').textContent = error.message;
  }
});

at('add').addEventListener('click', async () => {
  const section = at('phones').lastElementChild;
  let view;
  if (await attempt(section, async () => { view = await call('POST', 'telephones'); })) {
    await until(() => phones.has(view.number));
    phones.get(view.number)?.querySelector('textarea').focus();
  }
});

async function until(true_) {
  for (let i = 0; i < 40 && !true_(); i++) await new Promise((done) => setTimeout(done, 50));
}

// ---- staff: the real API ----

function sawTicket(number) {
  const box = at('ticket');
  if (box.value === '' || box.value === lastTicket) box.value = number;
  lastTicket = number;
  if (tickets.has(number)) return;
  tickets.add(number);
  at('tickets').prepend(make('option', { value: number }));
}

const quote = (s) => `'${s.replaceAll("'", `'\\''`)}'`;

at('staff').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const path = `/v1/tickets/${encodeURIComponent(form.get('ticket').trim())}/status`;
  const body = { status: form.get('status') };
  if (form.get('note').trim()) body.note = form.get('note').trim();
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
  const headers = { Authorization: `Bearer ${config.apiKey}`, 'Content-Type': 'application/json', 'Idempotency-Key': key };
  const button = event.target.querySelector('button');
  const result = at('result');
  button.disabled = true;
  result.className = 'result';
  result.replaceChildren(say('pushing'));
  const lines = [];
  try {
    const res = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = await res.json().catch(() => ({}));
    result.classList.toggle('failed', !res.ok);
    if (res.ok) {
      lines.push(make('b', {}, `${res.status} ${say('ok')}`), make('p', {}, `${answer.ticket ?? ''} → ${answer.status ?? ''}`));
      lines.push(make('p', {}, answer.refused === 'opted_out' ? say('optedOut') : say('sms', { n: answer.messages?.length ?? 0 })));
      event.target.querySelector('textarea').value = '';
    } else {
      lines.push(make('b', {}, `${res.status} ${answer.title ?? say('failed')}`));
      if (answer.detail) lines.push(make('p', {}, answer.detail));
      if (answer.code) lines.push(make('p', {}, make('span', { class: 'code' }, answer.code)));
    }
  } catch {
    result.classList.add('failed');
    lines.push(make('b', {}, say('failed')), make('p', {}, say('unreachable')));
  }
  const curl = [`curl -X POST ${quote(location.origin + path)}`, ...Object.entries(headers).map(([k, v]) => `-H ${quote(`${k}: ${v}`)}`), `-d ${quote(JSON.stringify(body))}`];
  lines.push(make('details', {}, make('summary', {}, say('request')), make('pre', { tabindex: '0' }, curl.join(' \\\n  '))));
  result.replaceChildren(...lines);
  button.disabled = false;
});

// ---- the stream ----

function apply(change) {
  if (change.run !== config.run) {
    location.reload(); // the daemon was started anew: another key, other telephones
    return;
  }
  showTelephones(change.telephones);
  change.sms.forEach(showSMS);
  if (change.link) showLink(change.link);
}

let alarm = 0; // a stream that comes back within two seconds is not worth a word

function offline(is) {
  if (!is) {
    clearTimeout(alarm);
    alarm = 0;
    at('offline').hidden = true;
    at('offline').textContent = '';
  } else if (alarm === 0) { // the browser's own tries, one a second, must not put it off
    alarm = setTimeout(() => {
      at('offline').hidden = false;
      at('offline').textContent = say('offline');
    }, 2000);
  }
}

/** listen follows the stream; where a browser gives up on it, the state is asked for until a stream opens again. */
function listen() {
  const stream = new EventSource(api('events'));
  stream.onopen = () => offline(false);
  stream.onmessage = (event) => apply(JSON.parse(event.data));
  stream.onerror = async () => {
    if (stream.readyState !== EventSource.CLOSED) {
      offline(true); // the browser itself tries again
      return;
    }
    try {
      apply(await call('GET', 'state'));
      offline(false);
    } catch {
      offline(true);
    }
    setTimeout(listen, 2000);
  };
}
listen();
