// A stranger's ESME: node-smpp binds as a transceiver.
// node esme.js PORT SYSTEM_ID PASSWORD [CA]
//
// stdin, a line each:  {"op":"send","id":1,"from":"1708","to":"6281…","text":"…","part":153}; its end: unbind
// stdout, a line each: {"event":"bound"}, resp (of a part of id, with its message id), sms (whole, as it came),
//                      receipt (message, text: its state, coding: 1 where it had a text), unbind, error
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [port, systemID, password, ca] = process.argv.slice(2);
const partial = new Map(); // parts of long SMS, by telephone and reference
let reference = 0;

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');

const session = ca
	? smpp.connect({ url: `ssmpp://127.0.0.1:${port}`, ca: fs.readFileSync(ca) })
	: smpp.connect({ url: `smpp://127.0.0.1:${port}` });

session.on('error', (e) => tell({ event: 'error', text: String(e) }));
session.on('close', () => process.exit(0));
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on(ca ? 'secureConnect' : 'connect', () => {
	session.bind_transceiver({ system_id: systemID, password }, (pdu) => {
		tell({ event: pdu.command_status === 0 ? 'bound' : 'error', text: String(pdu.command_status) });
	});
});

// send submits a text, in segments where asked. Alphabet and data_coding are node-smpp's own choice.
function send(cmd) {
	const chars = Array.from(cmd.text);
	const size = cmd.part || chars.length;
	const total = Math.ceil(chars.length / size);
	reference = (reference + 1) & 0xff;
	const coding = smpp.encodings.detect(cmd.text); // of the whole: a part alone might fit another
	for (let number = 1; number <= total; number++) {
		const text = chars.slice((number - 1) * size, number * size).join('');
		const pdu = {
			source_addr_ton: 3, source_addr: cmd.from, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: cmd.to,
			registered_delivery: 1, short_message: text,
		};
		if (total > 1) {
			pdu.esm_class = 0x40;
			pdu.data_coding = smpp.ENCODING[coding];
			pdu.short_message = { udh: Buffer.from([5, 0, 3, reference, total, number]), message: text };
		}
		session.submit_sm(pdu, (resp) => tell({ event: 'resp', id: cmd.id, part: number, status: resp.command_status, message: resp.message_id }));
	}
}

session.on('deliver_sm', (pdu) => {
	session.send(pdu.response());
	const message = pdu.short_message;
	if (pdu.esm_class & 0x04) {
		const text = message.message || '';
		const found = /^id:(\S+) .* stat:(\w+) /.exec(text) || [];
		const state = { 2: 'DELIVRD' }[pdu.message_state] || found[2];
		tell({ event: 'receipt', message: pdu.receipted_message_id || found[1], text: state, coding: text ? 1 : 0 });
		return;
	}
	const sms = { event: 'sms', from: pdu.source_addr, to: pdu.destination_addr, coding: pdu.data_coding, segments: 1 };
	const ie = (message.udh || []).find((e) => e[0] === 0 && e[1] === 3);
	if (!ie) {
		tell({ ...sms, text: message.message });
		return;
	}
	const [ref, total, number] = ie.subarray(2);
	const key = pdu.source_addr + '/' + ref;
	const parts = partial.get(key) || [];
	partial.set(key, parts);
	parts[number - 1] = message.message;
	if (parts.filter((p) => p !== undefined).length === total) {
		partial.delete(key);
		tell({ ...sms, segments: total, text: parts.join('') });
	}
});

require('readline').createInterface({ input: process.stdin })
	.on('line', (line) => send(JSON.parse(line)))
	.on('close', () => session.unbind(() => {
		tell({ event: 'unbind' });
		session.close();
	}));
