#!/usr/bin/env python3
"""A receiver of the line's events: verifies, keeps each once, answers 204.

    WEBHOOK_SECRET=whsec_… python3 receiver.py [PORT]

Python 3.8 or newer, nothing besides. Put it behind your TLS proxy; the line itself sends http to its own machine only.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

SECRETS = [base64.b64decode(s.replace("whsec_", "", 1)) for s in os.environ["WEBHOOK_SECRET"].split()]
TOLERANCE = 300  # seconds: what is older, or signed in the future, is refused
LARGEST = 4 << 20
seen = set()  # keep it where it outlives you: a table with the id as its key


def verify(headers, body):
    """Raises ValueError unless the line signed body, within the last five minutes."""
    event, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > TOLERANCE:
        raise ValueError("too old, or a clock is wrong")
    signed = f"{event}.{at}.".encode() + body
    want = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in SECRETS]
    got = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(w.encode(), g.encode()) for w in want for g in got):
        raise ValueError("not signed by the line")
    return event


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > LARGEST:
            return self.answer(413)
        body = self.rfile.read(length)  # the bytes as they came: the signature is over them
        try:
            event = verify(self.headers, body)
        except ValueError as why:
            print("refused:", why, file=sys.stderr)
            return self.answer(401)
        if event not in seen:  # it may come again under the same id
            take(json.loads(body))
            seen.add(event)
        self.answer(204)  # only now: the next event of this ticket comes after it

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def take(event):
    """Hands the event to your case system. Types that you do not know are answered 2xx too."""
    print(event["id"], event["type"], event.get("subject", "-"), flush=True)


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9090), Receiver)
    print("listening on", server.server_address[1], flush=True)
    server.serve_forever()
