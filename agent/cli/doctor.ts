/** `nodectl doctor`: walks a node or a fresh installation, and tells what is wrong with what to do about it. */
import process from "node:process";
import { assembleDoctor } from "../doctor/assemble.ts";
import { examine } from "../doctor/examine.ts";
import { problem, type Finding } from "../doctor/finding.ts";
import { loadConfig } from "../config.ts";
import { handOverAwsVariables, readEnvFile } from "../env-file.ts";
import { AgentError, ERRORS } from "../errors.ts";
import { clean, wrap } from "../status/layout.ts";
import { VERSION } from "../version.ts";
import { CliError, EXIT, type Terminal, type Verb } from "./verb.ts";

const MARKS: Readonly<Record<Finding["level"], string>> = { ok: "ok      ", warning: "warning ", problem: "PROBLEM ", skipped: "skipped " };

export const doctorVerb: Verb = (program, terminal) => {
  program
    .command("doctor")
    .description("examine this node or a fresh installation: settings, secret, AWS, members, Asterisk, disk; changes nothing")
    .option("--json", "the findings as JSON")
    .action(async ({ json }: { readonly json?: boolean }) => {
      const findings = await findingsOf(terminal);
      const problems = findings.filter(({ level }) => level === "problem").length;
      if (json === true) terminal.out(JSON.stringify({ problems, findings }, null, 2));
      else for (const line of doctorText(findings, terminal.width)) terminal.out(line);
      if (problems > 0) throw new CliError(problems === 1 ? "1 problem." : `${problems} problems.`, EXIT.failed);
    });
};

async function findingsOf(terminal: Terminal): Promise<readonly Finding[]> {
  let assembled: ReturnType<typeof assembleDoctor>;
  let settings: string;
  try {
    const file = readEnvFile(terminal.env, process.cwd());
    const config = loadConfig({ file: file.values, fileProblems: file.problems, process: terminal.env }, VERSION);
    handOverAwsVariables(file.values, process.env);
    settings = file.path ?? "the environment";
    assembled = assembleDoctor(config, VERSION);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return [problem("configuration", `${error.message} (${error.code})`, ERRORS[error.code].remedy)];
  }
  try {
    return await examine(assembled.world, settings);
  } finally {
    assembled.close();
  }
}

/** A line a finding; what is wrong is told in full, with its remedy. */
export function doctorText(findings: readonly Finding[], width: number): string[] {
  const count = (level: Finding["level"]): number => findings.filter((each) => each.level === level).length;
  const lines = findings.flatMap(({ check, level, found, remedy }) => {
    const text = found.split("\n").flatMap((line) => wrap(clean(line.trim()), width - 10, 6));
    return [`${MARKS[level]} ${clean(check)}`, ...text.map((line) => `          ${line}`), ...(remedy === null ? [] : wrap(`-> ${clean(remedy)}`, width - 10, 6).map((line) => `          ${line}`))];
  });
  return [...lines, "", `${count("ok")} ok, ${count("warning")} warning(s), ${count("problem")} problem(s), ${count("skipped")} skipped.`];
}
