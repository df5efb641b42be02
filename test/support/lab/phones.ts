// Phones on the Internet side of the lab: each registers through the Elastic IP with one request (and the answer to its challenge),
// keeps its socket open as a phone behind NAT does, and tells when it was called, by which node's packets, and asked with what.
import { z } from "zod";
import { waitUntil } from "../wait-until.ts";
import { ELASTIC_IP } from "./addresses.ts";
import type { Lab } from "./network.ts";
import type { LabProcess } from "./process.ts";
import { labProgram } from "./programs.ts";

/** Phones have an address of their own: the caller's is that of a trunk, and trunks are known by their address. */
export const PHONES_ADDRESS = "198.51.100.20";

/** What `phone-main.ts` is told. */
export interface PhoneSpec {
  readonly user: string;
  readonly password: string;
  readonly transport: "udp" | "tcp";
  readonly address: string;
  readonly port: number;
  readonly server: string;
  readonly serverPort: number;
  readonly expiresSeconds: number;
}

const Line = z.discriminatedUnion("type", [
  z.object({ type: z.literal("registered"), status: z.number(), atMs: z.number() }),
  z.object({ type: z.literal("asked"), method: z.string(), from: z.string(), atMs: z.number() }),
  z.object({ type: z.literal("broken"), error: z.string(), atMs: z.number() }),
  z.object({ type: z.literal("closed"), atMs: z.number() }),
]);

/** A request that the phone received. */
export type Asked = Extract<z.infer<typeof Line>, { type: "asked" }>;

/** Gives the caller's place the phones' address. Once a lab. */
export async function preparePhones(lab: Lab): Promise<void> {
  await lab.run("caller", "ip", ["address", "add", `${PHONES_ADDRESS}/32`, "dev", "eth0"]);
  await lab.run("igw", "ip", ["route", "replace", `${PHONES_ADDRESS}/32`, "dev", "caller"]);
}

/** Starts a phone; resolves when it is registered, rejects when it was refused. */
export async function startPhone(lab: Lab, options: Pick<PhoneSpec, "user" | "password" | "port"> & Partial<PhoneSpec>): Promise<Phone> {
  const spec: PhoneSpec = { transport: "udp", address: PHONES_ADDRESS, server: ELASTIC_IP, serverPort: 5060, expiresSeconds: 300, ...options };
  const phone = new Phone();
  phone.attach(await lab.spawn("caller", process.execPath, [await labProgram("support/lab/phone-main.ts"), JSON.stringify(spec)], { name: `phone-${spec.user}`, onLine: (line) => phone.take(line) }));
  const status = await waitUntil(`${spec.user} to be registered`, () => phone.registerStatus ?? undefined, 15_000);
  if (status !== 200) throw new Error(`${spec.user} was refused with ${status}`);
  return phone;
}

export class Phone {
  readonly #asked: Asked[] = [];
  #status: number | null = null;
  #process: LabProcess | null = null;

  /** Called once by `startPhone`. */
  attach(process: LabProcess): void {
    this.#process = process;
  }

  /** Takes in one line of the process. */
  take(text: string): void {
    const line = Line.parse(JSON.parse(text));
    if (line.type === "registered") this.#status = line.status;
    else if (line.type === "asked") this.#asked.push(line);
  }

  /** The final answer to its REGISTER; null before there is one. */
  get registerStatus(): number | null {
    return this.#status;
  }

  /** Requests of that method that it has received since an instant of `monotonicMs()`, in order. */
  asked(method: string, sinceMs = 0): readonly Asked[] {
    return this.#asked.filter((each) => each.method === method && each.atMs >= sinceMs);
  }

  /** Switched off: its socket is gone. */
  async stop(): Promise<void> {
    await this.#process?.end();
  }
}
