/** The embedded AWS's control methods over HTTP: POST /_control/<method> with a JSON array of arguments. */
import { CONTROL_NAMES, type AwsLab } from "./aws-lab.ts";
import type { WireReply } from "./aws-faces.ts";

export const CONTROL_PREFIX = "/_control/";

type ControlName = (typeof CONTROL_NAMES)[number];

/** The control methods of AwsLab as another process sees them: the same arguments, and promises. */
export type RemoteAwsLab = { readonly [Name in ControlName]: (...args: Parameters<AwsLab[Name]>) => Promise<Awaited<ReturnType<AwsLab[Name]>>> };

/**
 * Drives an embedded AWS in another process. Note that `setListening(false)` closes the control path too.
 * @param url what the other process printed as its `url`
 */
export function remoteAwsLab(url: string): RemoteAwsLab {
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    const response = await fetch(`${url}${CONTROL_PREFIX}${name}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(args) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${name}: ${text}`);
    return (JSON.parse(text) as { value?: unknown }).value;
  };
  return Object.fromEntries(CONTROL_NAMES.map((name) => [name, (...args: unknown[]) => call(name, args)])) as unknown as RemoteAwsLab;
}

/** The server's side. */
export async function answerControl(lab: AwsLab, name: string, body: string): Promise<WireReply> {
  const known = CONTROL_NAMES.find((one) => one === name);
  if (known === undefined) return { status: 404, contentType: "text/plain", body: `no such control method; there are: ${CONTROL_NAMES.join(", ")}\n` };
  const method = lab[known].bind(lab) as (...args: unknown[]) => unknown;
  try {
    const value = await method(...(JSON.parse(body === "" ? "[]" : body) as unknown[]));
    return { status: 200, contentType: "application/json", body: JSON.stringify({ value }) };
  } catch (error) {
    return { status: 400, contentType: "text/plain", body: error instanceof Error ? error.message : String(error) };
  }
}
