/**
 * Our own Asterisk: runs it, does ARI take the agent, is it new enough, has it the modules, are the Stasis applications there,
 * does it answer SIP. An Asterisk that does not run is one finding, not ten.
 */
import { AgentError } from "../errors.ts";
import { failed, ok, problem, skipped, warning, type Check, type Finding } from "./finding.ts";
import { ASK_WITHIN_MS, type AsteriskPort, type DoctorWorld } from "./world.ts";

/** Older ones of a series have known holes that an ARI user can use, or lack the drain; other series are not looked after by Asterisk. */
const OLDEST: Readonly<Record<number, readonly [minor: number, patch: number]>> = { 20: [20, 1], 22: [10, 1], 23: [4, 1] };
const NEWEST_KNOWN = Math.max(...Object.keys(OLDEST).map(Number));

/** Without these nothing works; without the others, the feature named does not. */
const MODULES_NEEDED = ["chan_pjsip", "res_pjsip", "res_http_websocket", "res_stasis", "res_ari", "res_ari_asterisk", "res_ari_applications", "res_ari_channels", "res_ari_events", "app_stasis"] as const;
const MODULES_WANTED: Readonly<Record<string, string>> = { res_pjsip_maintenance: "nodectl drain and a switchover without lost calls" };

export function asteriskChecks(world: DoctorWorld): readonly Check[] {
  return world.asterisk === null ? [] : [{ name: "Asterisk", withinMs: 6 * ASK_WITHIN_MS, run: () => asteriskCheck(world) }];
}

async function asteriskCheck(world: DoctorWorld): Promise<readonly Finding[]> {
  const { asterisk, config } = world;
  if (asterisk === null) return [];
  const port = await asterisk().catch((error: unknown) => { if (error instanceof AgentError) return null; throw error; });
  if (port === null) return [...(await sipChecks(world)), skipped("ARI", "Its password is in the secret, which can't be used.")];
  try {
    const refusal = await refusalOf(port.ping(soon()));
    if (refusal === null) return (await Promise.all([version(port), modules(port), control(port, world), ...config.core.stasisApps.map((app) => application(app, port)), sipChecks(world)])).flat();
    if (refusal.code === "AGENT_ARI_DENIED") return [problem("ARI", `ARI refuses the user ${config.node?.ariUsername ?? ""}: ${refusal.message} (${refusal.code})`, "Compare ari_password of the secret with ari.conf (nodectl render --check), and ARI_USERNAME with the user there; then `module reload res_ari`."), ...(await control(port, world)), ...(await sipChecks(world))];
    const sip = await sipChecks(world);
    const dead = sip.every(({ level }) => level === "problem");
    return dead ? [problem("Asterisk", `Neither ARI nor SIP answers: ${refusal.message} (${refusal.code})`, "Is Asterisk running? systemctl status asterisk; then its log, and `systemctl start asterisk`.")] : [failed("ARI", refusal, "Is http.conf enabled and bound where ARI_URL says, and are the modules of ARI loaded?"), ...sip];
  } finally {
    port.close();
  }
}

async function version(port: AsteriskPort): Promise<readonly Finding[]> {
  const text = await port.version(soon());
  const name = "Asterisk version";
  const [major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1) ?? []).map(Number);
  const oldest = OLDEST[major];
  if (oldest === undefined) return [major > NEWEST_KNOWN ? ok(name, `${text}, newer than what this nodectl knows.`) : warning(name, `${text} is of a series that gets no repairs of security any more.`, "Move to 22 LTS; the image of packer/ has it.")];
  const [leastMinor, leastPatch] = oldest;
  const good = minor > leastMinor || (minor === leastMinor && patch >= leastPatch);
  return [good ? ok(name, `${text}.`) : warning(name, `${text} has known holes, and may lack the drain.`, `Bring it to ${major}.${leastMinor}.${leastPatch} or newer.`)];
}

async function modules(port: AsteriskPort): Promise<readonly Finding[]> {
  const name = "Asterisk modules";
  const states = async (modulesAsked: readonly string[]): Promise<readonly string[]> => (await Promise.all(modulesAsked.map(async (module) => ((await port.moduleState(`${module}.so`, soon())) === "Running" ? [] : [module])))).flat();
  const [missing, unwanted] = await Promise.all([states(MODULES_NEEDED), states(Object.keys(MODULES_WANTED))]);
  if (missing.length > 0) return [problem(name, `Not running: ${missing.join(", ")}.`, "Load them in modules.conf (asterisk-config/ has it right), and read Asterisk's log for why one does not start.")];
  if (unwanted.length > 0) return unwanted.map((module) => warning(name, `${module} is not running: ${MODULES_WANTED[module] ?? ""} needs it.`, "Load it in modules.conf; Asterisk has it from 20.20 and 22.10 on."));
  return [ok(name, `All ${MODULES_NEEDED.length + Object.keys(MODULES_WANTED).length} that the agent needs are running.`)];
}

async function control(port: AsteriskPort, { agent, config }: DoctorWorld): Promise<readonly Finding[]> {
  const name = "Asterisk control socket";
  const refusal = await refusalOf(port.control(soon()));
  if (refusal === null) return [ok(name, `${config.node?.asteriskControlSocket ?? ""} answers.`)];
  // The operator need not be allowed to use it; the agent must.
  if ((await agent()).kind === "runs" && /EACCES/.test(refusal.message)) return [skipped(name, "This user may not use it; the agent is another user.")];
  return [failed(name, refusal, "Is ASTERISK_CONTROL_SOCKET right, and is the agent's user in Asterisk's group (astctlgroup and astctlpermissions in asterisk.conf)?")];
}

async function application(app: string, port: AsteriskPort): Promise<readonly Finding[]> {
  const name = `Stasis application ${app}`;
  try {
    if (await port.stasisAppRegistered(app, soon())) return [ok(name, "Registered, with an open event socket.")];
    return [problem(name, "It is not registered: calls that the dialplan gives to it fail.", "Is it running (pm2 status), and is its name the one in STASIS_APPS?")];
  } catch (error) {
    return [failed(name, error)];
  }
}

async function sipChecks({ config, prober }: DoctorWorld): Promise<readonly Finding[]> {
  const { node, core } = config;
  if (node === null) return [];
  const { host, port } = node.sipAddress;
  return Promise.all((["udp", ...(core.sipTcp ? (["tcp"] as const) : [])] as const).map(async (transport): Promise<Finding> => {
    const name = `SIP over ${transport.toUpperCase()}`;
    try {
      const { status } = await prober.sipOptions({ transport, host, port }, soon());
      if (status === 503) return warning(name, `${host}:${port} answers with 503: it drains or is overloaded.`, "nodectl status says whether it drains (nodectl undrain ends that); else look at Asterisk's load.");
      return ok(name, `${host}:${port} answers OPTIONS (${status}).`);
    } catch (error) {
      return failed(name, error, "Has pjsip.conf a transport there, and is SIP_ADDRESS right?");
    }
  }));
}

const soon = (): AbortSignal => AbortSignal.timeout(ASK_WITHIN_MS);

async function refusalOf(trying: Promise<void>): Promise<AgentError | null> {
  try {
    await trying;
    return null;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
