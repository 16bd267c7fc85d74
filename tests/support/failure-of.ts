import { expect } from "bun:test";
import { SluiceError } from "../../src/errors.ts";

/** The error that a promise, or a function, ends with. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<unknown> {
    try {
        await (typeof work === "function" ? work() : work);
    } catch (error) {
        return error;
    }
    return expect.unreachable("It did not fail.");
}

/** The same, where it is one of ours. */
export async function refusalOf(work: Promise<unknown> | (() => unknown)): Promise<SluiceError> {
    const error = await failureOf(work);
    expect(error).toBeInstanceOf(SluiceError);
    return error as SluiceError;
}
