/** One example for each verb, told by `nodectl help VERB`. A verb that explains itself at more length does that in its own file. */
import type { Command } from "commander";

const EXAMPLES: Readonly<Record<string, string>> = {
  status: "nodectl status --json | jq .policy",
  watch: "nodectl watch --every 5s",
  explain: "nodectl explain",
  doctor: "sudo -u node-agent nodectl doctor",
  history: "nodectl history --last 3",
  calls: "nodectl calls --json | jq .figures",
  pause: 'nodectl pause --for 2h --reason "work on the network"',
  resume: "nodectl resume",
  ack: "nodectl ack",
  drain: 'nodectl drain --for 30m --reason "new kernel"',
  undrain: "nodectl undrain",
  drill: 'nodectl drill --drain 5m --reason "quarterly game day"',
  fleet: "nodectl fleet status --region eu-central-1",
  render: "nodectl render --diff",
  completion: "nodectl completion bash > /etc/bash_completion.d/nodectl",
};

/** Adds them to the verbs that the program has. */
export function addExamples(program: Command): void {
  for (const command of program.commands) {
    const example = EXAMPLES[command.name()];
    if (example !== undefined) command.addHelpText("after", `\nExample: ${example}`);
  }
}
