/** Flags of the bench commands. */
import { exitCodes, SluiceError } from "../../src/errors.ts";

/** @throws SluiceError (usage) when it is no whole number within the bounds. */
export function wholeNumber(flag: string, given: unknown, { least, most }: { least: number; most: number }): number {
    const number = Number(given);
    if (Number.isInteger(number) && number >= least && number <= most) return number;
    throw new SluiceError({
        code: "bad_flag_value",
        what: `${flag} "${given}" is not usable.`,
        remedy: `Give a whole number from ${least} to ${most}.`,
        exitCode: exitCodes.usage,
    });
}
