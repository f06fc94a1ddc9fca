// A stranger's SMSC: the server of node-smpp, with telephones that join what arrives.
// node smsc.js PORT SYSTEM_ID PASSWORD text|tlvs [CERT KEY]
//
// stdin, a line each:  {"op":"send","id":1,"from":"6281…","to":"1708","text":"…","part":153}
//                      part: characters a segment; 0: one short_message as node-smpp encodes it
// stdout, a line each: {"event":"listening"} bound, unbound, resp (of a part of id), sms (whole, as the telephone reads it),
//                      receipt (answered), error
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [port, systemID, password, receipts, cert, key] = process.argv.slice(2);
const options = cert ? { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } : {};

let session = null; // the one that is bound
let reference = 0;
let messageID = 0x1a0;
const waiting = []; // texts from before the bind
const partial = new Map(); // segments of long SMS, by telephone and reference

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');

// send hands a telephone's text to the ESME, in segments where asked. Alphabet and
// data_coding are node-smpp's own choice.
function send(cmd) {
	if (!session) {
		waiting.push(cmd);
		return;
	}
	const chars = Array.from(cmd.text);
	const size = cmd.part || chars.length;
	const total = Math.ceil(chars.length / size);
	reference = (reference + 1) & 0xff;
	const coding = smpp.encodings.detect(cmd.text); // of the whole: a part alone might fit another
	for (let number = 1; number <= total; number++) {
		const text = chars.slice((number - 1) * size, number * size).join('');
		const pdu = {
			source_addr_ton: 1, source_addr_npi: 1, source_addr: cmd.from,
			dest_addr_ton: 0, dest_addr_npi: 1, destination_addr: cmd.to,
			short_message: text,
		};
		if (total > 1) {
			pdu.data_coding = smpp.ENCODING[coding];
			pdu.short_message = { udh: Buffer.from([5, 0, 3, reference, total, number]), message: text };
		}
		session.deliver_sm(pdu, (resp) => tell({ event: 'resp', id: cmd.id, part: number, status: resp.command_status }));
	}
}

// take is a telephone that receives one submit_sm.
function take(pdu, id) {
	const message = pdu.short_message;
	const sms = { event: 'sms', from: pdu.source_addr, to: pdu.destination_addr, coding: pdu.data_coding, ids: [id], segments: 1 };
	const ie = (message.udh || []).find((e) => e[0] === 0 && e[1] === 3);
	if (!ie) {
		tell({ ...sms, text: message.message });
		return;
	}
	const [ref, total, number] = ie.subarray(2);
	const key = pdu.destination_addr + '/' + ref;
	const group = partial.get(key) || { parts: [], ids: [] };
	partial.set(key, group);
	group.parts[number - 1] = message.message;
	group.ids[number - 1] = id;
	if (group.parts.filter((p) => p !== undefined).length === total) {
		partial.delete(key);
		tell({ ...sms, ids: group.ids, segments: total, text: group.parts.join('') });
	}
}

const stamp = (at) => at.toISOString().replace(/[-T:]/g, '').slice(2, 12);

// receipt tells the ESME that the telephone has an SMS.
function receipt(pdu, id) {
	const r = {
		esm_class: 4, source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr,
		dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
	};
	if (receipts === 'tlvs') {
		r.receipted_message_id = id;
		r.message_state = 2;
	} else {
		const now = stamp(new Date());
		r.short_message = `id:${id} sub:001 dlvrd:001 submit date:${now} done date:${now} stat:DELIVRD err:000 text:`;
	}
	session.deliver_sm(r, (resp) => tell({ event: 'receipt', message: id, status: resp.command_status }));
}

function bind(s, pdu) {
	if (pdu.system_id !== systemID || pdu.password !== password) {
		s.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
		return;
	}
	s.send(pdu.response({ system_id: 'stranger' }));
	session = s;
	tell({ event: 'bound', version: pdu.interface_version });
	waiting.splice(0).forEach(send);
}

const server = smpp.createServer(options, (s) => {
	s.on('error', (e) => tell({ event: 'error', text: String(e) }));
	s.on('close', () => {
		if (session === s) {
			session = null;
			tell({ event: 'unbound' });
		}
	});
	s.on('bind_transceiver', (pdu) => bind(s, pdu));
	s.on('enquire_link', (pdu) => s.send(pdu.response()));
	s.on('unbind', (pdu) => {
		tell({ event: 'unbind' });
		s.send(pdu.response());
		s.close();
	});
	s.on('submit_sm', (pdu) => {
		const id = String(++messageID);
		s.send(pdu.response({ message_id: id }));
		take(pdu, id);
		if (pdu.registered_delivery & 1) {
			receipt(pdu, id);
		}
	});
});
server.listen(Number(port), '127.0.0.1', () => tell({ event: 'listening' }));

require('readline').createInterface({ input: process.stdin }).on('line', (line) => send(JSON.parse(line))).on('close', () => process.exit(0));
