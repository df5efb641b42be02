/** The page for people: wires the last hour, drawing, assets and feed to the status server. boot.ts makes one. */
import type { CoreConfig } from "../../core/settings.ts";
import type { MoveRecord } from "../../core/moves.ts";
import { sameHolder } from "../../core/ownership.ts";
import type { Event } from "../../core/events.ts";
import type { State } from "../../core/state.ts";
import type { Route, Stream } from "../server.ts";
import { explanationOf } from "../explain.ts";
import type { CallsView } from "../calls-view.ts";
import type { StatusView } from "../schema.ts";
import { SECURITY_HEADERS } from "../security-headers.ts";
import { type StatusExtra, statusView } from "../view.ts";
import { ASSET_TYPES, loadAssets, versionOf, type AssetName } from "./assets.ts";
import { charts } from "./charts.ts";
import { documentOf, partsOf, type Parts } from "./document.ts";
import { Feed } from "./feed.ts";
import { LastHour } from "./last-hour.ts";
import type { Markup } from "./markup.ts";

/** A chart of an hour does not change visibly within this; drawing it reads every sample. */
const CHARTS_EVERY_MS = 2_000;

export interface PageOptions {
  readonly config: CoreConfig;
  readonly state: () => State;
  readonly extra: () => StatusExtra;
  /** The history of moves, the oldest first. */
  readonly moves: () => readonly MoveRecord[];
  /** What the Stasis app of this machine says; null where there is none. */
  readonly calls: () => CallsView | null;
  readonly onDefect: (error: unknown) => void;
}

/** What boot.ts wires: `observe` into the driver, the rest into the status server. */
export interface Page {
  readonly routes: Readonly<Record<string, Route>>;
  readonly streams: Readonly<Record<string, Stream>>;
  /** After every step. Costs a few comparisons. */
  readonly observe: (before: State, event: Event, after: State) => void;
  /** Pages that are being kept up to date. */
  readonly listeners: () => number;
  readonly close: () => void;
}

export function makePage({ config, state, extra, moves, calls, onDefect }: PageOptions): Page {
  const assets = loadAssets();
  const version = versionOf(assets);
  const hour = new LastHour(config);
  const others = [...config.peers, ...config.witnesses];
  let drawn: { readonly atMs: number; readonly markup: Markup } | null = null;
  let broken = false;

  const chartsNow = (present: State): Markup => {
    if (drawn === null || present.nowMs - drawn.atMs >= CHARTS_EVERY_MS) drawn = { atMs: present.nowMs, markup: charts(hour, others, present.nowMs) };
    return drawn.markup;
  };
  const draw = (): { readonly view: StatusView; readonly parts: Parts } => {
    const present = state();
    const view = statusView(present, config, extra());
    return { view, parts: partsOf({ view, explanation: explanationOf(present, config), moves: moves(), calls: calls() }, chartsNow(present)) };
  };
  const texts = (): Record<string, string> => Object.fromEntries(Object.entries(draw().parts).map(([id, markup]) => [id, markup.text]));
  const feed = new Feed({ draw: texts, assets: version, headers: SECURITY_HEADERS, onDefect });
  const asset = (name: AssetName): Route => () => ({ status: 200, type: ASSET_TYPES[name], body: assets[name] });
  return {
    routes: {
      "/": () => {
        const { view, parts } = draw();
        return { status: 200, type: "text/html; charset=utf-8", body: documentOf(view, parts, version) };
      },
      "/page/page.css": asset("page.css"),
      "/page/page.js": asset("page.js"),
      "/page/icon.svg": asset("icon.svg"),
    },
    streams: { "/events": (request, response) => { feed.open(request, response); } },
    observe: (before, event, after) => {
      if (broken) return;
      try {
        if (event.type === "ticked") hour.observe(after);
        if (matters(before, after)) feed.nudge();
      } catch (error) {
        // This runs between a decision and its actions: what is shown must not stop what is done.
        broken = true;
        onDefect(error);
      }
    },
    listeners: () => feed.listeners,
    close: () => { feed.close(); },
  };
}

/** What an operator wants to see at once, not at the next half second. */
function matters(before: State, after: State): boolean {
  return before.role !== after.role || !sameHolder(before.ownership.holder, after.ownership.holder) || before.health.serving !== after.health.serving
    || before.yielding !== after.yielding || before.claim?.phase !== after.claim?.phase || before.policy.pause !== after.policy.pause
    || (before.evidence.suspectedAtMs === null) !== (after.evidence.suspectedAtMs === null);
}
