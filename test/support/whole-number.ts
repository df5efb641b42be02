/** Options of commands that count something. */
import { InvalidArgumentError } from "commander";

/** The text as a whole number of at least 1. @throws InvalidArgumentError, which commander tells with the option's name */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number of at least 1.");
  return value;
}
