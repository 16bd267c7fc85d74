/** What the process exits with. 130 and 143 are the signals', set by whoever handles them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, configuration: 3, databaseUnreachable: 4 } as const;

export interface SluiceErrorFields {
    /** Stable and lower_snake_case: what scripts match on. */
    code: string;
    /** One sentence that names the thing. */
    what: string;
    /** One sentence that says what to do. */
    remedy: string;
    exitCode?: number;
    cause?: unknown;
}

/** A fault that a person can act on. scripts/ print it without a stack and exit with its `exitCode`. */
export class SluiceError extends Error {
    override readonly name: string = "SluiceError";
    readonly code: string;
    readonly what: string;
    readonly remedy: string;
    readonly exitCode: number;

    constructor({ code, what, remedy, exitCode = exitCodes.failed, cause }: SluiceErrorFields) {
        super(`${what} ${remedy}`, { cause });
        this.code = code;
        this.what = what;
        this.remedy = remedy;
        this.exitCode = exitCode;
    }
}
