/** The real prober over real sockets: strangers' and damaged responses before the true one, and streams that end anywhere. */
import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import fc from "fast-check";
import { z } from "zod";
import { SocketProber } from "../../../agent/adapters/socket-prober.ts";
import { settledOrRefused } from "../judge.ts";
import { target } from "../target.ts";
import { sipText } from "./sip.ts";

/** The true answer's status; no seed has it. */
const TRUE_STATUS = 299;
const DEADLINE_MS = 20_000;

const schema = z.object({ transport: z.enum(["udp", "tcp"]), before: z.array(z.string()), answered: z.boolean() });
type Input = z.infer<typeof schema>;

function answerTo(request: string): string {
  const copied = request.split("\r\n").filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
  return [`SIP/2.0 ${TRUE_STATUS} True`, ...copied, "Content-Length: 0", "", ""].join("\r\n");
}

class Responder {
  readonly udp: UdpSocket = createSocket("udp4");
  readonly tcp: Server;
  now: Input = { transport: "udp", before: [], answered: true };

  constructor() {
    this.udp.on("message", (message, from) => {
      const say = (text: string): void => this.udp.send(Buffer.from(text, "latin1"), from.port, from.address);
      for (const text of this.now.before) say(text);
      say(answerTo(message.toString("latin1")));
    });
    this.tcp = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (request: Buffer) => {
        for (const text of this.now.before) socket.write(text, "latin1");
        if (this.now.answered) socket.write(answerTo(request.toString("latin1")), "latin1");
        socket.end();
      });
    });
  }

  async listen(): Promise<void> {
    this.udp.bind(0, "127.0.0.1");
    this.tcp.listen(0, "127.0.0.1");
    await Promise.all([once(this.udp, "listening"), once(this.tcp, "listening")]);
  }
}

export const sipWire = target({
  name: "sip-wire",
  says: "damaged and foreign SIP responses before the true one, to the prober over UDP and TCP",
  inputs: fc.record({ transport: fc.constantFrom("udp" as const, "tcp" as const), before: fc.array(sipText.filter((text) => text !== ""), { maxLength: 4 }), answered: fc.boolean() }),
  schema,
  casesInSuite: 300,
  share: 15_000,
  open: async () => {
    const responder = new Responder();
    await responder.listen();
    const prober = new SocketProber();
    return {
      async feed(input) {
        responder.now = input;
        const port = input.transport === "udp" ? responder.udp.address().port : (responder.tcp.address() as AddressInfo).port;
        const done = await settledOrRefused(() => prober.sipOptions({ transport: input.transport, host: "127.0.0.1", port }, AbortSignal.timeout(DEADLINE_MS)), { codes: ["AGENT_PROBE_TIMEOUT"] });
        // A datagram can't be spoilt by others, and none before it carries this probe's identity, which is new for each. Within a
        // stream the remains of a message and the true answer can make one.
        if (input.transport === "udp") assert.equal(done?.value.status, TRUE_STATUS, "the true answer was not found among the others");
        else if (done !== null) assert.ok(done.value.status >= 200 && done.value.status <= 699, "no final answer");
        return done !== null;
      },
      close: async () => {
        responder.udp.close();
        responder.tcp.close();
        await once(responder.tcp, "close");
      },
    };
  },
});
