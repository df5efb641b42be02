/**
 * The little of SIP (RFC 3261) that a probe needs: one request writer, OPTIONS, and one strict reader of responses.
 * A probe is only as good as its refusal to take somebody else's answer for its own, so a response counts only when its
 * topmost and only Via, its Call-ID and its CSeq are exactly ours. Everything else is ignored in silence.
 */

/** No response to OPTIONS comes near this size (bytes); what is larger is not for us. */
export const SIP_RESPONSE_MAX_BYTES = 8192;

/** What identifies one OPTIONS transaction, and where it goes. */
export interface OptionsProbe {
  readonly transport: "udp" | "tcp";
  /** Where the request goes: an IP address and a port. */
  readonly host: string;
  readonly port: number;
  /** Where it comes from: the socket's own address and port. */
  readonly localHost: string;
  readonly localPort: number;
  /** Unique for each probe; the branch begins with the cookie of RFC 3261. */
  readonly branch: string;
  readonly tag: string;
  readonly callId: string;
  readonly cseq: number;
  readonly userAgent: string;
}

/** The head of a response, as far as it matters here. */
export interface SipResponse {
  readonly status: number;
  readonly callId: string;
  readonly cseq: number;
  readonly method: string;
  /** The branch of each Via value, topmost first; null where one has none. */
  readonly branches: readonly (string | null)[];
  /** Bytes of body that follow the head; null when not said (then a datagram's rest is the body). */
  readonly contentLength: number | null;
}

/** Makes the identity of a probe from random text of at least 16 characters, which must differ for each probe. */
export function optionsProbe(target: Pick<OptionsProbe, "transport" | "host" | "port" | "localHost" | "localPort" | "userAgent">, random: string): OptionsProbe {
  return { ...target, branch: `z9hG4bK-${random}`, tag: random.slice(0, 8), callId: `${random}@${hostText(target.localHost)}`, cseq: 1 };
}

/** The request's text: no body, complete enough for any server that follows the RFC. */
export function writeOptions(probe: OptionsProbe): string {
  const target = `${hostText(probe.host)}:${probe.port}`;
  const local = `${hostText(probe.localHost)}:${probe.localPort}`;
  const parameter = probe.transport === "tcp" ? ";transport=tcp" : "";
  return [
    `OPTIONS sip:${target}${parameter} SIP/2.0`,
    // rport: the answer must come back to the port that it left from, whatever lies between (RFC 3581).
    `Via: SIP/2.0/${probe.transport.toUpperCase()} ${local};rport;branch=${probe.branch}`,
    "Max-Forwards: 70",
    `From: <sip:node-agent@${local}>;tag=${probe.tag}`,
    `To: <sip:${target}${parameter}>`,
    `Call-ID: ${probe.callId}`,
    `CSeq: ${probe.cseq} OPTIONS`,
    `Contact: <sip:node-agent@${local}${parameter}>`,
    "Accept: application/sdp",
    `User-Agent: ${probe.userAgent}`,
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n");
}

/** Reads the head of a response, which must end with an empty line. null for anything that is not one. */
export function parseSipResponse(text: string): SipResponse | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0 || end > SIP_RESPONSE_MAX_BYTES) return null;
  // A line that begins with white space continues the one before it.
  const [statusLine = "", ...lines] = text.slice(0, end).replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
  const status = /^SIP\/2\.0 ([1-6]\d\d)(?: .*)?$/.exec(statusLine)?.[1];
  if (status === undefined) return null;
  const found: { callId?: string; cseq?: RegExpExecArray; contentLength?: number } = {};
  const branches: (string | null)[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) return null;
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, colon).trim().toLowerCase()) {
      case "v":
      case "via":
        branches.push(...splitVia(value).map(branchOf));
        break;
      case "i":
      case "call-id":
        if (found.callId !== undefined) return null;
        found.callId = value;
        break;
      case "cseq": {
        const cseq = /^(\d{1,10})[ \t]+([A-Za-z]+)$/.exec(value);
        if (cseq === null || found.cseq !== undefined) return null;
        found.cseq = cseq;
        break;
      }
      case "l":
      case "content-length": {
        if (!/^\d{1,7}$/.test(value) || found.contentLength !== undefined) return null;
        found.contentLength = Number(value);
        break;
      }
    }
  }
  if (found.callId === undefined || found.cseq === undefined) return null;
  return { status: Number(status), callId: found.callId, cseq: Number(found.cseq[1]), method: found.cseq[2] ?? "", branches, contentLength: found.contentLength ?? null };
}

/** Is this the final response to that very probe? Provisional ones (1xx) are not. */
export function answersProbe(response: SipResponse, probe: OptionsProbe): boolean {
  return (
    response.status >= 200 &&
    response.callId === probe.callId &&
    response.cseq === probe.cseq &&
    response.method === "OPTIONS" &&
    // A second Via means that the response was meant for somebody behind us (RFC 3261, 8.1.3.3).
    response.branches.length === 1 &&
    response.branches[0] === probe.branch
  );
}

/** Cuts a TCP stream into messages: keeps what is incomplete, skips bodies and keep-alives, gives up on what is too large. */
export class SipStreamReader {
  #text = "";
  #skip = 0;
  #broken = false;

  /** The responses that this chunk completes; once the stream has become unreadable, none ever again. */
  push(chunk: Uint8Array): readonly SipResponse[] {
    const responses: SipResponse[] = [];
    if (this.#broken) return responses;
    this.#text += Buffer.from(chunk).toString("latin1");
    for (;;) {
      const skipped = Math.min(this.#skip, this.#text.length);
      this.#skip -= skipped;
      this.#text = this.#text.slice(skipped).replace(/^[\r\n]+/, "");
      if (this.#skip > 0) return responses;
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0 || end > SIP_RESPONSE_MAX_BYTES) {
        // The end of the head may have begun, and its last bytes be on their way.
        this.#broken = this.#text.length > SIP_RESPONSE_MAX_BYTES + 3;
        return responses;
      }
      const response = parseSipResponse(this.#text);
      // After garbage the next message can't be found; a request that comes our way is as unexpected as garbage.
      this.#broken = response === null;
      if (response === null) return responses;
      responses.push(response);
      this.#skip = end + 4 + (response.contentLength ?? 0);
    }
  }
}

/** Splits a header at the commas between Via values; a comma inside quotes is none. */
function splitVia(value: string): readonly string[] {
  return value.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
}

function branchOf(via: string): string | null {
  // What is said in quotes is no parameter.
  const unquoted = via.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return /;\s*branch\s*=\s*([^\s;,"]+)/i.exec(unquoted)?.[1] ?? null;
}

function hostText(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
