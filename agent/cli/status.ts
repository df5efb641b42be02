/** `nodectl status`: what this node is, why, and what it waits for. */
import { statusText } from "../status/text.ts";
import { askStatus, defaultUrl } from "./ask-agent.ts";
import type { Verb } from "./verb.ts";

interface StatusOptions {
  readonly json?: boolean;
  readonly url: string;
}

export const statusVerb: Verb = (program, terminal) => {
  program
    .command("status")
    .description("show role, evidence, health, where the address is, and what this node waits for")
    .option("--json", "the whole of it as JSON")
    .option("--url <url>", "the agent's status page", defaultUrl(terminal.env))
    .action(async (options: StatusOptions) => {
      const view = await askStatus(options.url);
      if (options.json === true) terminal.out(JSON.stringify(view, null, 2));
      else for (const line of statusText(view, { width: terminal.width, colour: terminal.colour })) terminal.out(line);
    });
};
