/** `credential_process`: a command of the user's that prints credentials, which is also the way to SSO and assumed roles. */
import type { Environment } from "../../environment.ts";
import { BucketFault } from "../faults.ts";
import type { Credentials } from "../sign-request.ts";
import { parseCredentials } from "./parse-credentials.ts";

/** What it prints stays out of every message: it may be a credential. */
export async function runCredentialProcess(
    command: string,
    env: Environment,
    { signal, timeoutMs = 60_000 }: { signal?: AbortSignal | undefined; timeoutMs?: number } = {},
): Promise<Credentials> {
    const child = Bun.spawn(["sh", "-c", command], {
        env,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
        timeout: timeoutMs,
        ...(signal && { signal }),
    });
    const said = await new Response(child.stdout).text();
    const exitCode = await child.exited;
    signal?.throwIfAborted();
    const credentials = exitCode === 0 ? parseCredentials(said) : null;
    if (credentials !== null) return credentials;
    throw new BucketFault({
        code: "bucket_no_credentials",
        what:
            exitCode === 0
                ? "The profile's credential_process printed no credentials."
                : `The profile's credential_process ended with exit code ${exitCode}.`,
        remedy: "Run it by hand to see what it says; a login may have expired.",
        // A login that expired is renewed while the process runs.
        isTransient: true,
    });
}
