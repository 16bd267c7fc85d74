/** A real S3 server of the tests' own: versitygw, a gateway over a folder, which checks signatures and conditions. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "bun";
import { usualPatience } from "../../src/bucket/connection.ts";
import { type Credentials, signRequest } from "../../src/bucket/sign-request.ts";
import { isPortFree } from "../../src/database/embedded/postmaster.ts";
import { waitUntil } from "./wait-until.ts";

const program = join(homedir(), ".cache", "sluice-tests", "versitygw-1.8.0");

export const isThereObjectStore = existsSync(program);

export type ObjectStore = Awaited<ReturnType<typeof startObjectStore>>;

/** Pauses in milliseconds, for what is to be over soon. */
export const impatient = { ...usualPatience, firstPauseMs: 5, longestPauseMs: 50, silentMs: 1_000 };

export async function startObjectStore() {
    const folder = mkdtempSync(join(tmpdir(), "sluice-object-store-"));
    const port = await choosePort();
    const credentials: Credentials = {
        accessKeyId: "SLUICETESTKEY",
        secretAccessKey: `secret/of+the=tests${port}`,
        expiresAt: null,
    };
    const log = join(folder, "..", `sluice-object-store-${port}.log`);
    const child = Bun.spawn([program, "--port", `127.0.0.1:${port}`, "--region", region, "--quiet", "posix", folder], {
        env: { ROOT_ACCESS_KEY_ID: credentials.accessKeyId, ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey },
        stdin: "ignore",
        stdout: Bun.file(log),
        stderr: Bun.file(log),
    });
    const host = `127.0.0.1:${port}`;
    await waitUntil("the object store answers", async () => {
        if (child.exitCode !== null) throw new Error(`The object store has ended: ${await Bun.file(log).text()}`);
        return await fetch(`http://${host}/`).then(
            () => true,
            () => false,
        );
    });

    async function send(method: string, path: string, body = ""): Promise<Response> {
        const request = { method, host, path, query: {}, headers: {}, body };
        const headers = signRequest(request, { credentials, region, at: new Date() });
        const response = await fetch(`http://${host}${path}`, { method, headers, ...(body !== "" && { body }) });
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
        return response;
    }
    return {
        endpoint: `http://${host}`,
        port,
        credentials,
        /** What the AWS tools read, for `openBucket` and for processes; `endpoint`: where it is asked, if not directly. */
        environment: (endpoint = `http://${host}`): Record<string, string> => ({
            AWS_ENDPOINT_URL_S3: endpoint,
            AWS_REGION: region,
            AWS_ACCESS_KEY_ID: credentials.accessKeyId,
            AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
            ...noOtherCredentials,
        }),
        /** A new bucket, as Bun's own client sees it: it signs and encodes by itself, and so is a second opinion. */
        async makeBucket(bucket: string): Promise<S3Client> {
            await send("PUT", `/${bucket}`);
            return new S3Client({
                endpoint: `http://${host}`,
                bucket,
                region,
                accessKeyId: credentials.accessKeyId,
                secretAccessKey: credentials.secretAccessKey,
            });
        },
        async stop() {
            child.kill("SIGKILL");
            await child.exited;
            rmSync(folder, { recursive: true, force: true });
            rmSync(log, { force: true });
        },
    };
}

const region = "us-east-1";

/** Neither this user's own profile nor a machine of Amazon's is asked. */
export const noOtherCredentials = {
    HOME: "/nowhere",
    AWS_EC2_METADATA_DISABLED: "true",
};

async function choosePort(): Promise<number> {
    while (true) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        if (await isPortFree(port)) return port;
    }
}
