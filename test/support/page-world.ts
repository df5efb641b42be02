/** A member of a small world with its page, served on a real loopback socket: for what people see, without agents. */
import { makeHistoryBook, type HistoryBook } from "../../agent/history-book.ts";
import { openLog } from "../../agent/log.ts";
import type { History } from "../../agent/ports.ts";
import { makePage, type Page } from "../../agent/status/page/page.ts";
import { makePrometheus } from "../../agent/status/prometheus.ts";
import { StatusServer } from "../../agent/status/server.ts";
import type { StatusExtra } from "../../agent/status/view.ts";
import type { SmallWorld } from "./small-world.ts";

export const EXTRA: StatusExtra = { worstCase: [{ what: "Asterisk crashes on the active, its agent lives", ms: 600, how: "by sums" }, { what: "The active's instance dies", ms: 1_850, how: "by sums" }], refusals: {} };

export interface ServedPage {
  readonly page: Page;
  readonly port: number;
  readonly url: string;
  readonly defects: unknown[];
  readonly close: () => Promise<void>;
}

/** The history of a member from now on, kept in memory by the agent's own book. */
export function movesOf(world: SmallWorld, node: string): HistoryBook["moves"] {
  const history: History = { load: () => Promise.resolve([]), save: () => Promise.resolve() };
  const log = openLog({ level: "fatal", clusterId: "test", nodeId: node, clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: () => undefined } });
  const book = makeHistoryBook({ history, config: world.config(node), keep: 500, log });
  world.observe(node, book.observe);
  return book.moves;
}

/** The page of a member: it has seen everything from now on. */
export function pageOf(world: SmallWorld, node: string, onDefect: (error: unknown) => void): Page {
  const moves = movesOf(world, node);
  const page = makePage({ config: world.config(node), state: () => world.state(node), extra: () => EXTRA, moves, calls: () => null, onDefect });
  world.observe(node, (before, event, { state }) => { page.observe(before, event, state); });
  return page;
}

/** @param port 0 takes a free one */
export async function servePage(world: SmallWorld, node: string, { page, port = 0 }: { readonly page?: Page; readonly port?: number } = {}): Promise<ServedPage> {
  const defects: unknown[] = [];
  const onDefect = (error: unknown): void => { defects.push(error); };
  const made = page ?? pageOf(world, node, onDefect);
  const config = world.config(node);
  const server = new StatusServer({ listen: { host: "127.0.0.1", port }, config, clock: { monotonicMs: () => performance.now() }, state: () => world.state(node), extra: () => EXTRA, prometheus: makePrometheus(config), onDefect, routes: made.routes, streams: made.streams });
  const listening = await server.start();
  return {
    page: made, port: listening.port, url: `http://127.0.0.1:${listening.port}/`, defects,
    close: () => {
      made.close();
      return server.close();
    },
  };
}
