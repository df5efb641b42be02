/** What every SIP server must give the prober. Runs against the stand-in, and against a real Asterisk in the end-to-end tests. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { SocketProber } from "../../agent/adapters/socket-prober.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { waitUntil } from "../support/wait-until.ts";
import { soon } from "./telephony-contract.ts";

/** A SIP server on one address, over UDP and TCP. */
export interface TestSipServer {
  readonly host: string;
  readonly port: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Resolves when it has stopped. */
  freeze(): Promise<void>;
  thaw(): void;
  remove(): Promise<void>;
}

/** The suite. `makeServer` makes one that is up. */
export function describeProberContract(name: string, makeServer: () => Promise<TestSipServer>): void {
  describe(`probing ${name}`, { timeout: 120_000 }, () => {
    let server: TestSipServer;
    const prober = new SocketProber();
    before(async () => {
      server = await makeServer();
    });
    after(() => server.remove());

    for (const transport of ["udp", "tcp"] as const) {
      const ask = (signal: AbortSignal): Promise<{ readonly status: number }> => prober.sipOptions({ transport, host: server.host, port: server.port }, signal);

      it(`gets 200 over ${transport}, also many times at once`, async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask(soon())));
        assert.deepEqual(answers, answers.map(() => ({ status: 200 })));
      });

      it(`gets its answer over ${transport} from a chosen local address`, async () => {
        const bound = new SocketProber({ localAddress: "127.0.0.1" });
        assert.deepEqual(await bound.sipOptions({ transport, host: server.host, port: server.port }, soon()), { status: 200 });
      });

      it(`asks this very machine over ${transport} from its loopback address, whatever address was chosen for the way out`, async () => {
        const bound = new SocketProber({ localAddress: "192.0.2.1" });
        assert.deepEqual(await bound.sipOptions({ transport, host: server.host, port: server.port }, soon()), { status: 200 });
      });

      it(`times out over ${transport} while the server is frozen, and not after`, async () => {
        await server.freeze();
        try {
          await rejectsWith("AGENT_PROBE_TIMEOUT", ask(AbortSignal.timeout(200)));
        } finally {
          server.thaw();
        }
        assert.deepEqual(await ask(soon()), { status: 200 });
      });
    }

    it("is refused at once over both transports when the server has crashed", async () => {
      await server.kill();
      await rejectsWith("AGENT_PROBE_REFUSED", prober.sipOptions({ transport: "udp", host: server.host, port: server.port }, soon()));
      await rejectsWith("AGENT_PROBE_REFUSED", prober.sipOptions({ transport: "tcp", host: server.host, port: server.port }, soon()));
      await rejectsWith("AGENT_PROBE_REFUSED", prober.tcpConnect([`${server.host}:${server.port}`], soon()));
      await server.start();
      const answered = (): Promise<boolean> => prober.sipOptions({ transport: "udp", host: server.host, port: server.port }, soon()).then(({ status }) => status === 200);
      await waitUntil("the server to answer again", answered, 20_000);
    });

    it("connects when one of the references accepts", async () => {
      await prober.tcpConnect([`${server.host}:1`, `${server.host}:${server.port}`], soon());
    });
  });
}
