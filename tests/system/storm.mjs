// storm.mjs: webhooks as a busy WhatsApp number gets them over three days, made from a seed: people with and without user ids, batches,
// statuses before their messages and of messages sent elsewhere, groups, history beside news, changes of numbers, edits of edits.
const NUMBER = '106540352242922', OWN = '5511955550100', WABA = '215589313241560883', START_S = 1_760_000_000, DAY_S = 86_400;
const PEOPLE = 240, GROUPS = 6, RECENT = 400;

// xorshift32: the same numbers on every machine.
const dice = (seed) => {
  let x = seed | 0 || 1;
  return (below) => {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    return (x >>> 0) % below;
  };
};

export function shuffled(list, seed) {
  const roll = dice(seed), out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const k = roll(i + 1);
    [out[i], out[k]] = [out[k], out[i]];
  }
  return out;
}

class Storm {
  constructor(seed) {
    this.roll = dice(seed);
    this.at = START_S;
    this.ids = 0;
    this.known = []; // messages that something may be said of: {id, who, out, group, message}
    this.files = []; // of the history, still to come
    this.people = Array.from({ length: PEOPLE }, (_, i) => ({ i, phone: `55119${String(80_000_000 + i * 7)}`, user: `BR.${900_000 + i}`, name: `Pessoa ${i}` }));
  }

  one(list) { return list[this.roll(list.length)]; }
  percent(n) { return this.roll(100) < n; }
  id() { return `wamid.storm${this.ids++}`; }
  person() { return this.one(this.people); }
  remember(message) {
    this.known.push(message);
    if (this.known.length > RECENT) this.known.shift();
    return message;
  }

  // A number as the platform writes it: mostly without the ninth digit, which is one person all the same.
  number(who) { return this.percent(70) ? `${who.phone.slice(0, 4)}${who.phone.slice(5)}` : who.phone; }

  // By number, by user id, or both.
  by(who, message) {
    const way = this.roll(4);
    if (way !== 1) message.from = this.number(who);
    if (way === 1 || way === 2) message.from_user_id = who.user;
    return message;
  }

  contacts(who, message) {
    const contact = { profile: { name: this.percent(10) ? `${who.name} ${this.roll(3)}` : who.name } };
    if (message.from) contact.wa_id = message.from;
    if (message.from_user_id) contact.user_id = message.from_user_id;
    return contact;
  }

