/** Mutants that no test catches, and why that is right. Keys are those that `npm run mutate` prints; it complains of one too many and of one too few. */
import { SURVIVORS_OF_THE_EVIDENCE } from "./survivors-evidence.ts";
import { SURVIVORS_OF_THE_ORDERS } from "./survivors-orders.ts";
import { SURVIVORS_OF_THE_SCHEDULE } from "./survivors-schedule.ts";
import { SURVIVORS_OF_THE_UPKEEP } from "./survivors-upkeep.ts";

export const REASONS: Readonly<Record<string, string>> = {
  ...SURVIVORS_OF_THE_EVIDENCE,
  ...SURVIVORS_OF_THE_UPKEEP,
  ...SURVIVORS_OF_THE_SCHEDULE,
  ...SURVIVORS_OF_THE_ORDERS,
};
