// A SIP provider with which the active registers: what it was asked, by whom, and whom it would send calls to. Bindings are told
// apart by the address alone, which is the same for both nodes (the Elastic IP): the harshest provider there is.
import { join } from "node:path";
import { z } from "zod";
import { waitUntil } from "../wait-until.ts";
import { ADDRESS } from "./addresses.ts";
import type { Lab } from "./network.ts";

const Line = z.object({ uri: z.string(), expires: z.number(), from: z.string(), server: z.string(), atMs: z.number(), bindings: z.array(z.string()) });

/** An accepted REGISTER; `server` is the sender's User-Agent, which names the node, and `expires` 0 takes a binding away. */
export type Registration = z.infer<typeof Line>;

export interface Registrar {
  /** As the secret's `trunks` has it. */
  readonly trunk: { readonly name: string; readonly server: string; readonly username: string; readonly password: string };
  /** All accepted requests, in order. */
  readonly registrations: readonly Registration[];
  /** The nodes that hold a binding now, by their User-Agent. */
  bound(): readonly string[];
}

/** The trunk of a provider at that port, whether it runs already or not. */
export function carrierAt(port = 5090): Registrar["trunk"] {
  return { name: "carrier", server: `${ADDRESS.caller}:${port}`, username: "lab-account", password: "lab-carrier-password" };
}

/** Starts a provider in the caller's place. */
export async function startRegistrar(lab: Lab, port = 5090): Promise<Registrar> {
  const trunk = carrierAt(port);
  const registrations: Registration[] = [];
  const started = await lab.spawn("caller", process.execPath, ["--import", "tsx", join(import.meta.dirname, "registrar-main.ts"), ADDRESS.caller, String(port), trunk.username, trunk.password], {
    name: "registrar",
    onLine: (line) => registrations.push(Line.parse(JSON.parse(line))),
  });
  await waitUntil("the provider to listen", () => started.log().includes("listening"), 10_000);
  return { trunk, registrations, bound: () => registrations.at(-1)?.bindings ?? [] };
}
