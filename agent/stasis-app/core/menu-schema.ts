/**
 * What a menu may consist of, as its author writes it: named nodes, each of which does one thing and says where to go next.
 * A name means the node of that name in the same menu, or else in the menus around it, as in any language with blocks.
 */
import { z } from "zod";

/** How long the caller may take for the first key after the prompt, and for each further one (ms). */
const FIRST_DIGIT_MS = 10_000;
const INTER_DIGIT_MS = 5_000;
/** How often a caller may press nothing or something wrong before the menu goes on without an answer. */
const TRIES = 3;

const KEY = "[0-9*#A-D]";
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be 1 to 63 lower-case letters, digits and dashes");
/** A word that a receiver of events reads: a name for an event, or for what a caller has typed. */
const word = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/, "must be a word: a letter, then letters, digits, dots, dashes and underscores");
/** What Asterisk can play; `$audio` is what POST /dial gave for this one call. */
const media = z.string().max(255).regex(/^(?:(?:sound|recording|number|digits|characters|tone):[^\s,]+|\$audio)$/, "must be sound:, recording:, number:, digits:, characters: or tone: and a name, or $audio");
const prompt = z.array(media).min(1).max(20);
const waitMs = z.int().min(500).max(60_000);
const branch = z.strictObject({ media: prompt.optional(), next: name.optional() });

const play = z.strictObject({ type: z.literal("play"), media: prompt, next: name });

const gather = z.strictObject({
  type: z.literal("gather"),
  media: prompt.optional(),
  /** Whether a key ends the prompt; if not, keys count after it only. */
  bargeIn: z.boolean().default(true),
  firstDigitMs: waitMs.default(FIRST_DIGIT_MS),
  interDigitMs: waitMs.default(INTER_DIGIT_MS),
  minDigits: z.int().min(1).max(32).default(1),
  maxDigits: z.int().min(1).max(32).default(1),
  /** A key that ends the input and is no part of it. */
  terminator: z.string().regex(/^[*#]$/, "must be * or #").optional(),
  /** What the keys lead to. */
  choices: z.record(z.string().regex(new RegExp(`^${KEY}{1,32}$`), "must be keys of a telephone"), name).default({}),
  /** Any other input of the right length is kept under this word, and leads to `next`. */
  into: word.optional(),
  next: name.optional(),
  /** The keys are not told in events: a PIN, say. */
  secret: z.boolean().default(false),
  invalid: branch.default({}),
  timeout: branch.default({}),
  tries: z.int().min(1).max(10).default(TRIES),
  /** Where a caller goes who has used up the tries. */
  exhausted: name,
});

const repeat = z.strictObject({ type: z.literal("repeat"), of: name });

const transfer = z.strictObject({
  type: z.literal("transfer"),
  media: prompt.optional(),
  to: z.union([
    z.strictObject({ endpoint: z.string().regex(/^[A-Za-z]+\/[^\s,&]{1,120}$/, "must be TECHNOLOGY/name, such as PJSIP/agents") }),
    z.strictObject({ number: z.string().regex(/^\+[1-9]\d{5,14}$/, "must be a number in E.164, such as +4930123456"), trunk: name.optional() }),
  ]),
  ringSeconds: z.int().min(5).max(120).default(30),
  /** Where the caller goes when the agent has hung up, is busy or does not answer, or can't be reached. */
  after: name,
  busy: name,
  failed: name,
});

const optOut = z.strictObject({ type: z.literal("opt-out"), next: name });
const tell = z.strictObject({ type: z.literal("event"), event: word, data: z.record(word, z.string().max(255)).default({}), next: name });
const goodbye = z.strictObject({ type: z.literal("goodbye"), media: prompt.optional() });
/** Ends a sub-menu: the call goes on with its `after`. */
const back = z.strictObject({ type: z.literal("return") });

const simple = z.discriminatedUnion("type", [play, gather, repeat, transfer, optOut, tell, goodbye, back]);
export type SimpleNode = z.infer<typeof simple>;

/** A menu, and as a node, a menu inside another one. */
export interface Menu {
  readonly start: string;
  readonly nodes: Readonly<Record<string, MenuNode>>;
}
export interface SubMenu extends Menu {
  readonly type: "menu";
  readonly after?: string | undefined;
}
export type MenuNode = SimpleNode | SubMenu;

const subMenu = z.strictObject({
  type: z.literal("menu"),
  start: name,
  get nodes() {
    return z.record(name, node);
  },
  after: name.optional(),
});

/** Asked by its type first, so that an error is about what the author meant and not about all that it could have been. */
const node: z.ZodType<MenuNode> = z.unknown().transform((value, context): MenuNode => {
  const schema: z.ZodType<MenuNode> = typeof value === "object" && value !== null && "type" in value && value.type === "menu" ? subMenu : simple;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.addIssue({ code: "custom", message: issue.message, path: [...issue.path] });
  return z.NEVER;
});

export const menuSchema = z.strictObject({ start: name, nodes: z.record(name, node) });
export const campaignName = name;
