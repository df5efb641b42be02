/** `nodectl calls`: what the Stasis app of this machine is doing. Asks the app on the loopback; figures only, never a number. */
import { z } from "zod";
import { inWords } from "../core/in-words.ts";
import { clean } from "../status/layout.ts";
import { askJson } from "./ask-agent.ts";
import type { Verb } from "./verb.ts";

const APP_STATUS = "http://127.0.0.1:8093";

/** What the app's /status says. The app is another program, so the shape is checked here anew. */
const callsSchema = z.object({
  node: z.string(),
  role: z.enum(["active", "holding", "standby"]),
  database: z.boolean(),
  asterisk: z.boolean(),
  sink: z.string().nullable(),
  secret: z.string().nullable(),
  here: z.number(),
  figures: z.object({ queued: z.number(), dialling: z.number(), up: z.number(), lastHour: z.record(z.string(), z.number()) }).nullable(),
  waiting: z.object({ count: z.number(), oldestMs: z.number() }).nullable(),
  campaigns: z.array(z.object({ campaign: z.string(), running: z.number(), callsPerSecond: z.number(), concurrent: z.number() })),
});

export type CallsView = z.infer<typeof callsSchema>;

const ROLES: Readonly<Record<CallsView["role"], string>> = { active: "makes and takes calls", holding: "calls go on, none is begun: the agent has been silent for too long", standby: "ready and quiet" };

export const callsVerb: Verb = (program, terminal) => {
  program
    .command("calls")
    .description("show what the Stasis app does: calls by state, results of the last hour, campaigns, events that wait")
    .option("--json", "the app's own figures as JSON")
    .option("--url <url>", "where the app's status is", terminal.env["APP_STATUS_LISTEN"] === undefined ? APP_STATUS : `http://${terminal.env["APP_STATUS_LISTEN"]}`)
    .action(async ({ json, url }: { readonly json?: boolean; readonly url: string }) => {
      const view = await askJson(url, "/status", callsSchema);
      if (json === true) terminal.out(JSON.stringify(view, null, 2));
      else for (const line of callsText(view)) terminal.out(clean(line));
    });
};

/** The lines of the command. */
export function callsText(view: CallsView): readonly string[] {
  const { figures, waiting } = view;
  const troubles = [...(view.asterisk ? [] : ["no connection to Asterisk"]), ...(view.database ? [] : ["the database does not answer"]), ...(view.sink === null ? [] : [`events are not taken: ${view.sink}`]), ...(view.secret === null ? [] : [`the newest secret is not in use: ${view.secret}`])];
  const results = Object.entries(figures?.lastHour ?? {}).map(([result, count]) => `${result} ${count}`);
  return [
    `${view.node}: ${view.role}, ${ROLES[view.role]}`,
    ...troubles.map((trouble) => `trouble: ${trouble}`),
    ...(figures === null ? [] : [`calls: ${figures.queued} queued, ${figures.dialling} being dialled, ${figures.up} up (${view.here} on this node)`, `last hour: ${results.length === 0 ? "no attempt has ended" : results.join(", ")}`]),
    ...(waiting === null ? [] : [waiting.count === 0 ? "events: all delivered" : `events: ${waiting.count} wait, the oldest for ${inWords(waiting.oldestMs)}`]),
    ...view.campaigns.map(({ campaign, running, concurrent, callsPerSecond }) => `campaign ${campaign}: ${running} of ${concurrent} calls at once, ${callsPerSecond} a second at most`),
  ];
}
