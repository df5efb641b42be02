/**
 * The live call roster (promise N3): each node tells its peers which calls it carries, so that after a failover the cut
 * ones can be named. Intuition: a listing of Asterisk's channels makes a generation; what changed travels as a delta to a
 * peer that has the generation before, and as a snapshot to any other. A peer's heartbeat says which generation it has,
 * so a lost frame heals by itself with the next listing.
 *
 * Carries numbers of callers: they go to the peer and into the ledger, and nowhere else.
 */
import { PROTOCOL_VERSION, type RosterFrame } from "./heartbeat.ts";
import type { MonotonicMs, NodeId, WallMs } from "./types.ts";

/** A call in progress: a channel of Asterisk that is up. */
export interface Call {
  /** Asterisk's channel id. */
  readonly id: string;
  /** Whom to ring back: the far end's number or address. */
  readonly party: string;
  readonly sinceWallMs: WallMs;
}

/** What of FRAME_MAX_BYTES is left for calls beside the frame's own fields (bytes). */
const ROOM_BYTES = 3_600;
const ADDED_PER_FRAME = 32;
const REMOVED_PER_FRAME = 48;
/** Calls that a roster holds at the most; a node with more reports the oldest of them. About 130 frames of usual calls: within the link's burst. */
export const ROSTER_MAX = 4_096;
/** A listing may take this share of the time of one core of Asterisk. */
const LISTING_SHARE = 0.01;

/** Our own calls, and what each peer was last sent. */
export interface OwnRoster {
  /** The calls as we know them now. */
  readonly calls: ReadonlyMap<string, Call>;
  readonly generation: number;
  /** The calls of this generation, and those of the one before, for deltas. */
  readonly published: ReadonlyMap<string, Call>;
  readonly previous: ReadonlyMap<string, Call>;
  readonly listedAtMs: MonotonicMs | null;
  /** How long Asterisk took for the last listing (ms); stands for its CPU time. */
  readonly listingMs: number;
  /** The generation that was last sent to each peer. */
  readonly sent: Readonly<Record<NodeId, { readonly generation: number; readonly atMs: MonotonicMs }>>;
}

/** A peer's calls as its frames have told. */
export interface PeerRoster {
  readonly incarnation: string;
  readonly generation: number;
  readonly calls: ReadonlyMap<string, Call>;
  /** Parts of the generation that is arriving. */
  readonly arriving: { readonly generation: number; readonly snapshot: boolean; readonly parts: number; readonly frames: ReadonlyMap<number, RosterFrame> } | null;
}

export const EMPTY_ROSTER: OwnRoster = { calls: new Map(), generation: 0, published: new Map(), previous: new Map(), listedAtMs: null, listingMs: 0, sent: {} };

/** A new listing replaces what we knew. */
export function foldListing(roster: OwnRoster, calls: readonly Call[], listingMs: number, atMs: MonotonicMs): OwnRoster {
  const oldestFirst = calls.length > ROSTER_MAX ? calls.toSorted((a, b) => a.sinceWallMs - b.sinceWallMs).slice(0, ROSTER_MAX) : calls;
  return { ...roster, calls: new Map(oldestFirst.map((call) => [call.id, call])), listedAtMs: atMs, listingMs };
}

/** A call has ended, told by an event between two listings. */
export function foldEnded(roster: OwnRoster, id: string): OwnRoster {
  if (!roster.calls.has(id)) return roster;
  const next = new Map(roster.calls);
  next.delete(id);
  return { ...roster, calls: next };
}

/** Makes a generation of what we know now, if it differs from the last one. Called at the pace of heartbeats, so that many ends make one. */
export function publish(roster: OwnRoster): OwnRoster {
  const { calls, published } = roster;
  if (calls === published) return roster;
  const same = calls.size === published.size && [...calls.keys()].every((id) => published.has(id));
  return same ? { ...roster, published: calls } : { ...roster, generation: roster.generation + 1, previous: published, published: calls };
}

/** When the next listing is due: a listing never costs Asterisk more than one percent of a core. */
export function listingIntervalMs(roster: OwnRoster, config: { readonly rosterIntervalMs: number }): number {
  return Math.max(config.rosterIntervalMs, roster.listingMs / LISTING_SHARE);
}

/** The frames that bring a peer from the generation that it says it has to ours; none when it is up to date or was just sent them. */
export function framesFor(roster: OwnRoster, peerHas: number | null, identity: { readonly cluster: string; readonly node: NodeId; readonly incarnation: string }): readonly RosterFrame[] {
  if (peerHas === roster.generation) return [];
  const snapshot = peerHas === null || peerHas !== roster.generation - 1;
  const base = snapshot ? new Map<string, Call>() : roster.previous;
  const added = [...roster.published.values()].filter((call) => !base.has(call.id));
  const removed = [...base.keys()].filter((id) => !roster.published.has(id));
  // An empty snapshot is a frame too: it says that there are no calls.
  const loads = [...pack(removed, REMOVED_PER_FRAME).map((ids) => ({ added: [], removed: ids })), ...pack(added, ADDED_PER_FRAME).map((calls) => ({ added: calls, removed: [] }))];
  const parts = loads.length === 0 ? [{ added: [], removed: [] }] : loads;
  return parts.map((load, part): RosterFrame => ({ v: PROTOCOL_VERSION, kind: "roster", ...identity, generation: roster.generation, part, parts: parts.length, snapshot, ...load }));
}

/** Fills frames in order, by count and by size. */
function pack<T>(items: readonly T[], most: number): T[][] {
  const frames: T[][] = [];
  let room = 0;
  for (const item of items) {
    const text = JSON.stringify(item);
    // Whatever is not ASCII takes at most three bytes a code unit.
    const bytes = /^[\x20-\x7e]*$/.test(text) ? text.length + 1 : 3 * text.length + 1;
    const last = frames.at(-1);
    if (last === undefined || last.length >= most || room < bytes) {
      frames.push([item]);
      room = ROOM_BYTES - bytes;
    } else {
      last.push(item);
      room -= bytes;
    }
  }
  return frames;
}

/** Folds a frame of a peer; the generation counts once all its parts are there. A delta that does not fit is dropped. */
export function foldRosterFrame(roster: PeerRoster | undefined, frame: RosterFrame): PeerRoster {
  const known: PeerRoster = roster?.incarnation === frame.incarnation ? roster : { incarnation: frame.incarnation, generation: 0, calls: new Map(), arriving: null };
  if (frame.part >= frame.parts || (!frame.snapshot && frame.generation !== known.generation + 1)) return known;
  const same = known.arriving?.generation === frame.generation && known.arriving.snapshot === frame.snapshot && known.arriving.parts === frame.parts;
  const frames = new Map(same ? known.arriving.frames : []);
  frames.set(frame.part, frame);
  if (frames.size < frame.parts) return { ...known, arriving: { generation: frame.generation, snapshot: frame.snapshot, parts: frame.parts, frames } };
  const calls = new Map(frame.snapshot ? [] : known.calls);
  for (const each of frames.values()) {
    for (const id of each.removed) calls.delete(id);
    for (const call of each.added) if (calls.size < ROSTER_MAX) calls.set(call.id, call);
  }
  return { incarnation: frame.incarnation, generation: frame.generation, calls, arriving: null };
}

/** The generation of that peer's roster that we hold, for our heartbeat to it; null when none of this incarnation. */
export function generationHeld(roster: PeerRoster | undefined, incarnation: string | undefined): number | null {
  return roster !== undefined && roster.incarnation === incarnation && roster.generation > 0 ? roster.generation : null;
}
