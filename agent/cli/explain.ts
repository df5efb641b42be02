/** `nodectl explain`: would this node claim the address now, and if not, why. */
import { explanationSchema, type Explanation } from "../status/explain-schema.ts";
import { clean, cut, wrap } from "../status/layout.ts";
import { askJson, defaultUrl } from "./ask-agent.ts";
import type { Verb } from "./verb.ts";

interface ExplainOptions {
  readonly json?: boolean;
  readonly url: string;
}

const NAME_WIDTH = 23;

export const explainVerb: Verb = (program, terminal) => {
  program
    .command("explain")
    .description("say whether this node would claim the address now, and if not, why: every gate and every vote")
    .option("--json", "the same as JSON")
    .option("--url <url>", "the agent's status page", defaultUrl(terminal.env))
    .action(async (options: ExplainOptions) => {
      const explanation = await askJson(options.url, "/explain", explanationSchema);
      if (options.json === true) terminal.out(JSON.stringify(explanation, null, 2));
      else for (const line of explainText(explanation, terminal.width)) terminal.out(line);
    });
};

/** The answer first, then the gates of each cause, then who sees what. */
export function explainText(explanation: Explanation, width: number): string[] {
  const { node, role, holder, sentence, causes, coldStart, observers, cloud, references } = explanation;
  const title = `Would ${node} (${role}; the address is on ${holder}) claim now? ${sentence}`;
  return [
    ...wrap(clean(title), width, 4),
    ...causes.flatMap(({ cause, passes, gates }) => ["", `by ${cause}: ${passes ? "all gates pass" : `${gates.filter((gate) => !gate.passes).length} gate(s) closed`}`, ...gates.flatMap((gate) => gateLines(gate, width))]),
    ...(coldStart === null ? [] : ["", `start of a stopped standby: ${coldStart.passes ? "all gates pass" : `${coldStart.gates.filter((gate) => !gate.passes).length} gate(s) closed`}`, ...coldStart.gates.flatMap((gate) => gateLines(gate, width))]),
    ...(observers.length === 0 ? [] : ["", "who sees what of the active"]),
    ...observers.flatMap((observer) => observerLines(observer, width)),
    ...(observers.length === 0 ? [] : entry("EC2", `${cloud.verdict}. ${cloud.reason}`, width)),
    ...references.flatMap(({ side, answers, askedAgeMs }) => (answers === null ? [] : entry(`reference, ${side}`, `${answers ? "answers" : "DOES NOT ANSWER"}, asked ${askedAgeMs ?? 0} ms ago`, width))),
  ];
}

/** A gate that passes takes one line; a closed one is told in full. */
function gateLines({ name, passes, value, limit, sentence }: Explanation["causes"][number]["gates"][number], width: number): string[] {
  const measured = clean(`${value} (needs: ${limit})`);
  if (passes) return [`  ok  ${cut(`${name.padEnd(NAME_WIDTH)} ${measured}`, width - 6)}`];
  return [`  NO  ${cut(`${name.padEnd(NAME_WIDTH)} ${measured}`, width - 6)}`, ...wrap(clean(sentence), width - 8, 4).map((line) => `        ${line}`)];
}

function observerLines({ observer, verdict, counted, ageMs, channels }: Explanation["observers"][number], width: number): string[] {
  const heard = ageMs === null ? ", never heard" : ageMs === 0 ? "" : `, heard ${ageMs} ms ago`;
  return [...entry(observer, `${verdict}${counted ? "" : ", absent: not counted"}${heard}`, width), ...channels.flatMap(({ name, verdict: seen, value, limit }) => entry(`  ${name}`, `${seen}: ${value} (down needs: ${limit})`, width))];
}

function entry(label: string, text: string, width: number): string[] {
  const wrapped = wrap(clean(text), width - NAME_WIDTH - 3, 3);
  return wrapped.map((line, index) => `  ${(index === 0 ? cut(clean(label), NAME_WIDTH) : "").padEnd(NAME_WIDTH)} ${line}`);
}
