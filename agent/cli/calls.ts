/** `nodectl calls`: what the Stasis app of this machine is doing. Asks the app on the loopback; figures only, never a number. */
import { inWords } from "../core/in-words.ts";
import { APP_ROLE_WORDS, callsSchema, troublesOf, type CallsView } from "../status/calls-view.ts";
import { clean } from "../status/layout.ts";
import { askJson, type Absence } from "./ask-agent.ts";
import type { Verb } from "./verb.ts";

const APP_STATUS = "http://127.0.0.1:8093";
const NO_APP: Absence = { who: "Stasis app", remedy: "It runs under pm2 where stasis-app.env exists, and tells its figures at APP_STATUS_LISTEN; if that is elsewhere, give --url." };

export const callsVerb: Verb = (program, terminal) => {
  program
    .command("calls")
    .description("show what the Stasis app does: calls by state, results of the last hour, campaigns, events that wait")
    .option("--json", "the app's own figures as JSON")
    .option("--url <url>", "where the app's status is", terminal.env["APP_STATUS_LISTEN"] === undefined ? APP_STATUS : `http://${terminal.env["APP_STATUS_LISTEN"]}`)
    .action(async ({ json, url }: { readonly json?: boolean; readonly url: string }) => {
      const view = await askJson(url, "/status", callsSchema, NO_APP);
      if (json === true) terminal.out(JSON.stringify(view, null, 2));
      else for (const line of callsText(view)) terminal.out(clean(line));
    });
};

/** The lines of the command. */
export function callsText(view: CallsView): readonly string[] {
  const { figures, waiting } = view;
  const results = Object.entries(figures?.lastHour ?? {}).map(([result, count]) => `${result} ${count}`);
  return [
    `${view.node}: ${view.role}, ${APP_ROLE_WORDS[view.role]}`,
    ...troublesOf(view).map((trouble) => `trouble: ${trouble}`),
    ...(figures === null ? [] : [`calls: ${figures.queued} queued, ${figures.dialling} being dialled, ${figures.up} up (${view.here} on this node)`, `last hour: ${results.length === 0 ? "no attempt has ended" : results.join(", ")}`]),
    ...(waiting === null ? [] : [waiting.count === 0 ? "events: all delivered" : `events: ${waiting.count} wait, the oldest for ${inWords(waiting.oldestMs)}`]),
    ...view.campaigns.map(({ campaign, running, concurrent, callsPerSecond }) => `campaign ${campaign}: ${running} of ${concurrent} calls at once, ${callsPerSecond} a second at most`),
  ];
}
