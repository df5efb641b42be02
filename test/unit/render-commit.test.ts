// Many files change as one: every step of a render is made to fail once, and to be the last one once.
import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AgentError } from "../../agent/errors.ts";
import { commit, completePending, hashOf, isPending, JOURNAL, MANIFEST, readManifest, type Changes } from "../../agent/render/commit.ts";
import { makeDisk, type Probe } from "../../agent/render/disk.ts";
import { lockFolder } from "../../agent/render/lock.ts";
import { holdTarget } from "../../agent/render/render.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const OWNER = { uid: null, gid: null };
const OLD: Readonly<Record<string, string>> = { "ari.conf": "old ari", "pjsip.conf": "old pjsip", "gone.conf": "old gone" };
const NEW: Readonly<Record<string, string>> = { "ari.conf": "new ari\n".repeat(500), "pjsip.conf": "new pjsip", "roles/active/x.conf": "new role" };
const CHANGES: Changes = {
  write: Object.entries(NEW).map(([name, text]) => ({ name, text })),
  remove: ["gone.conf"],
  manifest: { format: 1, secretVersion: "v2", files: Object.fromEntries(Object.entries(NEW).map(([name, text]) => [name, hashOf(text)])), reload: [] },
};

/** A folder with the old files and one that is not ours. */
async function oldFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(OLD)) await writeFile(join(folder.path, name), text);
  await writeFile(join(folder.path, "pjsip_local.conf"), "the operator's");
  return folder;
}

async function files(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const entries = await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).isFile() ? await readFile(join(folder, name), "utf8") : null] as const));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

const without = (all: Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(all).filter(([name]) => !/(?:^|\/)\.render/.test(name)));
const AFTER = { ...NEW, "pjsip_local.conf": "the operator's" };
const BEFORE = { ...OLD, "pjsip_local.conf": "the operator's" };

/** How many steps the whole change has. */
async function countSteps(): Promise<number> {
  const folder = await oldFolder();
  let steps = 0;
  await commit(folder.path, CHANGES, makeDisk(OWNER, () => { steps += 1; }));
  await folder.remove();
  return steps;
}

/** From that step on, nothing happens any more: as if the process had been killed just before it. */
function deadFrom(step: number): Probe {
  let count = 0;
  return () => {
    count += 1;
    if (count >= step) throw new Error("dead");
  };
}

/** Only that step fails. */
function failsAt(step: number): Probe {
  let count = 0;
  return () => {
    count += 1;
    if (count === step) throw Object.assign(new Error("no"), { code: "EIO" });
  };
}

