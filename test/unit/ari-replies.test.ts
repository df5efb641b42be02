import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseAlertedSubsystems, parseChannelCounts, parseContacts, parseSessionApps } from "../../agent/adapters/asterisk-replies.ts";

/** The texts below were printed by Asterisk 22.10.1, addresses changed. */
const CONTACTS = `
  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>
==========================================================================================

  Contact:  e0/sip:e0@127.0.0.1:10000                      317e90f98d Unavail        -nan
  Contact:  e1/sip:e1@127.0.0.1:10001                      665be3e849 Avail        12.345
  Contact:  e2/sip:Unavail@127.0.0.1:10002                 10f7d5cdd9 NonQual        -nan
  Contact:  e3/sip:e3@127.0.0.1:10003                      10f7d5cdd8 Unknown        -nan

Objects found: 4

`;

const SESSIONS = `Connection ID                         Type            RemoteAddr                       State Apps            
------------------------------------- --------------- -------------------------------- ----- ----------------
58422abe-1345-49fc-8651-34c1b6a53ab0  inbound         127.0.0.1:39254                  Up    one,two
7f828d3b-b20f-48ca-92b2-a7e30dcb49ad  inbound         127.0.0.1:39234                  Up    
d687cc4e-b0a0-4012-bad6-32754cf98ee2  inbound         127.0.0.1:39264                  Down  three
`;

describe("Asterisk's replies", () => {
  it("tell calls and channels, in the singular, in the plural and with a limit", () => {
    assert.deepEqual(parseChannelCounts("0 active channels\n0 active calls\n0 calls processed\n"), { channels: 0, calls: 0 });
    assert.deepEqual(parseChannelCounts("1 active channel\n1 active call\n1 call processed\n"), { channels: 1, calls: 1 });
    assert.deepEqual(parseChannelCounts("240 active channels\n120 of 500 max active calls (24.00% of capacity)\n9001 calls processed\n"), { channels: 240, calls: 120 });
  });

  it("tell the alerted subsystems", () => {
    assert.equal(parseAlertedSubsystems("\nSubsystem                         Alert Count\n\n0 subsystems\n\n"), 0);
    assert.equal(parseAlertedSubsystems("\nSubsystem                         Alert Count\npjsip                                       3\nstasis                                      1\n\n2 subsystems\n\n"), 2);
  });

  it("tell contacts by status, whatever a phone calls itself", () => {
    assert.deepEqual(parseContacts(CONTACTS), { reachable: 3, unreachable: 1 });
    assert.deepEqual(parseContacts("No objects found.\n\n"), { reachable: 0, unreachable: 0 });
  });

  it("tell the applications with an open event socket", () => {
    assert.deepEqual([...(parseSessionApps(SESSIONS) ?? [])], ["one", "two"]);
    assert.deepEqual([...(parseSessionApps(SESSIONS.split("\n").slice(0, 2).join("\n")) ?? ["?"])], []);
    assert.equal(parseSessionApps("No such command 'ari show websocket sessions' (type 'core show help ari show' for other possible commands)\n"), null);
  });

  it("are an error, never a zero, when they say something else", () => {
    for (const text of ["", "No such command 'core show'\n", "Command 'core show channels count' cannot be run during shutdown\n", "active channels\n", "many active channels\n"]) {
      for (const parse of [parseChannelCounts, parseAlertedSubsystems, parseContacts]) assert.throws(() => parse(text), { code: "AGENT_ARI_FAILED" });
    }
  });

  it("may be anything without harm", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("0", "1 ", "active ", "channels", "calls", "\n", "Contact: ", "Unavail ", "Objects found: ", "abcdef0123 ", "Up ", "Connection ID ") }), (text) => {
        for (const parse of [parseChannelCounts, parseAlertedSubsystems, parseContacts, parseSessionApps]) {
          try {
            parse(text);
          } catch (error) {
            assert.equal((error as { code?: string }).code, "AGENT_ARI_FAILED");
          }
        }
      }),
    );
  });
});
