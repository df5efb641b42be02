/** The layers of tests in the order in which a mutant meets them, the quick ones first. */
export const LAYERS = ["unit", "scenarios", "simulation"] as const;
export type Layer = (typeof LAYERS)[number];
