// Whoever is called: SIPp as a carrier with many phones behind it. The last digit of a number says how its owner behaves: 5 hangs up
// a moment after answering, 6 can't be reached, 7 is busy, 8 never answers, every other one presses that key (RFC 4733) `holdMs` after
// answering and waits for the BYE. Every INVITE and BYE is written down with the number: the callees' own ledger.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../lab/network.ts";
import { runSipp, type SippRun } from "../lab/sipp.ts";
import { EMPTY, okInCall, SDP } from "./sip-parts.ts";

export const CARRIER_PORT = 5080;

const CONTACT = "Contact: <sip:[local_ip]:[local_port]>";
const TAG = ";tag=[pid]c[call_number]";

/** The answer to the message before it. */
const reply = (status: string): string => `<send><![CDATA[
      SIP/2.0 ${status}
      [last_Via:]
      [last_From:]
      [last_To:]${TAG}
      [last_Call-ID:]
      [last_CSeq:]
      ${CONTACT}
      ${EMPTY}
    ]]></send>`;

/** The answer to the INVITE, whatever has come since. */
const final = (status: string, body: string): string => `<send retrans="500"><![CDATA[
      SIP/2.0 ${status}
      [last_Via:]
      [last_From:]
      [last_To:]${TAG}
      [last_Call-ID:]
      CSeq: [$sequence] INVITE
      ${CONTACT}
      ${body}
    ]]></send>`;

/** To an INVITE within the call: Asterisk sends one when it connects two channels, to say who the other one is. */
const answerAgain = okInCall(`${CONTACT}\n      ${SDP}`, "until it is acknowledged");

/** Ours, in the call that the other side has begun. */
const bye = `<send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: [$us]
      To: [$them]
      [last_Call-ID:]
      CSeq: 1 BYE
      Max-Forwards: 70
      ${EMPTY}
    ]]></send>`;

const log = (what: string): string => `<nop><action><log message="${what} [$number] [timestamp]"/></action></nop>`;
const find = (regexp: string, header: string, name: string, more = ""): string => `<ereg regexp="${regexp}" search_in="hdr" header="${header}" assign_to="${name}"${more}/>`;

function scenario(holdMs: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?><scenario name="callee">
    <recv request="INVITE" rrs="true"><action>
      ${find("sip:([+0-9]+)@", "To:", "all,number", ' check_it="true"')}
      ${find("([0-9])@", "To:", "last,key", ' check_it="true"')}
      ${find("([0-9]+)", "CSeq:", "line,sequence", ' check_it="true"')}
      ${find("5@", "To:", "leaves")}
      ${find("6@", "To:", "gone")}
      ${find("7@", "To:", "busy")}
      ${find("8@", "To:", "away")}
    </action></recv>
    ${log("INVITE")}
    <nop next="busy" test="busy"/>
    <nop next="gone" test="gone"/>
    ${reply("180 Ringing")}
    <nop next="away" test="away"/>
    ${final("200 OK", SDP)}
    <recv request="ACK"><action>
      ${find(".*", "To:", "us")}
      ${find(".*", "From:", "them")}
    </action></recv>
    <nop next="leaves" test="leaves"/>
    <label id="waits"/>
    <recv request="INVITE" optional="true" next="again" timeout="${holdMs}" ontimeout="press"/>
    <recv request="BYE" next="bye"/>
    <label id="press"/>
    <nop><action><exec play_dtmf="[$key],160,101"/></action></nop>
    <recv request="BYE" next="bye"/>
    <label id="again"/>
    ${answerAgain}
    <recv request="ACK" next="waits"/>
    <label id="bye"/>
    ${log("BYE")}
    ${reply("200 OK")}
    <nop next="end"/>
    <label id="leaves"/>
    <recv request="INVITE" timeout="1000" ontimeout="hangs-up"/>
    ${answerAgain}
    <recv request="ACK"/>
    <pause milliseconds="1000"/>
    <label id="hangs-up"/>
    ${bye}
    <recv response="200"/>
    <nop next="end"/>
    <label id="away"/>
    <recv request="CANCEL"/>
    ${reply("200 OK")}
    ${final("487 Request Terminated", EMPTY)}
    <recv request="ACK"/>
    <nop next="end"/>
    <label id="gone"/>
    ${final("503 Service Unavailable", EMPTY)}
    <recv request="ACK"/>
    <nop next="end"/>
    <label id="busy"/>
    ${final("486 Busy Here", EMPTY)}
    <recv request="ACK"/>
    <label id="end"/>
    <Reference variables="all,last,line"/>
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

  /** How often a number was rung, or was said goodbye to. */
  async count(what: CalleeEntry["what"], number: string): Promise<number> {
    return (await this.ledger()).filter((entry) => entry.what === what && entry.number === number).length;
  }

  end(): void {
    this.#sipp.process.kill("SIGKILL");
  }
}

export async function startCallees(lab: Lab, holdMs: number): Promise<Callees> {
  return new Callees(await runSipp(lab, { scenario: scenario(holdMs), calls: 1_000_000, timeoutMs: 600_000, args: ["-p", String(CARRIER_PORT), "-trace_logs", "-log_file", "/sipp/callees.log", "-trace_err"] }));
}
