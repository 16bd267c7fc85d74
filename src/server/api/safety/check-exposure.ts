/** Whether an address can be reached by others than the users of this machine. */
import { exitCodes, SluiceError } from "../../../errors.ts";

export function isLoopback(host: string): boolean {
    return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** @throws SluiceError api_token_missing when others could read everything without a token */
export function refuseExposure(host: string, hasToken: boolean): void {
    if (hasToken || isLoopback(host)) return;
    throw new SluiceError({
        code: "api_token_missing",
        what: `On ${host}, anybody who can reach this machine could read every event.`,
        remedy: "Set SLUICE_API_TOKEN to a secret of at least 32 bytes, or remove --host to serve this machine only.",
        setting: "host",
        exitCode: exitCodes.configuration,
    });
}
