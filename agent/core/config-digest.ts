/**
 * Whether two members are configured alike. A digest has two parts, `common.nodes`: a witness knows only the settings that it
 * has, so its digest is the first part alone, and only that is compared with it.
 */
export function configuredAlike(ours: string, theirs: string): boolean {
  const [ourCommon, ourNodes] = ours.split(".");
  const [theirCommon, theirNodes] = theirs.split(".");
  return ourCommon === theirCommon && (ourNodes === undefined || theirNodes === undefined || ourNodes === theirNodes);
}
