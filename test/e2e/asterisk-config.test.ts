// The complete configuration in a real Asterisk 22: it starts without a complaint, loads what it lists, lets in whom it should,
// and knows the probes from those who guess passwords.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ADDRESS, ELASTIC_IP } from "../support/lab/addresses.ts";
import { prepareAsterisk, type LabAsterisk } from "../support/lab/asterisk.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import { labFetch } from "../support/lab/fetch.ts";
import { startMariaDb, type LabMariaDb } from "../support/lab/mariadb.ts";
import { openLab, type Lab } from "../support/lab/network.ts";
import { PHONES_ADDRESS, preparePhones, startPhone } from "../support/lab/phones.ts";
import { tcpFrom } from "../support/lab/probe.ts";
import { labProgram } from "../support/lab/programs.ts";
import { startRegistrar, type Registrar } from "../support/lab/registrar.ts";
import { templateFiles } from "../support/lab/render-config.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { runSipp } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";

/** What a running node may complain of, each with its reason. A start may complain of nothing. */
const EXPECTED: readonly RegExp[] = [
  // In this test no Stasis app is connected, on purpose, while a call comes in.
  /app_stasis\.c: .* Stasis app 'callcenter' doesn't exist$/,
  /ari_websockets\.c: .* Failed to find outbound websocket per-call config for app 'callcenter'$/,
  // A node that becomes standby says goodbye to its carrier without the password, on purpose (asterisk-config/README.md).
  /res_pjsip\/pjsip_configuration\.c: Auth object 'carrier' could not be found$/,
  /res_pjsip_outbound_registration\.c: Failed to create authenticated REGISTER request/,
];

