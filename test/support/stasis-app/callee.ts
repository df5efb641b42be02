// Whoever is called: SIPp as a carrier with many phones behind it. The last digit of a number says which key its owner presses (RFC 4733),
// `holdMs` after answering; a number that ends in 7 is busy. Every INVITE and BYE is written down with the number: the callees' own ledger.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../lab/network.ts";
import { runSipp, type SippRun } from "../lab/sipp.ts";

export const CARRIER_PORT = 5080;

const reply = (status: string, more = ""): string => `<send${status.startsWith("200 OK INVITE") ? ' retrans="500"' : ""}><![CDATA[
      SIP/2.0 ${status.replace(" INVITE", "")}
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]c[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      ${more === "" ? "Content-Length: 0\n\n" : more}
    ]]></send>`;

const SDP = `Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=- 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0 101
      a=rtpmap:0 PCMU/8000
      a=rtpmap:101 telephone-event/8000
      a=fmtp:101 0-15
`;

const log = (what: string): string => `<nop><action><log message="${what} [$number] [timestamp]"/></action></nop>`;

/** Busy for numbers that end in 7; answers the others, presses their key, and waits for the BYE. */
function scenario(holdMs: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?><scenario name="callee">
    <recv request="INVITE" rrs="true"><action>
      <ereg regexp="sip:([+0-9]+)@" search_in="hdr" header="To:" check_it="true" assign_to="all,number"/>
      <ereg regexp="([0-9])@" search_in="hdr" header="To:" check_it="true" assign_to="last,key"/>
      <ereg regexp="7@" search_in="hdr" header="To:" assign_to="busy"/>
    </action></recv>
    ${log("INVITE")}
    <nop next="busy" test="busy"/>
    ${reply("180 Ringing")}
    ${reply("200 OK INVITE", SDP)}
    <recv request="ACK"/>
    <pause milliseconds="${holdMs}"/>
    <nop><action><exec play_dtmf="[$key],160,101"/></action></nop>
    <recv request="BYE"/>
    ${log("BYE")}
    ${reply("200 OK")}
    <nop next="end"/>
    <label id="busy"/>
    ${reply("486 Busy Here")}
    <recv request="ACK"/>
    <label id="end"/>
    <Reference variables="all,last"/>
  </scenario>`;
}

export interface CalleeEntry {
  readonly what: "INVITE" | "BYE";
  readonly number: string;
  /** By the wall clock; NaN where SIPp does not tell. */
  readonly atMs: number;
}

export class Callees {
  readonly #sipp: SippRun;

  constructor(sipp: SippRun) {
    this.#sipp = sipp;
  }

  /** What the callees have seen, in order. */
  async ledger(): Promise<readonly CalleeEntry[]> {
    const text = await readFile(join(this.#sipp.dir, "callees.log"), "utf8").catch(() => "");
    return [...text.matchAll(/^(INVITE|BYE) (\+?\d+) (?:.*?(\d{10}\.\d+))?/gm)].map(([, what, number, seconds]) => ({ what: what as CalleeEntry["what"], number: number ?? "", atMs: Number(seconds) * 1_000 }));
  }

  end(): void {
    this.#sipp.process.kill("SIGKILL");
  }
}

export async function startCallees(lab: Lab, holdMs: number): Promise<Callees> {
  return new Callees(await runSipp(lab, { scenario: scenario(holdMs), calls: 1_000_000, timeoutMs: 600_000, args: ["-p", String(CARRIER_PORT), "-trace_logs", "-log_file", "/sipp/callees.log", "-trace_err"] }));
}
