/** The machine: is there an agent, may we talk to it, STATE_DIR, and the ports that an agent would take. */
import { AgentError } from "../errors.ts";
import { failed, ok, problem, skipped, warning, type Check, type Finding } from "./finding.ts";
import { ASK_WITHIN_MS, type DoctorWorld } from "./world.ts";

const MIB = 1_048_576;
/** Below these the disk is worth a word, or a problem. */
const FREE_WARN = { share: 0.1, mib: 256 };
const FREE_BAD = { share: 0.02, mib: 32 };

export function machineChecks(world: DoctorWorld): readonly Check[] {
  return [
    { name: "agent", withinMs: 2 * ASK_WITHIN_MS, run: () => agentCheck(world) },
    { name: "STATE_DIR", withinMs: ASK_WITHIN_MS, run: () => stateCheck(world) },
    { name: "disk", withinMs: ASK_WITHIN_MS, run: () => diskCheck(world) },
    { name: "listening ports", withinMs: 2 * ASK_WITHIN_MS, run: () => portsCheck(world) },
  ];
}

async function agentCheck({ agent, software, config }: DoctorWorld): Promise<readonly Finding[]> {
  const word = await agent();
  if (word.kind === "forbidden") return [problem("agent", `The agent's socket may not be used by this user (${word.why}).`, "Become a member of the group that owns STATE_DIR (asterisk-agent on a node), or use sudo.")];
  if (word.kind === "absent") return [warning("agent", `No agent answers on the socket in ${config.stateDir} (${word.why}). What only a running agent knows is left out.`, "Start it: pm2 start ecosystem.config.js (or npm start). If it should be running, its log says why it is not.")];
  const { view } = word;
  if (view.node !== config.core.nodeId || view.cluster !== config.core.clusterId) return [problem("agent", `The agent that runs is ${view.node} of ${view.cluster}; the settings are for ${config.core.nodeId} of ${config.core.clusterId}.`, "Start the agent again with these settings, or give nodectl the settings of the agent (AGENT_ENV_FILE).")];
  if (view.software !== software) return [warning("agent", `The agent that runs is version ${view.software}, this nodectl ${software}.`, "Start the agent again, so that it is the version that is installed.")];
  return [ok("agent", `Version ${view.software} runs as ${view.role}.`)];
}

/** Whether the folder can be written is the agent's word while it runs: an operator need not be allowed to. */
async function stateCheck({ agent, state, config }: DoctorWorld): Promise<readonly Finding[]> {
  const word = await agent();
  const unsaved = word.kind === "runs" ? word.view.conditions.find(({ name }) => name === "state-unsaved") : undefined;
  if (unsaved !== undefined) return [problem("STATE_DIR", unsaved.sentence, `Free space in ${config.stateDir}, or correct its owner (the agent's user) and mode (0750).`)];
  const findings: Finding[] = [];
  try {
    if (word.kind === "absent") await state.write();
    const moves = await state.history();
    if (moves === "damaged") findings.push(warning("STATE_DIR", `The history of moves in ${config.stateDir} is damaged.`, "Nothing is decided on it. The agent sets it aside when it starts again; the last claim is in the address's tags."));
    else findings.push(ok("STATE_DIR", `${config.stateDir} ${word.kind === "absent" ? "can be written" : "is written by the agent"}; ${moves} move(s) in the history.`));
  } catch (error) {
    findings.push(failed("STATE_DIR", error, `Make ${config.stateDir}, owned by the agent's user, mode 0750; and run the doctor as that user or as root while no agent runs.`));
  }
  return findings;
}

async function diskCheck({ state, config }: DoctorWorld): Promise<readonly Finding[]> {
  const { free, total } = await state.freeBytes();
  const mib = Math.round(free / MIB);
  const says = `${mib} MiB of ${Math.round(total / MIB)} MiB are free where ${config.stateDir} is`;
  const below = (limit: typeof FREE_WARN): boolean => mib < limit.mib || (free < total * limit.share && mib < limit.mib * 8);
  const remedy = "Make room: old logs, old ledgers (LEDGER_KEEP_DAYS), unsent metrics (METRIC_SPOOL_MIB).";
  if (below(FREE_BAD)) return [problem("disk", `${says}: pause, hold-down and history may not be kept.`, remedy)];
  return [below(FREE_WARN) ? warning("disk", `${says}.`, remedy) : ok("disk", `${says}.`)];
}

/** Only while no agent holds them. */
async function portsCheck({ agent, config, listen }: DoctorWorld): Promise<readonly Finding[]> {
  const word = await agent();
  if (word.kind !== "absent") return [word.kind === "runs" ? ok("listening ports", "The agent has them.") : skipped("listening ports", "Whether an agent has them is not known.")];
  try {
    await Promise.all([listen(config.listen.host, config.listen.port), listen(config.statusListen.host, config.statusListen.port)]);
    return [ok("listening ports", `LISTEN (${config.listen.host}:${config.listen.port}) and STATUS_LISTEN (${config.statusListen.host}:${config.statusListen.port}) are free.`)];
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [failed("listening ports", error)];
  }
}
