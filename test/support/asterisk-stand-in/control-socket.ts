/** The stand-in's control socket: the few commands that the agent asks, in the words of Asterisk 22. */
import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { FaultBoard } from "./faults.ts";

/** What the commands tell about, asked for at each of them. */
export interface ControlFacts {
  calls(): number;
  channels(): number;
  contacts(): { readonly reachable: number; readonly unreachable: number };
  alertedQueues(): readonly string[];
  /** The applications of each open event socket. */
  connectedApps(): readonly string[];
  readonly version: string;
}

/** One life of the control socket. */
export class ControlSocket {
  readonly #facts: ControlFacts;
  readonly #faults: FaultBoard;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();

  constructor(facts: ControlFacts, faults: FaultBoard) {
    this.#facts = facts;
    this.#faults = faults;
    this.#server = createServer((socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket)).on("error", () => undefined);
      this.#faults.whenAwake(() => this.#serve(socket));
    });
  }

  async listen(path: string): Promise<void> {
    // As Asterisk does: the socket of a process that was killed is in the way.
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => this.#server.once("error", reject).listen(path, resolve));
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    socket.write(`stand-in/${process.pid}/${this.#facts.version}\n`);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const command = /^cli quit after ([^\0]*)\0/.exec(text)?.[1];
      if (command !== undefined) this.#faults.whenAwake(() => socket.end(this.#answer(command)));
    });
  }

  #answer(command: string): string {
    switch (command) {
      case "core show channels count": {
        const [calls, channels] = [this.#facts.calls(), this.#facts.channels()];
        return `${channels} active channel${channels === 1 ? "" : "s"}\n${calls} active call${calls === 1 ? "" : "s"}\n${calls} calls processed\n`;
      }
      case "core show taskprocessor alerted subsystems": {
        const queues = this.#facts.alertedQueues();
        return `\n${"Subsystem".padEnd(32)}  Alert Count\n${queues.map((name) => `${name.padEnd(32)}            1\n`).join("")}\n${queues.length} subsystems\n\n`;
      }
      case "pjsip show contacts":
        return this.#contacts();
      case "ari show websocket sessions": {
        const rows = this.#facts.connectedApps().map((app) => `00000000-0000-4000-8000-000000000000  inbound         127.0.0.1:40000                  Up    ${app}\n`);
        return `Connection ID                         Type            RemoteAddr                       State Apps            \n${"-".repeat(37)} ${"-".repeat(15)} ${"-".repeat(32)} ----- ${"-".repeat(16)}\n${rows.join("")}`;
      }
      default:
        return `No such command '${command}' (type 'core show help ${command}' for other possible commands)\n`;
    }
  }

  #contacts(): string {
    const { reachable, unreachable } = this.#facts.contacts();
    const total = reachable + unreachable;
    if (total === 0) return "No objects found.\n\n";
    const row = (index: number): string => `  Contact:  c${index}/sip:c${index}@192.0.2.${index % 250}:5060 ${(0xabcdef0000 + index).toString(16)} ${index < reachable ? "Avail        12.345" : "Unavail        -nan"}\n`;
    const rows = Array.from({ length: total }, (_unused, index) => row(index));
    return `\n  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>\n${"=".repeat(90)}\n\n${rows.join("")}\nObjects found: ${total}\n\n`;
  }
}
