/** A carrier sends the number of a caller in one of several shapes; campaigns name it in E.164. For the do-not-call list they are one number. */

/** In E.164 where that can be known: with a +, with 00 before it, or bare but international. Others (national, short, none) stay as they are. */
export function sameNumber(number: string): string {
  const digits = /^(?:\+|00)?([1-9]\d{6,14})$/.exec(number)?.[1];
  return digits === undefined ? number : `+${digits}`;
}
