/** A bucket of a test's own on a real server, which this process and those that it starts find by their environment. */
import { afterAll, beforeAll, beforeEach } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { S3Client } from "bun";
import { startObjectStore } from "./object-store.ts";

export interface TestBucket {
    /** `s3://bucket/N`: another prefix for each test. */
    url: string;
    environment: Record<string, string>;
    put(path: string, content: string | Uint8Array): Promise<void>;
    remove(path: string): Promise<void>;
    /** Paths under the prefix. */
    list(): Promise<string[]>;
    /** Makes the prefix hold what the folder holds, by as few writes as that takes. */
    mirror(folder: string): Promise<void>;
    /** By the root of the server. */
    makeBucket(name: string): Promise<S3Client>;
}

export function useBucket(name = "drops"): TestBucket {
    const bucket = {} as TestBucket;
    let store: Awaited<ReturnType<typeof startObjectStore>>;
    let client: S3Client;
    let prefix = 0;
    let mirrored = new Map<string, Buffer>();
    const before: Record<string, string | undefined> = {};
    const keyOf = (path: string) => `${prefix}/${path}`;

    beforeAll(async () => {
        store = await startObjectStore();
        client = await store.makeBucket(name);
        const { HOME: _, ...environment } = store.environment();
        for (const [variable, value] of Object.entries(environment)) {
            before[variable] = process.env[variable];
            process.env[variable] = value;
        }
        Object.assign(bucket, { environment, makeBucket: store.makeBucket });
    });
    afterAll(async () => {
        for (const [variable, value] of Object.entries(before)) {
            if (value === undefined) delete process.env[variable];
            else process.env[variable] = value;
        }
        await store?.stop();
    });
    beforeEach(() => {
        prefix += 1;
        mirrored = new Map();
        bucket.url = `s3://${name}/${prefix}`;
    });
    return Object.assign(bucket, {
        put: async (path: string, content: string | Uint8Array) => void (await client.write(keyOf(path), content)),
        remove: (path: string) => client.delete(keyOf(path)),
        async list() {
            const { contents = [] } = await client.list({ prefix: keyOf("") });
            return contents.map(({ key }) => key.slice(keyOf("").length));
        },
        async mirror(folder: string) {
            const names = existsSync(folder) ? readdirSync(folder).filter((file) => !file.startsWith(".")) : [];
            for (const file of mirrored.keys()) {
                if (names.includes(file)) continue;
                await bucket.remove(file);
                mirrored.delete(file);
            }
            for (const file of names) {
                const content = readFileSync(join(folder, file));
                if (mirrored.get(file)?.equals(content)) continue;
                await bucket.put(file, content);
                mirrored.set(file, content);
            }
        },
    });
}