  content() {
    const n = this.ids, file = (mime, more) => ({ id: String(7_000_000 + n), mime_type: mime, sha256: 'SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=', ...more });
    return this.one([
      { type: 'text', text: { body: `recado ${n}` } }, { type: 'text', text: { body: `pedido nº ${n}, não chegou` } }, { type: 'text', text: { body: this.one(['PARAR', 'Quero receber', 'oi', '👍']) } },
      { type: 'image', image: file('image/jpeg', { caption: `foto ${n}` }) }, { type: 'video', video: file('video/mp4') }, { type: 'audio', audio: file('audio/ogg; codecs=opus', { voice: true }) },
      { type: 'document', document: file('application/pdf', { filename: `nota ${n}.pdf` }) }, { type: 'sticker', sticker: file('image/webp', { animated: false }) },
      { type: 'location', location: { latitude: -23.55, longitude: -46.63, name: `loja ${n}` } },
      { type: 'contacts', contacts: [{ name: { formatted_name: `B ${n}` }, phones: [{ phone: '+55 11 91234-5678' }] }] },
      { type: 'button', button: { payload: 'P', text: `botão ${n}` } },
      { type: 'interactive', interactive: { type: 'list_reply', list_reply: { id: `r${n}`, title: `linha ${n}` } } },
      { type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', body: 'Enviado', response_json: `{"n":${n}}` } } },
      { type: 'order', order: { catalog_id: '19', text: `encomenda ${n}`, product_items: [{ product_retailer_id: 'sku', quantity: 2, item_price: 30, currency: 'BRL' }] } },
      { type: 'unsupported', errors: [{ code: 131051, title: 'Message type unknown' }] }, { type: 'poll_of_tomorrow', poll_of_tomorrow: { question: n } },
    ]);
  }

  value(more) { return { messaging_product: 'whatsapp', metadata: { display_phone_number: OWN, phone_number_id: NUMBER }, ...more }; }
  change(field, value) { return { field, value: this.value(value) }; }

  incoming() {
    const messages = [], contacts = [];
    for (let k = this.percent(15) ? 2 + this.roll(4) : 1; k > 0; k--) {
      const who = this.person(), group = this.percent(5) ? `grupo-${this.roll(GROUPS)}` : undefined;
      const message = this.by(who, { id: this.id(), timestamp: String(this.at), ...this.content(), ...(group && { group_id: group }) });
      if (this.percent(20) && this.known.length) message.context = { id: this.one(this.known).id };
      if (this.percent(4)) message.referral = { source_id: '1202', source_type: 'ad', source_url: 'https://fb.me/x', ctwa_clid: `Af-${this.ids}` };
      contacts.push(this.contacts(who, message));
      messages.push(message);
      this.remember({ id: message.id, who, out: false, group, message });
    }
    return this.change('messages', { contacts, messages });
  }

  echo() {
    const who = this.person(), m = { from: OWN, to: this.number(who), id: this.id(), timestamp: String(this.at), ...this.content() };
    if (m.type === 'poll_of_tomorrow') m.type = 'text', m.text = { body: 'olá' };
    this.remember({ id: m.id, who, out: true, message: m });
    return this.change('smb_message_echoes', { message_echoes: [m] });
  }

  // Of messages that other programs sent, too: nothing else is ever said of those.
  status() {
    const statuses = [];
    for (let k = 1 + this.roll(4); k > 0; k--) {
      const about = this.percent(30) || !this.known.length ? this.remember({ id: this.id(), who: this.person(), out: true, group: this.percent(30) && `grupo-${this.roll(GROUPS)}` }) : this.one(this.known);
      const s = { id: about.id, status: this.one(['sent', 'delivered', 'delivered', 'read', 'read', 'played', 'failed', 'warning']), timestamp: String(this.at - this.roll(30)), recipient_id: about.who.phone };
      if (about.group) Object.assign(s, { recipient_type: 'group', recipient_id: about.group, [this.one(['recipient_participant_id', 'participant_recipient_id'])]: this.person().phone });
      if (s.status === 'failed') s.errors = [{ code: this.one([131026, 131049, 130472]), title: 'Message undeliverable' }];
      if (s.status === 'sent') s.pricing = { billable: true, pricing_model: 'PMP', type: 'regular', category: 'marketing' };
      statuses.push(s);
    }
    return this.change('messages', { statuses });
  }

  // What is said of a message by its own writer.
  rewritten() {
    const about = this.known.length ? this.one(this.known) : null;
    if (!about || about.group) return this.incoming();
    const part = this.percent(60) ? { type: 'edit', edit: { original_message_id: about.id, message: { type: 'text', text: { body: `outra vez ${this.ids}` } } } }
      : { type: 'revoke', revoke: { original_message_id: about.id } };
    const m = { id: this.id(), timestamp: String(this.at), ...part };
    if (about.out) return this.change('smb_message_echoes', { message_echoes: [{ from: OWN, to: this.number(about.who), ...m }] });
    return this.change('messages', { messages: [this.by(about.who, m)] });
  }

  reaction() {
    const about = this.known.length ? this.one(this.known) : { id: 'wamid.elsewhere', who: this.person() };
    const m = this.by(about.who, { id: this.id(), timestamp: String(this.at), type: 'reaction', reaction: { message_id: about.id } });
    if (this.percent(75)) m.reaction.emoji = this.one(['👍', '❤️', '😂']);
    return this.change('messages', { messages: [m] });
  }

  // Old messages, and some that were told of before, by their writer or by the app; a file of theirs comes later.
  history() {
    const who = this.person(), messages = [];
    for (let k = 1 + this.roll(12); k > 0; k--) {
      const told = this.percent(10) && this.known.find((m) => m.who === who && m.message?.type === 'text' && !m.group);
      const ours = told ? told.out : this.percent(50), placeholder = !told && this.percent(10);
      const m = told ? { ...told.message, from: ours ? OWN : this.number(who) } : { from: ours ? OWN : this.number(who), id: this.id(), timestamp: String(START_S - this.roll(180 * DAY_S)),
        ...(placeholder ? { type: 'media_placeholder' } : { type: 'text', text: { body: `de antes ${this.ids}` } }) };
      m.history_context = { status: this.one(['SENT', 'DELIVERED', 'READ', 'PLAYED', 'ERROR', 'PENDING']) };
      if (ours) m.to = this.number(who);
      messages.push(m);
      if (placeholder) this.files.push({ ...m, ours });
    }
    return this.change('history', { history: [{ metadata: { phase: this.roll(3), chunk_order: this.ids, progress: this.roll(101) }, threads: [{ id: who.phone, messages }] }] });
  }

  file() {
    const m = this.files.shift();
    if (!m) return this.history();
    const { ours, history_context, ...message } = m;
    Object.assign(message, { type: 'image', image: { id: String(8_000_000 + this.ids), mime_type: 'image/jpeg', sha256: 'a'.repeat(64) } });
    return this.change('history', ours ? { message_echoes: [message] } : { messages: [message] });
  }

  // The address book of the app.
  book() {
    const state_sync = Array.from({ length: 1 + this.roll(3) }, () => {
      const who = this.person(), remove = this.percent(25);
      return { type: 'contact', contact: { phone_number: who.phone, ...(!remove && { full_name: `${who.name} da Silva ${this.roll(2)}`, first_name: who.name }) },
        action: remove ? 'remove' : 'add', metadata: { timestamp: String(this.at) } };
    });
    return this.change('smb_app_state_sync', { state_sync });
  }

  preference() {
    const who = this.person();
    return this.change('user_preferences', { contacts: [{ wa_id: who.phone, profile: { name: who.name } }],
      user_preferences: [{ wa_id: who.phone, category: 'marketing_messages', value: this.one(['stop', 'resume']), timestamp: this.at, detail: 'x' }] });
  }

  // A person moves to another number or is given another user id.
  moved() {
    const who = this.person(), m = { from: who.phone, id: this.id(), timestamp: String(this.at), type: 'system' };
    if (this.percent(50)) {
      const phone = `55119${String(90_000_000 + this.ids)}`;
      m.system = { type: 'user_changed_number', body: 'mudou', wa_id: phone };
      who.phone = phone;
    } else {
      const user = `BR.${5_000_000 + this.ids}`;
      m.system = { type: 'user_changed_user_id', body: 'mudou', previous_user_id: who.user, user_id: user };
      who.user = user;
    }
    return this.change('messages', { messages: [m] });
  }

  // What is about our own end, and what nobody understands yet.
  other() {
    return this.one([
      { field: 'phone_number_quality_update', value: { display_phone_number: OWN, event: 'THROUGHPUT_UPGRADE', current_limit: this.one(['TIER_1K', 'TIER_10K']) } },
      { field: 'message_template_status_update', value: { event: this.one(['APPROVED', 'PAUSED', 'REJECTED']), message_template_id: 12345, message_template_name: this.one(['aviso', 'pix']), message_template_language: 'pt_BR', reason: 'NONE' } },
      { field: 'account_update', value: { event: 'ACCOUNT_VIOLATION', violation_info: { violation_type: 'ALCOHOL' } } },
      { field: 'security', value: { display_phone_number: OWN, event: 'PIN_CHANGED', requester: '1' } },
      { field: 'calls', value: this.value({ calls: [{ id: `call.${this.ids++}`, event: 'connect', timestamp: String(this.at) }] }) },
      { field: 'field_of_tomorrow', value: { n: this.ids } },
      this.change('messages', { errors: [{ code: 130429, title: 'Rate limit hit' }] }),
    ]);
  }

  step() {
    const what = this.roll(100);
    this.at += this.roll(50);
    if (what < 34) return this.incoming();
    if (what < 46) return this.echo();
    if (what < 68) return this.status();
    if (what < 74) return this.rewritten();
    if (what < 80) return this.reaction();
    if (what < 86) return this.history();
    if (what < 89) return this.file();
    if (what < 93) return this.book();
    if (what < 95) return this.preference();
    if (what < 97) return this.moved();
    return this.other();
  }

  body() {
    const changes = Array.from({ length: this.percent(15) ? 2 + this.roll(3) : 1 }, () => this.step());
    return JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: WABA, time: this.at, changes }] });
  }
}

// So many bodies, in the order in which things happened.
export function storm(count, seed) {
  const s = new Storm(seed);
  return Array.from({ length: count }, () => s.body());
}
