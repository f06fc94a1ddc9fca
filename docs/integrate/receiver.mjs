// A receiver of the line's events: verifies, keeps each once, answers 204.
//
//   WEBHOOK_SECRET=whsec_… node receiver.mjs [PORT]
//
// Node 18 or newer, nothing besides. Put it behind your TLS proxy; the line itself sends http to its own machine only.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secrets = process.env.WEBHOOK_SECRET.trim().split(/\s+/).map((s) => Buffer.from(s.replace("whsec_", ""), "base64"));
const tolerance = 300; // seconds: what is older, or signed in the future, is refused
const largest = 4 << 20;
const seen = new Set(); // keep it where it outlives you: a table with the id as its key

// verify throws unless the line signed body, within the last five minutes.
function verify(headers, body) {
  const { "webhook-id": id = "", "webhook-timestamp": at = "", "webhook-signature": signatures = "" } = headers;
  if (!/^\d+$/.test(at) || Math.abs(Date.now() / 1000 - Number(at)) > tolerance) throw new Error("too old, or a clock is wrong");
  const good = secrets.some((key) => {
    const want = createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest();
    return signatures.split(" ").some((s) => {
      const got = Buffer.from(s.replace(/^v1,/, ""), "base64");
      return s.startsWith("v1,") && got.length === want.length && timingSafeEqual(got, want);
    });
  });
  if (!good) throw new Error("not signed by the line");
  return id;
}

// take hands the event to your case system. Types that you do not know are answered 2xx too.
function take(event) {
  console.log(event.id, event.type, event.subject ?? "-");
}

const server = createServer((request, response) => {
  const parts = [];
  let size = 0;
  request.on("data", (part) => {
    size += part.length;
    if (size > largest) request.destroy();
    parts.push(part);
  });
  request.on("end", () => {
    const body = Buffer.concat(parts); // the bytes as they came: the signature is over them
    try {
      const id = verify(request.headers, body);
      if (!seen.has(id)) { // it may come again under the same id
        take(JSON.parse(body));
        seen.add(id);
      }
      response.writeHead(204).end(); // only now: the next event of this ticket comes after it
    } catch (why) {
      console.error("refused:", why.message);
      response.writeHead(401).end();
    }
  });
});
server.listen(Number(process.argv[2] ?? 9090), "127.0.0.1", () => console.log("listening on", server.address().port));
