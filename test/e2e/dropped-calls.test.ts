// Promise N3 on the real thing: calls that a death cuts are named in the new active's ledger, and nowhere else, and a Stasis
// application that hears of them rings the callers back.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ADDRESS, type NodeName } from "../support/lab/addresses.ts";
import { labFetch } from "../support/lab/fetch.ts";
import type { Pair } from "../support/lab/pair.ts";
import { movedTo, withPair } from "../support/lab/pair-checks.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { runSipp } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";

const APP = "callcenter";
const RING_BACK_PORT = 5080;
const LONG_CALLS = 12;
const SHORT_CALLS = 6;

/** A caller of its own number, who stays until hung up on, or for `holdMs`. */
function callScenario(prefix: string, holdMs: number | null): string {
  const from = `<sip:${prefix}[call_number]@[local_ip]:[local_port]>`;
  const headers = (method: string, cseq: number, to: string): string => `
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: ${from};tag=[pid]t${prefix.replace("+", "")}[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>${to}
      Call-ID: [call_id]
      CSeq: ${cseq} ${method}
      Contact: <sip:${prefix}[call_number]@[local_ip]:[local_port]>
      Max-Forwards: 70`;
  const sdp = `v=0
      o=- 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000`;
  const bye = holdMs === null ? `<pause milliseconds="120000"/>` : `<pause milliseconds="${holdMs}"/><send retrans="500"><![CDATA[
      BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0${headers("BYE", 2, "[peer_tag_param]")}
      Content-Length: 0

    ]]></send><recv response="200"/>`;
  return `<?xml version="1.0" encoding="UTF-8"?><scenario name="caller"><send retrans="500"><![CDATA[
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0${headers("INVITE", 1, "")}
      Content-Type: application/sdp
      Content-Length: [len]

      ${sdp}
    ]]></send><recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rrs="true"/><send><![CDATA[
      ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0${headers("ACK", 1, "[peer_tag_param]")}
      Content-Length: 0

    ]]></send>${bye}</scenario>`;
}

/** Phones that ring and then are busy: the shortest call that shows that somebody rang. */
const RINGING_PHONES = `<?xml version="1.0" encoding="UTF-8"?><scenario name="phones"><recv request="INVITE"/>${["180 Ringing", "486 Busy Here"].map((status) => `<send><![CDATA[
      SIP/2.0 ${status}
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]p[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]></send>`).join("")}<recv request="ACK"/></scenario>`;

async function startApp(pair: Pair, node: NodeName, onLine: (line: string) => void): Promise<void> {
  let ready = false;
  await pair.lab.spawn(node, process.execPath, ["--import", "tsx", join(REPOSITORY, "test/support/reference-app/app-main.ts")], {
    name: `app-${node}`,
    env: { ARI_USERNAME: "agent", ARI_PASSWORD: pair.secret.ari_password, APP, RING_BACK_AT: `${ADDRESS.caller}:${RING_BACK_PORT}` },
    onLine: (line) => {
      if (line.includes('"ready"')) ready = true;
      onLine(line);
    },
  });
  await waitUntil(`the application on ${node}`, () => ready, 30_000);
}

describe("calls that a failover cuts", () => {
  it("are named in the new active's ledger, without those that had ended, and their callers are rung back", async () => {
    await withPair({ knobs: { STASIS_APPS: APP, ROSTER_INTERVAL_MS: "1000" } }, async (pair) => {
      const told: string[] = [];
      await startApp(pair, "node-a", () => undefined);
      await startApp(pair, "node-b", (line) => { told.push(line); });
      await pair.steady("node-a");

      const long = await runSipp(pair.lab, { scenario: callScenario("+49301", null), calls: LONG_CALLS, rate: 20, timeoutMs: 120_000, args: ["-p", "5071"] });
      const short = await runSipp(pair.lab, { scenario: callScenario("+49302", 4_000), calls: SHORT_CALLS, rate: 20, timeoutMs: 60_000, args: ["-p", "5072"] });
      await waitUntil("all calls to be up", async () => ((await pair.status("node-a")).health?.calls ?? 0) >= LONG_CALLS, 30_000);
      assert.equal((await short.finished).ok, true, "the short calls ended as callers end calls");
      await waitUntil("the standby to know the calls that are up, and no other", async () => (await pair.status("node-b")).members.find(({ id }) => id === "node-a")?.callsKnown === LONG_CALLS, 30_000);

      const uas = await runSipp(pair.lab, { scenario: RINGING_PHONES, args: ["-p", String(RING_BACK_PORT)], calls: LONG_CALLS, timeoutMs: 90_000 });
      await pair.lab.nodeGone("node-a");
      pair.node("node-a").agent?.kill("SIGKILL");
      await pair.node("node-a").asterisk.kill();
      await movedTo(pair, "node-b");

      const folder = join(pair.lab.dir, "state", "node-b", "ledger");
      const file = await waitUntil("the ledger", () => readdirSync(folder, { withFileTypes: true }).find((entry) => entry.name.endsWith("node-a.json"))?.name, 20_000);
      const ledger = JSON.parse(readFileSync(join(folder, file), "utf8")) as { readonly from: string; readonly calls: readonly { readonly party: string }[] };
      const named = ledger.calls.map((call) => call.party).toSorted();
      const expected = Array.from({ length: LONG_CALLS }, (_, index) => `+49301${index + 1}`).toSorted();
      assert.deepEqual(named, expected, "every call that was up is named, none that had ended");
      assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);

      await waitUntil("the event CallsDropped", () => told.some((line) => line.includes('"dropped"')), 20_000);
      assert.equal((await uas.finished).ok, true, "every caller's phone rang again");
      for (const name of ["node-a", "node-b"] as const) assert.ok(!/\+4930/.test(pair.node(name).agent?.log() ?? ""), `a caller's number is in the log of ${name}`);
      for (const page of ["status", "metrics"]) assert.ok(!(await labFetch(pair.lab, "node-b", `http://127.0.0.1:8091/${page}`)).body.includes("+4930"), `a caller's number is on /${page}`);
      long.process.kill("SIGKILL");
    });
  });
});
