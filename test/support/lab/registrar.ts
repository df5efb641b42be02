// A SIP provider with which the active registers: what it was asked, by whom, and whom it would send calls to. Bindings are told
// apart by the address alone, which is the same for both nodes (the Elastic IP): the harshest provider there is.
import { z } from "zod";
import { waitUntil } from "../wait-until.ts";
import { ADDRESS } from "./addresses.ts";
import type { Lab } from "./network.ts";
import { labProgram } from "./programs.ts";

const Line = z.object({ accepted: z.boolean(), uri: z.string(), expires: z.number(), password: z.number(), from: z.string(), server: z.string(), atMs: z.number(), bindings: z.array(z.string()) });

/** A REGISTER; `server` is the sender's User-Agent, which names the node, `expires` 0 takes a binding away, `password` is the index of the one that it knew. */
export type Registration = z.infer<typeof Line>;

export interface Registrar {
  /** As the secret's `trunks` has it. */
  readonly trunk: { readonly name: string; readonly server: string; readonly username: string; readonly password: string };
  /** All accepted requests, in order. */
  readonly registrations: readonly Registration[];
  /** All that were challenged instead, in order: the first of every pair, and those whose sender knows no password. */
  readonly challenged: readonly Registration[];
  /** The nodes that hold a binding now, by their User-Agent. */
  bound(): readonly string[];
}

/** The trunk of a provider at that port, whether it runs already or not. */
export function carrierAt(port = 5090): Registrar["trunk"] {
  return { name: "carrier", server: `${ADDRESS.caller}:${port}`, username: "lab-account", password: "lab-carrier-password" };
}

export interface RegistrarOptions {
  readonly port?: number;
  /** Taken beside the trunk's own, as while a password is being changed. */
  readonly otherPasswords?: readonly string[];
  /** Binds for so long at the most (seconds): who is to come back soon is granted little. */
  readonly longestSeconds?: number;
}

/** Starts a provider in the caller's place. */
export async function startRegistrar(lab: Lab, { port = 5090, otherPasswords = [], longestSeconds = 3_600 }: RegistrarOptions = {}): Promise<Registrar> {
  const trunk = carrierAt(port);
  const challenged: Registration[] = [];
  const registrations: Registration[] = [];
  const started = await lab.spawn("caller", process.execPath, [await labProgram("support/lab/registrar-main.ts"), ADDRESS.caller, String(port), trunk.username, JSON.stringify([trunk.password, ...otherPasswords]), String(longestSeconds)], {
    name: "registrar",
    onLine: (line) => {
      const told = Line.parse(JSON.parse(line));
      (told.accepted ? registrations : challenged).push(told);
    },
  });
  await waitUntil("the provider to listen", () => started.log().includes("listening"), 10_000);
  return { trunk, registrations, challenged, bound: () => registrations.at(-1)?.bindings ?? [] };
}
