/** Exit codes of the process. Signal handlers set 130 and 143. docs/commands.md lists them. */
export const exitCodes = {
    done: 0,
    failed: 1,
    usage: 2,
    configuration: 3,
    databaseUnreachable: 4,
    incomplete: 5,
    paused: 6,
} as const;

export interface SluiceErrorFields {
    /** Stable and lower_snake_case: what scripts match on. */
    code: string;
    /** One sentence that names the thing. */
    what: string;
    /** One sentence that says what to do. */
    remedy: string;
    exitCode?: number;
    cause?: unknown;
    /** Where the thing at fault comes from, when that is known here: "SLUICE_PORT in .env, line 3". */
    from?: string;
    /** Else the setting that it comes from, by its name in Config: the command finds out who gave it. */
    setting?: string;
}

/** A fault that a person can act on. scripts/ print it without a stack and exit with its `exitCode`. */
export class SluiceError extends Error {
    override readonly name: string = "SluiceError";
    readonly code: string;
    readonly what: string;
    readonly remedy: string;
    readonly exitCode: number;
    readonly from: string | undefined;
    readonly setting: string | undefined;

    constructor({ code, what, remedy, exitCode = exitCodes.failed, cause, from, setting }: SluiceErrorFields) {
        super(`${what} ${remedy}`, { cause });
        this.code = code;
        this.what = what;
        this.remedy = remedy;
        this.exitCode = exitCode;
        this.from = from;
        this.setting = setting;
    }

    /** The same, of another setting. */
    of(setting: string): SluiceError {
        const { code, what, remedy, exitCode, cause, from } = this;
        return new SluiceError({ code, what, remedy, exitCode, cause, ...(from !== undefined && { from }), setting });
    }
}
