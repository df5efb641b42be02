// `nodectl render` with a secret in a file, in this process: what it writes, what it says, what it refuses.
import assert from "node:assert/strict";
import { chmod, cp, mkdir, readdir, readFile, readlink, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runCli } from "../../agent/cli/run.ts";
import { JOURNAL, MANIFEST } from "../../agent/render/commit.ts";
import { KNOWN_FILES, reloadFor } from "../../agent/render/reload.ts";
import { readTemplates, wantedBy } from "../../agent/render/rendering.ts";
import { TEMPLATES_FOLDER } from "../../agent/templates-folder.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SECRET = { ari_password: "ari-s3cret;[#", heartbeat_keys: { k1: "A".repeat(43) + "=" }, username: "dbuser", password: "db-s3cret", trunks: [{ name: "carrier", server: "sip.example.com:5080", username: "+49301234567", password: "trunk-s3cret" }] };
const SETTINGS: Readonly<Record<string, string>> = {
  CLUSTER_ID: "aicc", NODE_ID: "node-a", PEERS: "node-b=10.0.2.10:8090", AWS_REGION: "eu-central-1", EIP_ALLOCATION_ID: "eipalloc-0a", PEER_INSTANCES: "node-b=i-0b",
  ELASTIC_IP: "198.51.100.7", LOCAL_NET: "10.0.0.0/16,10.1.0.0/16", STASIS_APPS: "callcentre", DATABASE_HOST: "db.example.com",
};

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Place {
  readonly folder: string;
  readonly target: string;
  readonly write: (secret: unknown, settings?: Readonly<Record<string, string>>) => Promise<void>;
  readonly nodectl: (...args: readonly string[]) => Promise<Ran>;
  readonly file: (name: string) => Promise<string>;
}

async function place(context: TestContext, settings: Readonly<Record<string, string>> = {}): Promise<Place> {
  const temporary = await temporaryFolder();
  const { path: folder } = temporary;
  context.after(() => temporary.remove());
  const target = join(folder, "etc");
  await mkdir(target);
  const write: Place["write"] = async (secret, changes = {}) => {
    await writeFile(join(folder, "secret.json"), JSON.stringify(secret), { mode: 0o600 });
    const all = { ...SETTINGS, SECRETS_FILE: join(folder, "secret.json"), RENDER_TARGET: target, ASTERISK_CONTROL_SOCKET: join(folder, "asterisk.ctl"), ...settings, ...changes };
    await writeFile(join(folder, "agent.env"), Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join(""));
  };
  await write(SECRET);
  return {
    folder, target, write,
    nodectl: async (...args) => {
      const out: string[] = [];
      const err: string[] = [];
      const code = await runCli(["render", ...args], { out: (line) => out.push(line), err: (line) => err.push(line), colour: false, width: 80, env: { AGENT_ENV_FILE: join(folder, "agent.env") } });
      return { code, out: out.join("\n"), err: err.join("\n") };
    },
    file: (name) => readFile(join(target, name), "utf8"),
  };
}

const contents = async (folder: string): Promise<Readonly<Record<string, string>>> => {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).toSorted();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(name, "utf8")] as const)));
};

