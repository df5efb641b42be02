// Phones are rows of a database that both nodes share: what a failover means for them, and what a node does without it. Real
// MariaDB, real agents, phones with real registrations, calls by SIPp.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { prepareAsterisk } from "../support/lab/asterisk.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import { startMariaDb, type LabMariaDb } from "../support/lab/mariadb.ts";
import { openLab, type Lab } from "../support/lab/network.ts";
import type { Pair } from "../support/lab/pair.ts";
import { callerSaw, movedTo, staysOn, withPair } from "../support/lab/pair-checks.ts";
import { preparePhones, startPhone, type Phone } from "../support/lab/phones.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { runSipp } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";

/** In place of a Stasis app: a call from the trunk to 100 goes to the phone, one to 200 stays up by itself. */
const DIALPLAN = `[incoming]
exten => 100,1,Dial(PJSIP/desk-1,30)
 same => n,Hangup()
exten => 200,1,Answer()
 same => n,Wait(120)
 same => n,Hangup()
`;

const PASSWORD = "desk-1-lab-password";

function databaseOf(pair: Pair): LabMariaDb {
  assert.ok(pair.database !== null, "the pair has a database");
  return pair.database;
}

/** The rows of registered phones: whose, and with which node they registered. */
async function registered(database: LabMariaDb): Promise<readonly string[]> {
  return (await database.sql("SELECT endpoint, reg_server FROM ps_contacts ORDER BY endpoint")).map((row) => row.replace("\t", "@"));
}

/** Calls five times a second, as a busy trunk does, until the phone rings; returns the instant of the first ring. */
async function callUntilRinging(pair: Pair, phone: Phone, sinceMs: number): Promise<number> {
  const sipp = await runSipp(pair.lab, { service: "100", calls: 1_000, rate: 5, timeoutMs: 60_000, args: ["-d", "100"] });
  try {
    return (await waitUntil("the phone to ring", () => phone.asked("INVITE", sinceMs)[0], 60_000)).atMs;
  } finally {
    await sipp.process.end();
  }
}

/** A database and two Asterisks without agents; `role` is turned by the test as the agent does. */
async function withTwo(story: (lab: Lab, database: LabMariaDb, start: (node: "node-a" | "node-b") => ReturnType<typeof prepareAsterisk>) => Promise<void>): Promise<void> {
  const lab = await openLab();
  try {
    const database = await startMariaDb(lab);
    await preparePhones(lab);
    await story(lab, database, async (node) => {
      const asterisk = await prepareAsterisk(lab, node, { database: database.access });
      await asterisk.start();
      await asterisk.waitBooted();
      return asterisk;
    });
  } finally {
    await lab.close();
  }
}