describe("a change of many files", () => {
  it("makes all of them what they should be, and leaves others alone", async () => {
    const folder = await oldFolder();
    await commit(folder.path, CHANGES, makeDisk(OWNER));
    assert.deepEqual(without(await files(folder.path)), AFTER);
    assert.deepEqual(await readManifest(folder.path), CHANGES.manifest);
    assert.equal((await stat(join(folder.path, "ari.conf"))).mode & 0o7777, 0o640);
    assert.equal((await stat(join(folder.path, MANIFEST))).mode & 0o7777, 0o640);
    assert.deepEqual(Object.keys(await files(folder.path)).filter((name) => name.startsWith(".")), [MANIFEST]);
    await folder.remove();
  });

  it("forces every file to the disk before it has its name, and the names after it", async () => {
    const folder = await oldFolder();
    const steps: string[] = [];
    await commit(folder.path, CHANGES, makeDisk(OWNER, (step) => steps.push(step.replaceAll(`${folder.path}/`, "").replaceAll(folder.path, "."))));
    const at = (step: string): number => steps.indexOf(step);
    for (const name of ["ari.conf", "pjsip.conf"]) assert.ok(at(`sync .render-new-${name}`) >= 0 && at(`sync .render-new-${name}`) < at(`rename ${JOURNAL}`) && at(`rename ${JOURNAL}`) < at(`rename ${name}`), name);
    assert.ok(at("syncfolder .") < at(`rename ${JOURNAL}`));
    assert.equal(steps.at(-1), "syncfolder .");
    await folder.remove();
  });

  it("killed before any step: every file is whole, and old or new as one after the next start", async () => {
    const count = await countSteps();
    assert.ok(count > 30, `${count} steps`);
    const seen = { old: 0, new: 0 };
    for (let step = 1; step <= count; step += 1) {
      const folder = await oldFolder();
      await assert.rejects(commit(folder.path, CHANGES, makeDisk(OWNER, deadFrom(step))));
      const decided = await isPending(folder.path) || (await readManifest(folder.path)) !== null;
      for (const [name, text] of Object.entries(without(await files(folder.path)))) assert.ok(text === OLD[name] || text === NEW[name] || name === "pjsip_local.conf", `step ${step}: ${name} is neither old nor new`);
      await completePending(folder.path, makeDisk(OWNER));
      assert.deepEqual(without(await files(folder.path)), decided ? AFTER : BEFORE, `step ${step}`);
      assert.deepEqual(Object.keys(await files(folder.path)).filter((name) => name.includes(".render-")), [], `step ${step} leaves something`);
      assert.deepEqual(await readManifest(folder.path), decided ? CHANGES.manifest : null);
      seen[decided ? "new" : "old"] += 1;
      await folder.remove();
    }
    assert.ok(seen.old > 10 && seen.new > 5, JSON.stringify(seen));
  });

  it("killed again while it is being completed: the next start completes it", async () => {
    const half = async (): Promise<Awaited<ReturnType<typeof oldFolder>>> => {
      const folder = await oldFolder();
      let renames = 0;
      await assert.rejects(commit(folder.path, CHANGES, makeDisk(OWNER, (step) => {
        if (step.startsWith("rename") && (renames += 1) > 2) throw new Error("dead");
        if (renames > 2) throw new Error("dead");
      })));
      assert.ok(await isPending(folder.path));
      return folder;
    };
    for (let step = 1; ; step += 1) {
      const folder = await half();
      const done = await completePending(folder.path, makeDisk(OWNER, deadFrom(step))).then(() => true, () => false);
      await completePending(folder.path, makeDisk(OWNER));
      assert.deepEqual(without(await files(folder.path)), AFTER, `step ${step}`);
      await folder.remove();
      if (done) break;
    }
  });

  it("fails at any step with one clear error, and is as before or complete after the next start", async () => {
    const count = await countSteps();
    for (let step = 1; step <= count; step += 1) {
      const folder = await oldFolder();
      const failure: unknown = await commit(folder.path, CHANGES, makeDisk(OWNER, failsAt(step))).then(() => null, (error: unknown) => error);
      assert.ok(failure instanceof AgentError && failure.code === "AGENT_RENDER_UNWRITABLE", `step ${step}: ${String(failure)}`);
      assert.match(failure.message, /EIO/);
      const decided = await isPending(folder.path) || (await readManifest(folder.path)) !== null;
      if (!decided) assert.deepEqual(await files(folder.path), BEFORE, `step ${step} left something`);
      await completePending(folder.path, makeDisk(OWNER));
      assert.deepEqual(without(await files(folder.path)), decided ? AFTER : BEFORE, `step ${step}`);
      await folder.remove();
    }
  });

  it("does not take a damaged temporary file for the wanted one", async () => {
    const folder = await oldFolder();
    let decided = false;
    await assert.rejects(commit(folder.path, CHANGES, makeDisk(OWNER, (step) => {
      if (decided) throw new Error("dead");
      decided = step.endsWith(JOURNAL) && step.startsWith("rename");
    })));
    await writeFile(join(folder.path, ".render-new-ari.conf"), "half");
    await completePending(folder.path, makeDisk(OWNER));
    assert.equal((await files(folder.path))["ari.conf"], "old ari");
    await folder.remove();
  });

  it("treats a damaged journal or record as none", async () => {
    const folder = await oldFolder();
    for (const text of ["{", "[]", JSON.stringify({ format: 1, write: { "../../etc/passwd": "0".repeat(64) }, remove: [], manifest: CHANGES.manifest }), JSON.stringify({ format: 1, write: {}, remove: ["/etc/passwd"], manifest: CHANGES.manifest })]) {
      await writeFile(join(folder.path, JOURNAL), text);
      assert.equal(await completePending(folder.path, makeDisk(OWNER)), false);
      assert.equal(await isPending(folder.path), false);
    }
    await writeFile(join(folder.path, MANIFEST), "{}");
    assert.equal(await readManifest(folder.path), null);
    await folder.remove();
  });

  it("replaces a link by a file, and says so when a folder is in the way", async () => {
    const folder = await oldFolder();
    await symlink("/nowhere", join(folder.path, "link.conf"));
    await commit(folder.path, { ...CHANGES, write: [{ name: "link.conf", text: "x" }], remove: [] }, makeDisk(OWNER));
    assert.equal((await files(folder.path))["link.conf"], "x");
    await mkdir(join(folder.path, "folder.conf"));
    await assert.rejects(commit(folder.path, { ...CHANGES, write: [{ name: "folder.conf", text: "x" }], remove: [] }, makeDisk(OWNER)), (error) => error instanceof AgentError && error.code === "AGENT_RENDER_UNWRITABLE");
    await folder.remove();
  });

  it("gives the mode whatever the umask, and gives the group", async (context) => {
    const folder = await oldFolder();
    const umask = process.umask(0o077);
    context.after(() => process.umask(umask));
    const steps: string[] = [];
    await commit(folder.path, { ...CHANGES, write: [{ name: "a.conf", text: "x" }], remove: [] }, makeDisk({ uid: null, gid: process.getegid?.() ?? null }, (step) => steps.push(step.split(" ")[0] ?? "")));
    assert.equal((await stat(join(folder.path, "a.conf"))).mode & 0o7777, 0o640);
    assert.ok(steps.indexOf("chown") < steps.indexOf("rename"));
    await folder.remove();
  });
});

describe("the lock", () => {
  it("lets one in at a time, and the next one after it", async () => {
    const folder = await temporaryFolder();
    const order: string[] = [];
    const slow = holdTarget(folder.path, AbortSignal.timeout(10_000), async () => {
      order.push("first in");
      await new Promise((resolve) => setImmediate(resolve));
      await assert.rejects(lockFolder(folder.path, AbortSignal.timeout(120)), /another render holds it/);
      order.push("first out");
    });
    const next = holdTarget(folder.path, AbortSignal.timeout(10_000), async () => { await Promise.resolve(order.push("second in")); });
    await Promise.all([slow, next]);
    assert.deepEqual(order, ["first in", "first out", "second in"]);
    await folder.remove();
  });

  it("is free again after a failure, and says when there is no such folder", async () => {
    const folder = await temporaryFolder();
    await assert.rejects(holdTarget(folder.path, AbortSignal.timeout(1_000), () => Promise.reject(new Error("x"))), /x/);
    await holdTarget(folder.path, AbortSignal.timeout(1_000), () => Promise.resolve());
    await assert.rejects(lockFolder(join(folder.path, "none"), AbortSignal.timeout(1_000)), (error) => error instanceof AgentError && error.code === "AGENT_RENDER_UNWRITABLE");
    await chmod(folder.path, 0o700);
    await folder.remove();
  });
});
