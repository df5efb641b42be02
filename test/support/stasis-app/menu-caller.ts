// Whoever calls: SIPp at the caller's address, which presses keys (RFC 4733) at given moments and then hangs up, or waits until the other
// side does.
import type { Lab } from "../lab/network.ts";
import { runSipp } from "../lab/sipp.ts";
import { EMPTY, okInCall, SDP } from "./sip-parts.ts";

/** What a caller does after the answer. */
export interface CallerManners {
  /** One after the other: how long to wait (ms), and the key. */
  readonly keys: readonly (readonly [afterMs: number, key: string])[];
  /** Hangs up so long after the last key (ms); null: waits for the other side's BYE. */
  readonly hangUpAfterMs: number | null;
}

const CALLERS_NUMBER = "+49301234561";

const headers = (number: string, method: string, sequence: number, to: string): string => `
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:${number}@[local_ip]:[local_port]>;tag=[pid]in[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>${to}
      Call-ID: [call_id]
      CSeq: ${sequence} ${method}
      Contact: <sip:${number}@[local_ip]:[local_port]>
      Max-Forwards: 70`;

const send = (number: string, method: string, sequence: number, to: string, body = EMPTY): string => `<send${method === "ACK" ? "" : ' retrans="500"'}><![CDATA[
      ${method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0${headers(number, method, sequence, to)}
      ${body}
    ]]></send>`;

const start = (number: string): string => `${send(number, "INVITE", 1, "", SDP)}<recv response="100" optional="true"/><recv response="180" optional="true"/>`;

function scenario({ keys, hangUpAfterMs }: CallerManners, number: string): string {
  const pressed = keys.map(([afterMs, key]) => `<pause milliseconds="${afterMs}"/><nop><action><exec play_dtmf="${key},160,101"/></action></nop>`);
  const end = hangUpAfterMs === null ? `<recv request="BYE"/>${okInCall(EMPTY, "once")}` : `<pause milliseconds="${hangUpAfterMs}"/>${send(number, "BYE", 2, "[peer_tag_param]")}<recv response="200"/>`;
  return `<?xml version="1.0" encoding="UTF-8"?><scenario name="caller">${start(number)}<recv response="200" rrs="true"/>${send(number, "ACK", 1, "[peer_tag_param]")}${pressed.join("")}${end}</scenario>`;
}

let calls = 0;

async function run(lab: Lab, called: string, xml: string, target?: string): Promise<{ readonly ok: boolean; readonly log: string }> {
  calls += 1;
  const { finished } = await runSipp(lab, { scenario: xml, service: called, ...(target === undefined ? {} : { target }), timeoutMs: 25_000, args: ["-p", String(5_100 + calls), "-mp", String(7_000 + 10 * calls)] });
  return finished;
}

/** One call to that number through the Elastic IP; resolves when it is over, `ok` if it went as the manners say. */
export function callIn(lab: Lab, called: string, manners: CallerManners, number = CALLERS_NUMBER): Promise<{ readonly ok: boolean; readonly log: string }> {
  return run(lab, called, scenario(manners, number));
}

/** One call that is to be refused with that status: through the Elastic IP, or straight to that `host:port`. */
export function refusedCall(lab: Lab, called: string, status: number, target?: string): Promise<{ readonly ok: boolean; readonly log: string }> {
  return run(lab, called, `<?xml version="1.0" encoding="UTF-8"?><scenario name="refused">${start(CALLERS_NUMBER)}<recv response="${status}"/>${send(CALLERS_NUMBER, "ACK", 1, "[peer_tag_param]")}</scenario>`, target);
}
