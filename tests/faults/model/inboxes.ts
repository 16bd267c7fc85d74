/** Where the files of a run land: in its folder, or in a bucket of a real server that is made to hold what the folder holds. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openCuttingProxy, refusal } from "../../support/cutting-proxy.ts";
import { startObjectStore } from "../../support/object-store.ts";

export interface ModelInbox {
    /** As `--input`. */
    input: string;
    /** Of every worker. */
    flags: string[];
    environment: Record<string, string>;
    /** Called when the folder has changed under these names. */
    settle(names: string[]): Promise<void>;
    /** What is to be known in the end; `version` as the ledger has it. */
    list(): { name: string; size: number; version: string }[];
    names(): Promise<string[]>;
    /** Disturbs the way to it, in one of several ways, until what it returns is called. */
    disturb?(way: number): () => Promise<void>;
    close(): Promise<void>;
}

export type OpenInbox = (folder: string) => Promise<ModelInbox>;

export const openFolder: OpenInbox = async (folder) => ({
    input: folder,
    flags: [],
    environment: {},
    async settle() {},
    list: () =>
        readdirSync(folder).map((name) => {
            const { size, mtimeNs } = statSync(join(folder, name), { bigint: true });
            return { name, size: Number(size), version: `${mtimeNs}` };
        }),
    names: async () => readdirSync(folder),
    async close() {},
});

/** A server for all runs of this process, and a prefix for each, with a way to it that only its workers take. */
export async function openBucketInboxes(): Promise<{ open: OpenInbox; close(): Promise<void> }> {
    const store = await startObjectStore();
    const client = await store.makeBucket("drops");
    let runs = 0;
    const open: OpenInbox = async (folder) => {
        const proxy = await openCuttingProxy(store.port);
        const { HOME: _, ...environment } = store.environment(proxy.endpoint);
        runs += 1;
        const prefix = `run-${runs}/`;
        const tags = new Map<string, string>();
        return {
            input: `s3://drops/${prefix.slice(0, -1)}`,
            flags: ["--list-every", "1s"],
            environment,
            async settle(names) {
                for (const name of names) {
                    if (existsSync(join(folder, name))) {
                        await client.write(`${prefix}${name}`, readFileSync(join(folder, name)));
                        tags.set(name, (await client.stat(`${prefix}${name}`)).etag.replaceAll(`"`, ""));
                    } else {
                        await client.delete(`${prefix}${name}`);
                        tags.delete(name);
                    }
                }
            },
            list: () =>
                [...tags].map(([name, version]) => ({ name, size: statSync(join(folder, name)).size, version })),
            async names() {
                const { contents = [] } = await client.list({ prefix });
                return contents.map(({ key }) => key.slice(prefix.length));
            },
            disturb(way) {
                if (way === 0) proxy.each(() => refusal(503, "SlowDown"));
                else if (way === 1) proxy.each(() => ({ cutAfter: 700 }));
                else if (way === 2) proxy.each(() => "silence");
                else if (way === 3) proxy.slow(20);
                else proxy.takeDown();
                return () => proxy.mend();
            },
            async close() {
                proxy.close();
            },
        };
    };
    return { open, close: store.stop };
}
