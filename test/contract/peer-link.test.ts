/** The contract of the peer link, for the real one over loopback and for its twin in memory. */
import { performance } from "node:perf_hooks";
import { WsPeerLink } from "../../agent/adapters/ws-peer-link.ts";
import type { NodeId } from "../../agent/core/types.ts";
import { FakeLink } from "../support/fake-peer-link.ts";
import { FakePeerNetwork } from "../support/fake-peer-network.ts";
import { CLUSTER, keyOf, recorder } from "../support/peer-frames.ts";
import { Relay } from "../support/relay.ts";
import { waitUntil } from "../support/wait-until.ts";
import { describePeerLinkContract } from "./peer-link-contract.ts";
import type { Joiner, LinkBench } from "./peer-link-stand.ts";

const NODES: readonly NodeId[] = ["a", "b", "c"];
const ONE_KEY = new Map([["k1", keyOf(1)]]);
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

/** Real links on loopback; every path goes through a relay of its own. */
async function realBench(): Promise<LinkBench> {
  const ports = new Map<NodeId, number>();
  const relays = new Map<string, Relay>();
  const links: WsPeerLink[] = [];
  for (const from of NODES) {
    for (const to of NODES) {
      const relay = new Relay(() => ports.get(to) ?? null);
      await relay.listen();
      relays.set(`${from} ${to}`, relay);
    }
  }
  return {
    async join(joiner: Joiner) {
      const { node } = joiner;
      const { seen, handlers } = recorder();
      const members = new Map((joiner.knows ?? NODES.filter((other) => other !== node)).map((to) => [to, { host: "127.0.0.1", port: relays.get(`${node} ${to}`)?.port ?? 0 }] as const));
      const link = new WsPeerLink({
        clusterId: joiner.cluster ?? CLUSTER, nodeId: node, members, listen: { host: "127.0.0.1", port: 0 }, keys: joiner.keys ?? ONE_KEY, dialWith: joiner.dialWith ?? "k1",
        deadlines: { handshakeTimeoutMs: 2000, silentAfterMs: 1000 }, redial: { minMs: 50, maxMs: 400 }, clock, random: Math.random,
        // Here all members live at one address, and an impostor spends their budget: that it can't is shown elsewhere.
        limits: { handshakesPerSecond: 100, pendingPerMember: 32 },
      });
      links.push(link);
      await link.start(handlers);
      if (joiner.impostor !== true && link.port !== null) ports.set(node, link.port);
      return { link, seen };
    },
    setDark: (from, to, dark) => relays.get(`${from} ${to}`)?.setDark(dark),
    async until(what, condition) {
      await waitUntil(what, condition, 20_000);
    },
    aWhile: async () => {
      const overAtMs = clock.monotonicMs() + 2500;
      await waitUntil("time to pass", () => clock.monotonicMs() > overAtMs, 20_000);
    },
    async close() {
      await Promise.all(links.map((link) => link.close()));
      await Promise.all([...relays.values()].map((relay) => relay.close()));
    },
  };
}

/** The twin: time passes only while somebody waits. */
function fakeBench(): Promise<LinkBench> {
  let drawn = 0;
  // Any sequence will do as long as it is the same in every run.
  const network = new FakePeerNetwork(() => (drawn = (drawn * 16807 + 12345) % 2147483647) / 2147483647);
  return Promise.resolve({
    async join(joiner: Joiner) {
      const { seen, handlers } = recorder();
      const link = new FakeLink(network, { clusterId: joiner.cluster ?? CLUSTER, nodeId: joiner.node, members: new Set(joiner.knows ?? NODES.filter((other) => other !== joiner.node)), keys: joiner.keys ?? ONE_KEY, dialWith: joiner.dialWith ?? "k1", reachable: joiner.impostor !== true });
      await link.start(handlers);
      return { link, seen };
    },
    setDark: (from, to, dark) => network.shape(from, to, { cut: dark }),
    until(what, condition) {
      for (const untilMs = network.nowMs + 20_000; !condition(); network.advanceTo(network.nowMs + 10)) {
        if (network.nowMs > untilMs) return Promise.reject(new Error(`20 s of simulated time were not enough for ${what}`));
      }
      return Promise.resolve();
    },
    aWhile() {
      network.advanceTo(network.nowMs + 2500);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
}

describePeerLinkContract("in memory", fakeBench);
describePeerLinkContract("WebSockets over TLS on loopback", realBench);
