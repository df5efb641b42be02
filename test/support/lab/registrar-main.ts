// A SIP provider's registrar, as a process in the caller's place: challenges every REGISTER once, checks the answer, keeps the
// bindings as a provider does (by Contact, so that an un-REGISTER with the same Contact removes another's), and prints one
// JSON line for every REGISTER that it accepted or challenged. It judges nothing; `registrar.ts` does.
//
// Arguments: own address, port, user, the passwords that it takes (JSON), for how long it binds at the most (seconds).
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { monotonicMs } from "./clock.ts";

const [address = "", port = "5090", user = "", passwordsText = "[]", longest = "3600"] = process.argv.slice(2);
const passwords = JSON.parse(passwordsText) as readonly string[];
const nonces = new Set<string>();
const bindings = new Map<string, { readonly from: string; readonly server: string }>();
const socket = createSocket("udp4");
const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

function header(message: string, name: string): string {
  return new RegExp(`^${name}\\s*:\\s*(.*?)\\s*$`, "im").exec(message)?.[1] ?? "";
}

/** Which of the passwords the sender knows; -1 for none. */
function knows(request: string): number {
  const given = header(request, "Authorization");
  const part = (name: string): string => new RegExp(`(?:^|[ ,])${name}="?([^",]*)"?`, "i").exec(given)?.[1] ?? "";
  if (!nonces.has(part("nonce")) || part("username") !== user) return -1;
  const method = md5(`REGISTER:${part("uri")}`);
  return passwords.findIndex((password) => {
    const secret = md5(`${user}:lab-provider:${password}`);
    const expected = part("qop") === "" ? md5(`${secret}:${part("nonce")}:${method}`) : md5(`${secret}:${part("nonce")}:${part("nc")}:${part("cnonce")}:auth:${method}`);
    return expected === part("response");
  });
}

function answer(request: string, status: string, more: readonly string[]): string {
  const vias = [...request.matchAll(/^(Via\s*:.*)$/gim)].map((match) => (match[1] ?? "").trimEnd());
  return [`SIP/2.0 ${status}`, ...vias, `From: ${header(request, "From")}`, `To: ${header(request, "To")};tag=lab`, `Call-ID: ${header(request, "Call-ID")}`, `CSeq: ${header(request, "CSeq")}`, ...more, "Content-Length: 0", "\r\n"].join("\r\n");
}

socket.on("message", (message, from) => {
  const request = message.toString("latin1");
  if (!request.startsWith("REGISTER ")) return;
  const reply = (status: string, more: readonly string[] = []): void => socket.send(answer(request, status, more), from.port, from.address);
  const contact = header(request, "Contact");
  // The mark that Asterisk adds (line=) differs between nodes; providers compare the address without it, or not: see registrar.ts.
  const uri = /<sips?:([^;>]+)/.exec(contact)?.[1] ?? "";
  const expires = Math.min(Number(longest), Number(/;expires=(\d+)/i.exec(contact)?.[1] ?? header(request, "Expires")));
  const password = knows(request);
  const tell = (accepted: boolean): void => { process.stdout.write(`${JSON.stringify({ accepted, uri, expires, password, from: from.address, server: header(request, "User-Agent"), atMs: monotonicMs(), bindings: [...bindings.values()].map((each) => each.server) })}\n`); };
  if (password < 0) {
    tell(false);
    const nonce = randomBytes(8).toString("hex");
    nonces.add(nonce);
    reply("401 Unauthorized", [`WWW-Authenticate: Digest realm="lab-provider", nonce="${nonce}", algorithm=MD5, qop="auth"`]);
    return;
  }
  if (expires === 0) bindings.delete(uri);
  else bindings.set(uri, { from: from.address, server: header(request, "User-Agent") });
  tell(true);
  reply("200 OK", [...(expires === 0 ? [] : [`Contact: ${contact};expires=${expires}`])]);
});
socket.bind(Number(port), address, () => process.stderr.write("listening\n"));
