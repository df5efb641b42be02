// The measuring caller's process: sends SIP OPTIONS over UDP at a fixed rate from one socket, as a phone would keep its pinhole
// open, and prints one JSON line for each request sent and each answer received. It judges nothing; `caller.ts` does.
//
// Arguments: target address, target port, interval in milliseconds, own address.
import { createSocket } from "node:dgram";
import { monotonicMs } from "./clock.ts";

const [target = "", port = "5060", interval = "100", own = ""] = process.argv.slice(2);
const intervalMs = Number(interval);
const socket = createSocket("udp4");
const run = `${process.pid}-${Math.trunc(monotonicMs())}`;
let sequence = 0;
let startedMs = 0;

function request(number: number, localPort: number): string {
  return [
    `OPTIONS sip:${target}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own}:${localPort};rport;branch=z9hG4bK-${run}-${number}`,
    "Max-Forwards: 70",
    `From: <sip:measure@${own}>;tag=${run}`,
    `To: <sip:${target}:${port}>`,
    `Call-ID: ${run}-${number}`,
    `CSeq: ${number} OPTIONS`,
    `Contact: <sip:measure@${own}:${localPort}>`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

function send(): void {
  sequence += 1;
  const number = sequence;
  socket.send(request(number, socket.address().port), Number(port), target, (error) => {
    if (error !== null) print({ type: "refused", number, error: error.message });
  });
  print({ type: "sent", number, atMs: monotonicMs() });
  // The schedule is absolute: a late timer doesn't shift all that follow.
  setTimeout(send, Math.max(0, startedMs + sequence * intervalMs - monotonicMs()));
}

socket.on("message", (message, from) => {
  const atMs = monotonicMs();
  const text = message.toString("latin1");
  const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
  const number = /^CSeq:\s*(\d+)/im.exec(text)?.[1];
  if (status === undefined || number === undefined || !text.includes(run)) return;
  const server = /^Server:\s*(.+?)\s*$/im.exec(text)?.[1] ?? "";
  print({ type: "answered", number: Number(number), atMs, status: Number(status), server, from: from.address });
});

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

socket.bind(0, own, () => {
  startedMs = monotonicMs();
  send();
});
