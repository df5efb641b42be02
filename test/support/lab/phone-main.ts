// A phone's process: registers once (digest, as any phone does), keeps its socket, answers what comes in, and prints one JSON
// line for everything that happens to it. It never registers again by itself. It judges nothing; `phones.ts` does.
//
// Argument: a `PhoneSpec` as JSON.
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { monotonicMs } from "./clock.ts";
import type { PhoneSpec } from "./phones.ts";

const spec = JSON.parse(process.argv[2] ?? "") as PhoneSpec;
const callId = randomBytes(8).toString("hex");
const tag = randomBytes(4).toString("hex");
const contact = `<sip:${spec.user}@${spec.address}:${spec.port}${spec.transport === "tcp" ? ";transport=tcp" : ""}>`;
let sequence = 0;

/** One way to send; the answer to a request goes back the way it came. */
type Send = (text: string) => void;

function print(line: object): void {
  process.stdout.write(`${JSON.stringify({ ...line, atMs: monotonicMs() })}\n`);
}

function header(message: string, name: string): string {
  return new RegExp(`^${name}\\s*:\\s*(.*?)\\s*$`, "im").exec(message)?.[1] ?? "";
}

function allHeaders(message: string, name: string): readonly string[] {
  return [...message.matchAll(new RegExp(`^(${name}\\s*:.*)$`, "gim"))].map((match) => (match[1] ?? "").trimEnd());
}

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

function credentials(challenge: string, uri: string): string {
  const part = (name: string): string => new RegExp(`${name}="([^"]*)"`, "i").exec(challenge)?.[1] ?? "";
  const [realm, nonce, opaque] = [part("realm"), part("nonce"), part("opaque")];
  const cnonce = randomBytes(6).toString("hex");
  const secret = md5(`${spec.user}:${realm}:${spec.password}`);
  const response = md5(`${secret}:${nonce}:00000001:${cnonce}:auth:${md5(`REGISTER:${uri}`)}`);
  return `Authorization: Digest username="${spec.user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}"${opaque === "" ? "" : `, opaque="${opaque}"`}`;
}

function register(send: Send, authorization: string | null): void {
  sequence += 1;
  send([
    `REGISTER sip:${spec.server} SIP/2.0`,
    `Via: SIP/2.0/${spec.transport.toUpperCase()} ${spec.address}:${spec.port};rport;branch=z9hG4bK-${callId}-${sequence}`,
    "Max-Forwards: 70",
    `From: <sip:${spec.user}@${spec.server}>;tag=${tag}`,
    `To: <sip:${spec.user}@${spec.server}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${sequence} REGISTER`,
    `Contact: ${contact}`,
    `Expires: ${spec.expiresSeconds}`,
    ...(authorization === null ? [] : [authorization]),
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n"));
}

function answer(request: string, status: string, send: Send, more: readonly string[] = [], body = ""): void {
  const to = header(request, "To");
  send([
    `SIP/2.0 ${status}`,
    ...allHeaders(request, "Via"),
    ...allHeaders(request, "Record-Route"),
    `From: ${header(request, "From")}`,
    `To: ${to.includes("tag=") ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${header(request, "Call-ID")}`,
    `CSeq: ${header(request, "CSeq")}`,
    ...more,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n"));
}

const SDP = `v=0\r\no=- 1 1 IN IP4 ${spec.address}\r\ns=-\r\nc=IN IP4 ${spec.address}\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n`;

function take(message: string, from: string, send: Send): void {
  const status = /^SIP\/2\.0 (\d{3})/.exec(message)?.[1];
  if (status !== undefined) {
    if (!header(message, "CSeq").endsWith("REGISTER")) return;
    if (status === "401" && sequence === 1) register(send, credentials(header(message, "WWW-Authenticate"), `sip:${spec.server}`));
    else print({ type: "registered", status: Number(status) });
    return;
  }
  const method = /^[A-Z]+/.exec(message)?.[0] ?? "?";
  print({ type: "asked", method, from });
  if (method === "INVITE") {
    answer(message, "180 Ringing", send, [`Contact: ${contact}`]);
    answer(message, "200 OK", send, [`Contact: ${contact}`, "Content-Type: application/sdp"], SDP);
  } else if (method !== "ACK") answer(message, "200 OK", send);
}

if (spec.transport === "udp") {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => take(message.toString("latin1"), from.address, (text) => socket.send(text, from.port, from.address)));
  socket.bind(spec.port, spec.address, () => register((text) => socket.send(text, spec.serverPort, spec.server), null));
} else {
  const socket = connect({ host: spec.server, port: spec.serverPort, localAddress: spec.address, localPort: spec.port });
  const send: Send = (text) => void socket.write(text);
  let rest = "";
  socket.on("connect", () => register(send, null));
  socket.on("error", (error) => print({ type: "broken", error: error.message }));
  socket.on("close", () => print({ type: "closed" }));
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    rest += chunk;
    for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
      const length = end + 4 + Number(header(rest.slice(0, end), "Content-Length") || 0);
      if (rest.length < length) return;
      const message = rest.slice(0, length).trimStart();
      rest = rest.slice(length);
      if (message !== "") take(message, spec.server, send);
    }
  });
  // Without this the event loop would end with a connection that the other side closed; a phone stays.
  setInterval(() => undefined, 60_000);
}
