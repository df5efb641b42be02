// Registrations with carriers follow the role, on the real pair and with the harshest of providers: it tells bindings apart by the
// address alone, so that an un-REGISTER of the old active, could it give the password, would erase the binding of the new one.
import assert from "node:assert/strict";
import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { NodeName } from "../support/lab/addresses.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import type { Pair } from "../support/lab/pair.ts";
import { movedTo, withPair } from "../support/lab/pair-checks.ts";
import { carrierAt, startRegistrar, type Registrar, type Registration } from "../support/lab/registrar.ts";
import { waitUntil } from "../support/wait-until.ts";

const agentOf = (name: NodeName): string => `node-agent ${name}`;
const linkOf = (pair: Pair, name: NodeName): Promise<string> => readlink(join(pair.node(name).asterisk.etcDir, "role"));

function since(provider: Registrar, atMs: number): readonly Registration[] {
  return provider.registrations.filter((each) => each.atMs >= atMs);
}

/** Exactly that node is registered: the provider has its binding, its Asterisk a registration, and the other has none at all. */
async function registeredOnly(pair: Pair, provider: Registrar, name: NodeName): Promise<void> {
  await waitUntil(`the binding of ${name}`, () => provider.bound().length === 1 && provider.bound()[0] === agentOf(name), 40_000);
  for (const each of pair.nodes.values()) {
    assert.equal(await linkOf(pair, each.name), each.name === name ? "roles/active" : "roles/standby");
    assert.equal((await each.asterisk.cli("pjsip show registrations")).includes("carrier/sip:"), each.name === name, `${each.name} while ${name} is active`);
  }
}

/** When a node last took a role, on the clock of `monotonicMs`. */
async function tookRoleAt(pair: Pair, name: NodeName, role: string): Promise<number> {
  const offsetMs = Date.now() - monotonicMs();
  const last = (await pair.status(name)).transitions.filter((each) => each.to === role).at(-1);
  assert.ok(last !== undefined, `${name} never became ${role}`);
  return Date.parse(last.at) - offsetMs;
}

describe("registrations with carriers", { timeout: 300_000 }, () => {
  it("are the active's alone: in the steady state, after a promotion, and after the old active is back", async (context: TestContext) => {
    await withPair({ trunks: [carrierAt()] }, async (pair) => {
      // Comes back every 20 s, so that a refresh is seen.
      const provider = await startRegistrar(pair.lab, { longestSeconds: 30 });
      await pair.steady("node-a");
      await registeredOnly(pair, provider, "node-a");
      assert.deepEqual([...new Set(provider.registrations.map((each) => each.server))], [agentOf("node-a")], "a standby has never asked the provider for anything");

      const restartedAtMs = monotonicMs();
      for (const name of ["node-a", "node-b"] as const) {
        await pair.node(name).agent?.end(10_000);
        await pair.startAgent(name);
      }
      await pair.steady("node-a");
      await registeredOnly(pair, provider, "node-a");
      const restarted = since(provider, restartedAtMs);
      assert.ok(restarted.every((each) => each.server === agentOf("node-a") && each.expires > 0), `a restart of the agents takes nothing away: ${JSON.stringify(restarted)}`);

      // The network of node-a alone: its Asterisk lives, believes itself registered, and says goodbye when it may speak again.
      const goneAtMs = monotonicMs();
      await pair.lab.nodeGone("node-a");
      await movedTo(pair, "node-b");
      const first = await waitUntil("the new active's REGISTER", () => since(provider, goneAtMs).find((each) => each.server === agentOf("node-b") && each.expires > 0), 20_000);
      const registerMs = first.atMs - (await tookRoleAt(pair, "node-b", "active"));
      context.diagnostic(`from promote to the accepted REGISTER: ${Math.round(registerMs)} ms`);
      assert.ok(registerMs < 10_000, `registered ${Math.round(registerMs)} ms after the promotion`);

      const backAtMs = monotonicMs();
      await pair.lab.rejoin("node-a");
      // What the provider has answered with a challenge, and heard no more of.
      const goodbye = await waitUntil("the old active's un-REGISTER", () => provider.challenged.find((each) => each.atMs >= backAtMs && each.server === agentOf("node-a") && each.expires === 0), 60_000);
      context.diagnostic(`from the demotion to the un-REGISTER: ${Math.round(goodbye.atMs - (await tookRoleAt(pair, "node-a", "standby")))} ms`);
      await pair.steady("node-b");
      await registeredOnly(pair, provider, "node-b");
      // Until well after the next heartbeats, and after all that a provider's answer could have set off.
      const refreshed = await waitUntil("the new active to refresh its binding", () => since(provider, goodbye.atMs).find((each) => each.server === agentOf("node-b")), 60_000);
      // A refresh that fell due while it was cut off may come before its agent hears of the move; nothing comes after its goodbye.
      const late = since(provider, first.atMs).filter((each) => each.server === agentOf("node-a"));
      assert.ok(late.every((each) => each.atMs < goodbye.atMs), `node-a has registered after its goodbye: ${JSON.stringify(late)}`);
      assert.deepEqual([goodbye, ...since(provider, first.atMs)].filter((each) => each.bindings.length !== 1), [], "there was no binding for a moment");
      assert.deepEqual(since(provider, first.atMs).filter((each) => each.expires === 0), [], "an un-REGISTER was accepted");
      assert.deepEqual(refreshed.bindings, [agentOf("node-b")]);
      context.diagnostic(`the binding was never away: ${late.length} late refreshes of the old active, and the new active's own ${Math.round(refreshed.atMs - goodbye.atMs)} ms after the un-REGISTER`);

      const crashedAtMs = monotonicMs();
      await pair.node("node-a").asterisk.kill();
      await pair.node("node-a").asterisk.start();
      await pair.node("node-a").asterisk.waitBooted();
      await pair.steady("node-b");
      await registeredOnly(pair, provider, "node-b");
      assert.ok(since(provider, crashedAtMs).every((each) => each.server === agentOf("node-b") && each.expires > 0), "a standby's Asterisk starts as a standby's");
    });
  });
});