describe("nodectl render", () => {
  it("writes every template, filled in, 0640, and a second time finds nothing to change", async (context) => {
    const { nodectl, target, file } = await place(context);
    const first = await nodectl();
    assert.deepEqual([first.code, first.err], [0, ""]);
    const templates = await readTemplates(TEMPLATES_FOLDER);
    for (const { name } of templates) {
      assert.equal((await stat(join(target, name))).mode & 0o7777, 0o640, name);
      assert.ok(!(await file(name)).includes("{{"), name);
    }
    assert.match(await file("asterisk.conf"), /^systemname = node-a$/m);
    assert.match(await file("pjsip.conf"), /^local_net = 10\.0\.0\.0\/16,10\.1\.0\.0\/16$/m);
    assert.match(await file("ari.conf"), /^password = \$6\$rounds=1000\$/m);
    assert.match(await file("extensions.conf"), /Stasis\(callcentre,/);
    assert.match(await file("roles/active/pjsip_registrations.conf"), /^client_uri = sip:%2B49301234567@sip\.example\.com:5080$/m);
    assert.equal(await readlink(join(target, "role")), "roles/standby");
    const before = await contents(target);
    assert.match((await nodectl()).out, /nothing to change/);
    assert.deepEqual(await contents(target), before);
  });

  it("keeps no ARI password, and every other secret in one file only", async (context) => {
    const { nodectl, target } = await place(context);
    await nodectl();
    const holders = async (text: string): Promise<readonly string[]> => Object.entries(await contents(target)).filter(([, each]) => each.includes(text)).map(([name]) => name.slice(target.length + 1));
    assert.deepEqual(await holders(SECRET.ari_password), []);
    assert.deepEqual(await holders(SECRET.password), ["res_odbc.conf"]);
    assert.deepEqual(await holders("trunk-s3cret"), ["roles/active/pjsip_trunk_auths.conf"]);
  });

  it("with --check and with --diff says what it would do, and does nothing", async (context) => {
    const { nodectl, target, write } = await place(context);
    const check = await nodectl("--check");
    assert.deepEqual([check.code, await readdir(target)], [0, []]);
    assert.match(check.out, /files can be rendered .* Nothing was written\.$/);
    await nodectl();
    const before = await contents(target);
    await write({ ...SECRET, password: "other-word", ari_password: "another" }, { ELASTIC_IP: "198.51.100.8" });
    const { out, code } = await nodectl("--diff");
    assert.equal(code, 0);
    assert.match(out, /^-external_media_address = 198\.51\.100\.7\n\+external_signaling_address = 198\.51\.100\.8$/m);
    assert.match(out, /^-password = <hidden, another>\n\+password = <hidden password>$/m);
    for (const secret of ["other-word", "db-s3cret", "another\n", "$6$", "+49301234567", "trunk-s3cret"]) assert.ok(!out.includes(secret), secret);
    assert.deepEqual(await contents(target), before);
  });

  it("with --json tells the same to programs", async (context) => {
    const { nodectl, target } = await place(context);
    const report = JSON.parse((await nodectl("--json")).out) as { readonly target: string; readonly written: boolean; readonly files: Record<string, string>; readonly asterisk: unknown };
    assert.deepEqual([report.target, report.written, report.files["ari.conf"], report.asterisk], [target, true, "new", null]);
    assert.equal((JSON.parse((await nodectl("--json", "--diff")).out) as { readonly difference: readonly string[] }).difference.length, 0);
  });

  it("takes target and templates from the command line", async (context) => {
    const { nodectl, folder } = await place(context);
    await cp(TEMPLATES_FOLDER, join(folder, "templates"), { recursive: true });
    await writeFile(join(folder, "templates", "own.conf"), "x = {{node_id}}\n");
    await mkdir(join(folder, "elsewhere"));
    assert.equal((await nodectl("--target", join(folder, "elsewhere"), "--templates", join(folder, "templates"))).code, 0);
    assert.equal(await readFile(join(folder, "elsewhere", "own.conf"), "utf8"), "x = node-a\n");
  });

  it("refuses what is missing or would break out, naming file, placeholder and source, and changes nothing", async (context) => {
    const { nodectl, target, write } = await place(context);
    await nodectl();
    const before = await contents(target);
    const cases: readonly (readonly [unknown, Readonly<Record<string, string>>, RegExp])[] = [
      [{ ...SECRET, password: "bad;value" }, {}, /res_odbc\.conf, line \d+: \{\{password\}\}, from the secret's password, has one of ; # \[ \]/],
      [{ ...SECRET, password: "bad#value" }, {}, /res_odbc\.conf/],
      [{ ...SECRET, username: "bad[value]" }, {}, /\{\{username\}\}, from the secret's username/],
      [{ ...SECRET, password: "bad\nvalue" }, {}, /AGENT_SECRET_INVALID[\s\S]*password: must be a text without control characters/],
      [{ ...SECRET, password: undefined }, {}, /AGENT_SECRET_INVALID[\s\S]*password: missing/],
      [{ ...SECRET, ari_password: "" }, {}, /AGENT_SECRET_INVALID[\s\S]*ari_password: is empty/],
      [{ ...SECRET, trunks: [{ ...SECRET.trunks[0], password: "bad]value" }] }, {}, /roles\/active\/pjsip_trunk_auths\.conf, line \d+: \{\{password\}\}, from the secret's trunks\[0\]\.password/],
      [SECRET, { STASIS_APPS: "" }, /extensions\.conf, line \d+: \{\{stasis_app\}\}: nobody gives this value; set INCOMING_APP/],
      [SECRET, { TLS_KEY_FILE: "/x" }, /TLS_CERTIFICATE_FILE is missing/],
      [SECRET, { ELASTIC_IP: "198.51.100" }, /ELASTIC_IP/],
    ];
    for (const [secret, settings, expected] of cases) {
      await write(secret, settings);
      for (const args of [[], ["--check"], ["--diff"]]) {
        const { code, out, err } = await nodectl(...args);
        assert.deepEqual([code, out], [1, ""], String(expected));
        assert.match(err, expected);
        assert.match(err, /Nothing was changed: the last good configuration stays\.\nRemedy: /);
        assert.ok(!/bad.value/.test(err), err);
      }
      assert.deepEqual(await contents(target), before, String(expected));
    }
  });

  it("refuses an unknown placeholder, a damaged template and a folder without templates", async (context) => {
    const { nodectl, folder, target } = await place(context);
    const templates = join(folder, "templates");
    await cp(TEMPLATES_FOLDER, templates, { recursive: true });
    for (const [text, expected] of [["x = {{passwort}}\n", /own\.conf, line 1: \{\{passwort\}\}: there is no such value/], ["{{#tls}}\nx\n", /own\.conf, line 1: \{\{#tls\}\} is never ended/]] as const) {
      await writeFile(join(templates, "own.conf"), text);
      const { code, err } = await nodectl("--templates", templates);
      assert.equal(code, 1);
      assert.match(err, expected);
    }
    assert.match((await nodectl("--templates", folder)).err, /is no folder of templates/);
    assert.match((await nodectl("--templates", join(folder, "none"))).err, /can't be read \(ENOENT\)/);
    assert.deepEqual(await readdir(target), []);
  });

  it("refuses a secret that others may read, a witness, and a target that is not there", async (context) => {
    const { nodectl, folder, write } = await place(context);
    assert.match((await nodectl("--target", join(folder, "none"))).err, /AGENT_RENDER_UNWRITABLE: .*none/);
    await chmod(join(folder, "secret.json"), 0o644);
    assert.match((await nodectl()).err, /AGENT_SECRET_UNREADABLE/);
    await chmod(join(folder, "secret.json"), 0o600);
    await write(SECRET, { ROLE: "witness", PEERS: "node-b=10.0.2.10:8090,node-c=10.0.3.10:8090" });
    assert.match((await nodectl()).err, /AGENT_CONFIG_INVALID: A witness/);
    assert.equal((await nodectl("--nonsense")).code, 2);
  });

  it("takes away what no template makes any more, unless somebody has changed it, and never what is not ours", async (context) => {
    const { nodectl, folder, target, file } = await place(context);
    const templates = join(folder, "templates");
    await cp(TEMPLATES_FOLDER, templates, { recursive: true });
    for (const name of ["one.conf", "two.conf"]) await writeFile(join(templates, name), "; ours\n");
    await writeFile(join(target, "pjsip_local.conf"), "; theirs\n");
    await nodectl("--templates", templates);
    for (const name of ["one.conf", "two.conf"]) await unlink(join(templates, name));
    await writeFile(join(target, "two.conf"), "; ours, and changed\n");
    const { out } = await nodectl("--templates", templates);
    assert.match(out, /1 removed \(one\.conf\)/);
    assert.match(out, /No template makes two\.conf any more\. Changed by hand/);
    await assert.rejects(file("one.conf"));
    assert.equal(await file("two.conf"), "; ours, and changed\n");
    assert.equal(await file("pjsip_local.conf"), "; theirs\n");
  });

  it("puts back what was changed by hand, and a mode that lets others read", async (context) => {
    const { nodectl, target, file } = await place(context);
    await nodectl();
    await writeFile(join(target, "rtp.conf"), "rtpstart = 1\n");
    await chmod(join(target, "ari.conf"), 0o644);
    assert.match((await nodectl()).out, /1 changed \(rtp\.conf\); 1 only mode or group \(ari\.conf\)/);
    assert.match(await file("rtp.conf"), /rtpstart = 10000/);
    assert.equal((await stat(join(target, "ari.conf"))).mode & 0o777, 0o640);
  });

  it("completes a render that was cut short, and says so", async (context) => {
    const { nodectl, target, file } = await place(context);
    await nodectl();
    const manifest = JSON.parse(await file(MANIFEST)) as unknown;
    await writeFile(join(target, JOURNAL), JSON.stringify({ format: 1, write: {}, remove: [], manifest }));
    assert.match((await nodectl("--check")).out, /An earlier render was cut short; the next one completes it/);
    assert.match((await nodectl()).out, /it was completed first/);
    await assert.rejects(file(JOURNAL));
  });

  it("turns the role's link back before Asterisk starts, and leaves it alone while Asterisk runs, of which it then says what it must reload", async (context) => {
    const { nodectl, target, folder, write } = await place(context);
    await nodectl();
    const become = async (role: string): Promise<void> => {
      await rm(join(target, "role"));
      await symlink(`roles/${role}`, join(target, "role"));
    };
    await become("active");
    await nodectl();
    assert.equal(await readlink(join(target, "role")), "roles/standby");
    await become("active");
    const asterisk = createServer((socket) => { socket.once("data", () => { socket.end("host/1/22\nSystem uptime: 1 second\n"); }); });
    await new Promise<void>((resolve) => { asterisk.listen(join(folder, "asterisk.ctl"), resolve); });
    context.after(() => { asterisk.close(); });
    await write({ ...SECRET, password: "other", trunks: [] });
    const { out } = await nodectl();
    assert.equal(await readlink(join(target, "role")), "roles/active");
    assert.match(out, /Asterisk runs and has not read this yet: asterisk -rx "module reload res_odbc\.so" && asterisk -rx "module reload res_pjsip_outbound_registration\.so" && asterisk -rx "module reload res_pjsip\.so"/);
  });
});

describe("the renderer and the templates", () => {
  it("know the same placeholders", async () => {
    const listed = JSON.parse(await readFile(join(TEMPLATES_FOLDER, "placeholders.json"), "utf8")) as { readonly values: object; readonly lists: Record<string, { readonly fields: object }> };
    const names = [...Object.keys(listed.values), ...Object.entries(listed.lists).flatMap(([name, { fields }]) => [name, ...Object.keys(fields)])];
    assert.deepEqual([...wantedBy(await readTemplates(TEMPLATES_FOLDER))].toSorted(), [...new Set(names)].toSorted());
  });

  it("know of every file who reads it", async () => {
    const names = (await readTemplates(TEMPLATES_FOLDER)).map(({ name }) => name.split("/").at(-1) ?? name);
    assert.deepEqual([...new Set(names)].toSorted(), [...KNOWN_FILES].toSorted());
  });

  it("reload only what changed, in an order in which each finds what it needs, ARI last", () => {
    assert.deepEqual(reloadFor(["ari.conf", "pjsip_trunks.conf", "res_odbc.conf"], "active"), { modules: ["res_odbc.so", "res_pjsip_outbound_registration.so", "res_pjsip.so", "res_ari.so"], restart: [] });
    assert.deepEqual(reloadFor(["roles/active/pjsip_registrations.conf"], "standby"), { modules: [], restart: [] });
    assert.deepEqual(reloadFor(["roles/active/pjsip_registrations.conf"], "active").modules, ["res_pjsip_outbound_registration.so", "res_pjsip.so"]);
    assert.deepEqual(reloadFor(["modules.conf", "unheard-of.conf"], null), { modules: [], restart: ["modules.conf", "unheard-of.conf"] });
  });
});