/** The errors and warnings among lines of the log. */
const complaints = (lines: readonly string[]): readonly string[] => lines.filter((line) => /\b(?:ERROR|WARNING)\[/.test(line));

const STASIS_PASSWORD = "lab-stasis-password";

describe("Asterisk 22 with the complete configuration", { timeout: 300_000 }, () => {
  let lab: Lab;
  let database: LabMariaDb;
  let provider: Registrar;
  let asterisk: LabAsterisk;

  before(async () => {
    lab = await openLab();
    database = await startMariaDb(lab);
    provider = await startRegistrar(lab);
    asterisk = await prepareAsterisk(lab, "node-a", { database: database.access, trunks: [provider.trunk], stasisPassword: STASIS_PASSWORD });
    await asterisk.start();
    await asterisk.waitBooted();
    await lab.setEipTarget("node-a");
    await preparePhones(lab);
  });

  after(async () => {
    await lab.close();
  });

  const securityLog = async (): Promise<string> => readFile(join(asterisk.logDir, "security.log"), "utf8");

  /** The agent's own prober, run in a place of the lab. Resolves with the final status of the answer. */
  async function probeFrom(place: "node-a" | "node-b", host: string, transport: "udp" | "tcp"): Promise<number> {
    return Number((await lab.run(place, process.execPath, [await labProgram("support/lab/sip-prober-main.ts"), transport, host])).stdout);
  }

  it("starts without an error and without a warning", async () => {
    const lines = await asterisk.messages();
    assert.ok(lines.length > 0, "the log says something");
    assert.deepEqual(complaints(lines), []);
    // Asterisk heads every log file with its version, this one too.
    const [heading, ...objects] = (await readFile(join(asterisk.logDir, "messages-json.log"), "utf8")).trim().split("\n");
    assert.match(heading ?? "", /Asterisk 22\./);
    assert.equal(objects.map((line) => JSON.parse(line) as object).length, lines.length - 1, "the same for programs");
  });

  it("runs every module of modules.conf, and no other", async () => {
    const wanted = [...(await readFile(join(asterisk.etcDir, "modules.conf"), "utf8")).matchAll(/^(?:load|require) = (\S+)$/gm)].map((match) => match[1] ?? "");
    const rows = (await asterisk.cli("module show")).split("\n").map((line) => /^(\S+\.so)\s.*?\s(Running|Not Running)\s/.exec(line)).filter((row) => row !== null);
    assert.deepEqual(rows.filter((row) => row[2] !== "Running").map((row) => row[1]), []);
    assert.deepEqual(rows.map((row) => row[1] ?? "").sort(), wanted.sort());
  });

  it("listens on UDP, TCP and TLS, with the certificate that it was given", async () => {
    assert.equal(await probeFrom("node-a", "127.0.0.1", "udp"), 200);
    assert.equal(await probeFrom("node-a", "127.0.0.1", "tcp"), 200);
    const { stdout } = await lab.run("caller", "sh", ["-c", `openssl s_client -connect ${ELASTIC_IP}:5061 -tls1_2 < /dev/null 2>/dev/null`]);
    assert.match(stdout, /subject=CN ?= ?sip\.lab\.example/);
  });

  it("translates addresses outside the private networks only", async () => {
    const transport = await asterisk.cli("pjsip show transport transport-udp");
    assert.match(transport, new RegExp(`external_signaling_address +: ${ELASTIC_IP.replaceAll(".", "\\.")}`));
    assert.match(transport, new RegExp(`external_media_address +: ${ELASTIC_IP.replaceAll(".", "\\.")}`));
    assert.match(transport, /local_net +: .*10\.0\.0\.0/);
  });

  it("lets both ARI users in with their own password, on this machine only", async () => {
    const as = async (name: string, password: string): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
      return (await labFetch(lab, "node-a", "http://127.0.0.1:8088/ari/asterisk/ping", { headers: { authorization } })).status;
    };
    assert.equal(await as("agent", asterisk.ariPassword), 200);
    assert.equal(await as("stasis", STASIS_PASSWORD), 200);
    assert.equal(await as("stasis", asterisk.ariPassword), 401);
    assert.equal(await as("agent", "wrong"), 401);
    assert.equal(await tcpFrom(lab, "node-b", ADDRESS["node-a"], 8088), "refused");
  });

  it("keeps no ARI password on disk, and the others in one file each", async () => {
    const files = await templateFiles(asterisk.etcDir);
    const having = async (secret: string): Promise<string[]> => (await Promise.all(files.map(async (name) => ((await readFile(join(asterisk.etcDir, name), "utf8")).includes(secret) ? [name] : [])))).flat();
    assert.deepEqual(await having(asterisk.ariPassword), []);
    assert.deepEqual(await having(STASIS_PASSWORD), []);
    assert.deepEqual(await having(database.password), ["res_odbc.conf"]);
    assert.deepEqual(await having(provider.trunk.password), ["roles/active/pjsip_trunk_auths.conf"]);
  });

  it("serves its own metrics where prometheus.conf says", async () => {
    const page = await labFetch(lab, "node-a", "http://127.0.0.1:8088/metrics");
    assert.equal(page.status, 200);
    assert.match(page.body, /^asterisk_core_/m);
  });

  it("answers probes from anywhere without a challenge and without a trace that could ban them", async () => {
    const before = await securityLog();
    assert.equal(await probeFrom("node-a", "127.0.0.1", "udp"), 200);
    assert.equal(await probeFrom("node-b", ADDRESS["node-a"], "udp"), 200);
    // From the standby's automatic public address, which nobody knows beforehand; more often than a suspicion would.
    for (let count = 0; count < 3; count += 1) assert.equal(await probeFrom("node-b", ELASTIC_IP, "udp"), 200);
    assert.equal(await securityLog(), before);
  });

  it("writes down who guesses passwords, as the ban filter expects it", async () => {
    const pattern = /^failregex = (.*)$/m.exec(await readFile(join(REPOSITORY, "asterisk-config/fail2ban/filter.d/asterisk-node.conf"), "utf8"))?.[1] ?? "";
    const failregex = new RegExp(pattern.replace("<ADDR>", "(?<address>[0-9.]+)"));
    await database.addPhone("guessed", "not-this-one");
    await assert.rejects(startPhone(lab, { user: "guessed", password: "a-guess", port: 5099 }), /refused with 401/);
    const failures = (await waitUntil("the security log to tell", async () => {
      const found = (await securityLog()).split("\n").map((line) => failregex.exec(line)?.groups?.["address"]).filter((address) => address !== undefined);
      return found.length > 0 && found;
    }, 5_000));
    assert.deepEqual([...new Set(failures)], [PHONES_ADDRESS]);
  });

  it("lets a call ring for a moment and then refuses it with 503 while the Stasis app is not there", async () => {
    const scenario = await readFile(join(REPOSITORY, "test/support/lab/call-refused.xml"), "utf8");
    const atMs = monotonicMs();
    const { ok, log } = await (await runSipp(lab, { scenario })).finished;
    assert.ok(ok, log);
    assert.ok(monotonicMs() - atMs >= 2_000, "an app that restarts has two seconds to come back");
  });

  it("registers with carriers as the active only, at once, and not any more as the standby", async () => {
    assert.deepEqual(provider.registrations, [], "a node that starts is no active");
    const fromMs = monotonicMs();
    await asterisk.takeRole("active");
    const first = await waitUntil("a REGISTER", () => provider.registrations[0], 20_000);
    assert.equal(provider.challenged.length, 1, "the passwords are there before the first challenge is");
    process.stderr.write(`promote -> REGISTER accepted: ${Math.round(first.atMs - fromMs)} ms\n`);
    assert.match(first.uri, new RegExp(`@${ELASTIC_IP.replaceAll(".", "\\.")}:5060$`), "by the Elastic IP");
    assert.deepEqual(provider.bound(), ["node-agent node-a"]);
    await asterisk.takeRole("standby");
    await waitUntil("the un-REGISTER", () => provider.challenged.at(-1)?.expires === 0, 20_000);
    await waitUntil("the registration to be gone", async () => !(await asterisk.cli("pjsip show registrations")).includes("carrier/sip:"), 20_000);
    assert.deepEqual(provider.bound(), ["node-agent node-a"], "what it says without a password erases nobody's binding");
  });

  it("has still nothing to complain of after all this", async () => {
    assert.deepEqual(complaints(await asterisk.messages()).filter((line) => !EXPECTED.some((expected) => expected.test(line))), []);
  });
});
