/**
 * A real S3 server of the tests' own, which checks signatures and conditions: versitygw, a gateway over a folder, where it has
 * been built, else S3Proxy, another one, in Java. install-object-store.ts gets them.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "bun";
import { usualLimits } from "../../src/bucket/connection.ts";
import { type Credentials, signRequest } from "../../src/bucket/sign-request.ts";
import { isPortFree } from "../../src/database/embedded/postmaster.ts";
import { programs } from "./object-store-programs.ts";
import { waitUntil } from "./wait-until.ts";

/** SLUICE_TEST_OBJECT_STORE=s3proxy takes the second where both are there. */
const isAsked = (name: string) => (process.env.SLUICE_TEST_OBJECT_STORE || name) === name;

/** Null: there is none on this machine, or Java to run it, and its tests are skipped. */
export const objectStoreKind: keyof typeof programs | null =
    isAsked("versitygw") && existsSync(programs.versitygw)
        ? "versitygw"
        : existsSync(programs.s3proxy) && Bun.which("java")
          ? "s3proxy"
          : null;
export const isThereObjectStore = objectStoreKind !== null;
if (!isThereObjectStore) {
    console.warn("No S3 server for the tests of buckets: they are skipped. bun tests/support/install-object-store.ts");
}

export type ObjectStore = Awaited<ReturnType<typeof startObjectStore>>;

/** Pauses in milliseconds, for what is to be over soon. */
export const impatient = { ...usualLimits, firstPauseMs: 2, longestPauseMs: 20 };

const region = "us-east-1";

/** Neither this user's own profile nor a machine of Amazon's is asked. */
export const noOtherCredentials = { HOME: "/nowhere", AWS_EC2_METADATA_DISABLED: "true" };

export async function startObjectStore() {
    const folder = mkdtempSync(join(tmpdir(), "sluice-object-store-"));
    const port = await choosePort();
    const credentials: Credentials = {
        accessKeyId: "SLUICETESTKEY",
        secretAccessKey: `secret/of+the=tests${port}`,
        expiresAt: null,
    };
    const log = join(folder, "log");
    const data = join(folder, "data");
    mkdirSync(data);
    const { command, env } =
        objectStoreKind === "versitygw"
            ? versitygw(data, port, credentials)
            : s3proxy(data, port, credentials, join(folder, "s3proxy.conf"));
    const child = Bun.spawn(command, { env, stdin: "ignore", stdout: Bun.file(log), stderr: Bun.file(log) });
    const host = `127.0.0.1:${port}`;
    await waitUntil("the object store answers", async () => {
        if (child.exitCode !== null) throw new Error(`The object store has ended: ${await Bun.file(log).text()}`);
        return await fetch(`http://${host}/`).then(
            () => true,
            () => false,
        );
    });

    async function send(
        method: string,
        path: string,
        given: Record<string, string> = {},
        body = "",
    ): Promise<Response> {
        const request = { method, host, path, query: {}, headers: given, body };
        const headers = signRequest(request, { credentials, region, at: new Date() });
        const response = await fetch(`http://${host}${path}`, { method, headers, ...(body !== "" && { body }) });
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
        return response;
    }
    return {
        endpoint: `http://${host}`,
        port,
        credentials,
        /** Versitygw keeps a bucket's objects there, as files. */
        dataDir: data,
        /** A signed request, for what Bun's client cannot say. */
        send,
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
        },
    };
}

/** The root's credentials come by the environment: the process list shows arguments. */
function versitygw(data: string, port: number, { accessKeyId, secretAccessKey }: Credentials) {
    return {
        command: [programs.versitygw, "--port", `127.0.0.1:${port}`, "--region", region, "--quiet", "posix", data],
        env: { ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey },
    };
}

function s3proxy(data: string, port: number, { accessKeyId, secretAccessKey }: Credentials, file: string) {
    const properties = [
        "s3proxy.authorization=aws-v2-or-v4",
        `s3proxy.endpoint=http://127.0.0.1:${port}`,
        `s3proxy.identity=${accessKeyId}`,
        `s3proxy.credential=${secretAccessKey}`,
        "jclouds.provider=filesystem-nio2",
        `jclouds.filesystem.basedir=${data}`,
    ];
    writeFileSync(file, properties.join("\n"));
    return {
        command: ["java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-jar", programs.s3proxy, "--properties", file],
        // Of the names of files Java takes those that the locale can write.
        env: { PATH: process.env.PATH, LC_ALL: "C.UTF-8" },
    };
}

async function choosePort(): Promise<number> {
    while (true) {
        const port = 20_000 + Math.floor(Math.random() * 12_000);
        if (await isPortFree(port)) return port;
    }
}