describe("the database of phones", { timeout: 600_000 }, () => {
  it("takes its migrations a second time and keeps what is in it", async () => {
    const lab = await openLab();
    try {
      const database = await startMariaDb(lab);
      await database.addPhone("desk-1", PASSWORD, { qualifySeconds: 42 });
      await database.migrate();
      await database.migrate();
      assert.deepEqual(await database.sql("SELECT id, qualify_frequency FROM ps_aors"), ["desk-1\t42"]);
      assert.deepEqual(await database.sql("SELECT id, qualify_frequency FROM ps_aors_standby"), ["desk-1\t0"]);
    } finally {
      await lab.close();
    }
  });

  it("makes a phone ring through the other node when the active dies, without registering again", async () => {
    await withPair({ database: true, asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      await pair.steady("node-a");
      await preparePhones(pair.lab);
      await databaseOf(pair).addPhone("desk-1", PASSWORD);
      const phone = await startPhone(pair.lab, { user: "desk-1", password: PASSWORD, port: 5070 });
      assert.deepEqual(await registered(databaseOf(pair)), ["desk-1@node-a"]);
      await callUntilRinging(pair, phone, monotonicMs());
      const diedAtMs = monotonicMs();
      await pair.lab.nodeGone("node-a");
      pair.node("node-a").agent?.kill("SIGKILL");
      void pair.node("node-a").asterisk.kill();
      const rangAtMs = await callUntilRinging(pair, phone, monotonicMs());
      process.stderr.write(`death -> the phone rings: ${Math.round(rangAtMs - diedAtMs)} ms (goal: 5000 ms)\n`);
      assert.ok(rangAtMs - diedAtMs < 15_000, "generous, because a busy machine is no failure");
      await movedTo(pair, "node-b");
      assert.deepEqual(await registered(databaseOf(pair)), ["desk-1@node-a"], "it registered again");
      const answered = await (await runSipp(pair.lab, { service: "100", calls: 1, args: ["-d", "200"] })).finished;
      assert.ok(answered.ok, answered.log);
      assert.equal(pair.moves.length, 1);
    });
  });

  it("survives a restart for 10 s: calls go on, nothing is claimed, the node is degraded and says why, and recovers", async () => {
    await withPair({ database: true, asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      const calls = await runSipp(pair.lab, { service: "200", calls: 5, rate: 10, timeoutMs: 90_000, args: ["-d", "30000"] });
      await waitUntil("five calls", async () => (await pair.status("node-a")).health?.calls === 5, 30_000);
      await databaseOf(pair).end();
      const awayAtMs = monotonicMs();
      const degraded = await waitUntil("node-a to be degraded", async () => { const { health } = await pair.status("node-a"); return health?.serving === "degraded" && health; }, 20_000);
      assert.match(degraded.reason, /database/);
      await waitUntil("10 s without a database", async () => {
        assert.notEqual((await pair.status("node-a")).health?.serving, "down");
        return monotonicMs() - awayAtMs >= 10_000;
      }, 30_000);
      await databaseOf(pair).start();
      await pair.steady("node-a");
      const { ok, log } = await calls.finished;
      assert.ok(ok, log);
      await staysOn(pair, "node-a", 1_000);
      callerSaw(pair, atMs, 1_500);
    });
  });

  it("does not take a node down when it hangs", async () => {
    await withPair({ database: true, asteriskFiles: { "extensions_local.conf": DIALPLAN } }, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      databaseOf(pair).hang();
      try {
        await waitUntil("node-a to be degraded", async () => (await pair.status("node-a")).health?.serving === "degraded", 30_000);
        const { ok, log } = await (await runSipp(pair.lab, { service: "200", calls: 3, args: ["-d", "500"] })).finished;
        assert.ok(ok, `trunk calls need no database: ${log}`);
        await staysOn(pair, "node-a", 5_000);
      } finally {
        databaseOf(pair).resume();
      }
      await pair.steady("node-a");
      callerSaw(pair, atMs, 1_500);
    });
  });

  it("loses no contact when the standby boots, over UDP and TCP", async () => {
    await withTwo(async (lab, database, start) => {
      await start("node-a");
      await lab.setEipTarget("node-a");
      for (const [name, transport, port] of [["udp-1", "udp", 5070], ["tcp-1", "tcp", 5071]] as const) {
        await database.addPhone(name, PASSWORD);
        await startPhone(lab, { user: name, password: PASSWORD, port, transport });
      }
      const before = await registered(database);
      assert.deepEqual(before, ["tcp-1@node-a", "udp-1@node-a"]);
      assert.deepEqual(await database.sql("SELECT endpoint, prune_on_boot FROM ps_contacts ORDER BY endpoint"), ["tcp-1\tyes", "udp-1\tno"]);
      const standby = await start("node-b");
      assert.deepEqual(await registered(database), before);
      await standby.kill();
      await standby.start();
      await standby.waitBooted();
      assert.deepEqual(await registered(database), before, "nor after a crash");
    });
  });

  it("has registered phones qualified by the active only, whoever that is", async () => {
    await withTwo(async (lab, database, start) => {
      const [a, b] = [await start("node-a"), await start("node-b")];
      await a.takeRole("active");
      await lab.setEipTarget("node-a");
      await database.addPhone("desk-1", PASSWORD, { qualifySeconds: 1 });
      const phone = await startPhone(lab, { user: "desk-1", password: PASSWORD, port: 5070 });
      const status = async (asterisk: typeof a): Promise<string | undefined> => /Contact: +desk-1\/.* (Avail|NonQual|Unavail|Unknown) /.exec(await asterisk.cli("pjsip show aors"))?.[1];
      await waitUntil("node-a to qualify", async () => (await status(a)) === "Avail", 20_000);
      // A standby that reads everything anew, as after a new secret, must not begin to.
      assert.equal((await b.ari("PUT", "/asterisk/modules/res_pjsip.so")).status, 204);
      const fromMs = monotonicMs();
      await waitUntil("three more questions", () => phone.asked("OPTIONS", fromMs).length >= 3, 20_000);
      assert.equal(await status(b), "NonQual");
      await lab.setEipTarget("node-b");
      await a.takeRole("standby");
      const promotedAtMs = monotonicMs();
      await b.takeRole("active");
      process.stderr.write(`promote: files and reloads took ${Math.round(monotonicMs() - promotedAtMs)} ms, the lab's own processes included\n`);
      await waitUntil("node-b to qualify", async () => (await status(b)) === "Avail", 20_000);
      assert.equal(await status(a), "NonQual");
      assert.deepEqual(await registered(database), ["desk-1@node-a"], "without the phone doing anything");
    });
  });

  it("gives nothing away: Asterisk may write contacts and nothing else", async () => {
    await withTwo(async (lab, database, start) => {
      const asterisk = await start("node-a");
      const odbc = await readFile(join(asterisk.etcDir, "odbc.ini"), "utf8");
      assert.ok(!odbc.includes(database.password));
      assert.ok(!(await readFile(join(REPOSITORY, "asterisk-config/res_odbc.conf"), "utf8")).includes("password = asterisk"));
      const grants = (await database.sql(`SHOW GRANTS FOR '${database.username}'@'%'`)).join("\n");
      assert.doesNotMatch(grants, /ALL PRIVILEGES|GRANT (?:SELECT, )?(?:INSERT|UPDATE|DELETE).* ON `asterisk`\.\*/);
      await lab.setEipTarget("node-a");
      await database.addPhone("desk-1", PASSWORD);
      const phone = await startPhone(lab, { user: "desk-1", password: PASSWORD, port: 5070 });
      assert.equal(phone.registerStatus, 200, "with no more rights than these it can register phones");
    });
  });
});
