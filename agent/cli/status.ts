/** `nodectl status`: the whole cluster in one table, as the agent of this machine knows it. */
import { clusterText } from "../status/cluster-text.ts";
import { statusText } from "../status/text.ts";
import { askStatus, defaultUrl } from "./ask-agent.ts";
import type { Verb } from "./verb.ts";

interface StatusOptions {
  readonly json?: boolean;
  readonly detail?: boolean;
  readonly url: string;
}

export const statusVerb: Verb = (program, terminal) => {
  program
    .command("status")
    .description("show the whole cluster: who holds the address, who serves and why, what limits claims, the last move")
    .option("--json", "everything this agent knows, as JSON")
    .option("--detail", "also what this node itself measures: votes, probes, history of roles")
    .option("--url <url>", "the agent's status page", defaultUrl(terminal.env))
    .action(async (options: StatusOptions) => {
      const view = await askStatus(options.url);
      if (options.json === true) terminal.out(JSON.stringify(view, null, 2));
      else {
        const look = { width: terminal.width, colour: terminal.colour };
        const lines = [...clusterText(view, look), ...(options.detail === true ? ["", ...statusText(view, look)] : [])];
        for (const line of lines) terminal.out(line);
      }
    });
};
