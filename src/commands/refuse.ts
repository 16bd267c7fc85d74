import { exitCodes, SluiceError } from "../errors.ts";

/** An error about the command line. */
export function refuse(code: string, what: string, remedy: string, exitCode: number = exitCodes.usage): SluiceError {
    return new SluiceError({ code, what, from: "the command line", remedy, exitCode });
}
