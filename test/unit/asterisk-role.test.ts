// The adapter that turns Asterisk to a role, in a folder of its own: what is on the disk, what is reloaded, and what is told of failures.
import assert from "node:assert/strict";
import { mkdir, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LinkedAsteriskRole } from "../../agent/adapters/asterisk-role.ts";
import { AgentError } from "../../agent/errors.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ALL = ["res_pjsip_outbound_registration.so", "extconfig", "res_pjsip.so"];
const reloadsOf = (role: string): readonly string[] => ALL.map((module) => `${module} roles/${role}`);
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

interface Fixture {
  readonly folder: string;
  readonly role: LinkedAsteriskRole;
  /** What Asterisk was asked, in order, with what the link said at that moment. */
  readonly asked: string[];
  /** Set: the next reloads fail with it. */
  failure: AgentError | null;
  /** Called at every reload. */
  onReload: () => void;
  readonly link: () => Promise<string>;
}

async function withRole(rendered: boolean, story: (fixture: Fixture) => Promise<void>): Promise<void> {
  const temporary = await temporaryFolder();
  const folder = temporary.path;
  const asked: string[] = [];
  const link = (): Promise<string> => readlink(join(folder, "role"));
  const close = (): void => undefined;
  const reload = async (module: string): Promise<boolean> => {
    fixture.onReload();
    if (fixture.failure !== null) throw fixture.failure;
    asked.push(`${module} ${await link()}`);
    return true;
  };
  const fixture: Fixture = { folder, asked, failure: null, onReload: close, link, role: new LinkedAsteriskRole({ folder, modules: { reload, close } }) };
  try {
    if (rendered) for (const role of ["active", "leaving", "standby"]) await mkdir(join(folder, "roles", role), { recursive: true });
    await story(fixture);
  } finally {
    await temporary.remove();
  }
}

describe("turning Asterisk to a role", () => {
  it("turns the link first and then has the three modules read it, in order", async () => {
    await withRole(true, async ({ role, asked, folder, link }) => {
      await symlink("roles/standby", join(folder, "role"));
      await role.apply("active", soon());
      assert.deepEqual(asked, reloadsOf("active"));
      await role.apply("active", soon());
      assert.deepEqual(asked, [...reloadsOf("active"), ...reloadsOf("active")]);
      assert.equal(await link(), "roles/active");
      assert.deepEqual((await readdir(folder)).toSorted(), ["role", "roles"]);
    });
  });

  it("takes the carriers' passwords away before the registrations, so that the goodbye to a carrier erases nothing", async () => {
    await withRole(true, async ({ role, asked, link }) => {
      await role.apply("active", soon());
      asked.length = 0;
      await role.apply("standby", soon());
      assert.deepEqual(asked, ["res_pjsip.so roles/leaving", ...reloadsOf("standby")]);
      assert.equal(await link(), "roles/standby");
      asked.length = 0;
      await role.apply("standby", soon());
      assert.deepEqual(asked, reloadsOf("standby"), "who has left has no registrations");
    });
  });

  it("goes on leaving after a failure in the middle, and after a crash", async () => {
    await withRole(true, async (fixture) => {
      await fixture.role.apply("active", soon());
      fixture.failure = new AgentError("AGENT_ARI_FAILED", "409");
      await rejectsWith("AGENT_ARI_FAILED", fixture.role.apply("standby", soon()));
      assert.equal(await fixture.link(), "roles/leaving");
      fixture.failure = null;
      fixture.asked.length = 0;
      await fixture.role.apply("standby", soon());
      assert.deepEqual(fixture.asked, ["res_pjsip.so roles/leaving", ...reloadsOf("standby")]);
    });
  });

  it("leaves at once what an earlier release has rendered, which knows no leaving", async () => {
    await withRole(true, async ({ role, asked, folder }) => {
      await rm(join(folder, "roles", "leaving"), { recursive: true });
      await role.apply("active", soon());
      asked.length = 0;
      await role.apply("standby", soon());
      assert.deepEqual(asked, reloadsOf("standby"));
    });
  });

  it("turns the link while Asterisk is away, and takes that for done", async () => {
    await withRole(true, async (fixture) => {
      fixture.failure = new AgentError("AGENT_PROBE_REFUSED", "nothing listens");
      await fixture.role.apply("active", soon());
      assert.equal(await fixture.link(), "roles/active");
    });
  });

  it("gives over what a crash has left", async () => {
    await withRole(true, async ({ role, folder, link }) => {
      await symlink("roles/active", join(folder, ".role"));
      await role.apply("standby", soon());
      assert.equal(await link(), "roles/standby");
    });
  });

  it("fails when Asterisk is busy with another reload, and when the link can't be turned", async () => {
    await withRole(true, async (fixture) => {
      fixture.failure = new AgentError("AGENT_ARI_FAILED", "409");
      await rejectsWith("AGENT_ARI_FAILED", fixture.role.apply("active", soon()));
      assert.deepEqual(fixture.asked, []);
      fixture.failure = null;
      await rm(join(fixture.folder, "role"));
      await mkdir(join(fixture.folder, "role"));
      await writeFile(join(fixture.folder, "role", "x"), "");
      await rejectsWith("AGENT_RENDER_UNWRITABLE", fixture.role.apply("active", soon()));
    });
  });

  it("starts nothing new after an abort", async () => {
    await withRole(true, async (fixture) => {
      const aborter = new AbortController();
      fixture.onReload = () => { aborter.abort(); };
      await rejectsWith("AGENT_PROBE_TIMEOUT", fixture.role.apply("active", aborter.signal));
      assert.equal(fixture.asked.length, 1);
    });
  });

  it("touches nothing where the configuration was never rendered by us", async () => {
    await withRole(false, async ({ role, asked, folder }) => {
      await role.apply("active", soon());
      assert.deepEqual([asked, await readdir(folder)], [[], []]);
    });
  });
});
