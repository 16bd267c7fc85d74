import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { columnNames } from "../../src/streams/stream.ts";
import { projectDir } from "../support/test-server.ts";

const inCamelCase = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

const names = columnNames(eventsStream);
const things = [
    "events",
    "attributes",
    "event_types",
    "event_stats",
    "product_stats",
    "products",
    "funnel",
    "revenue",
    "purchases",
    "derive_event_id",
];
const words = new Set([...names, ...things, ...[...names, ...things].map(inCamelCase)]);
const anyWord = new RegExp(`(?<![A-Za-z-]|server-sent )(?:${[...words].join("|")})(?![A-Za-z-]|\\.csv)`, "g");

/**
 * The stream's own: src/shop, and its part of sql/. The users in a file of the embedded server are processes. The setting that
 * makes a key has its name in people's files. Notifications of buckets are written by others.
 */
const elsewhere =
    /^(src\/shop|sql\/events|sql\/rendered|sql\/examples|src\/database\/embedded\/user-registry|src\/streams\/derive-key|src\/operations\/hints\/read-hints)\b/;

/** Names that programs of others go by: a field in the JSON of status, prune and reset, and the code of an error. */
const published = /(?<!public)\.events\b|\bevents\??:|'events',|"foreign_events_table"/g;

test("nothing but src/shop and the SQL of its stream names a column, table or sum of the shop", async () => {
    const found: Record<string, string> = {};
    for await (const file of new Glob("{src,sql}/**/*.{ts,tsx,sql}").scan(projectDir)) {
        if (elsewhere.test(file)) continue;
        const text = await Bun.file(join(projectDir, file)).text();
        const comments = file.endsWith(".sql") ? /--.*/g : /\/\*[\s\S]*?\*\/|^\s*\/\/.*/gm;
        const code = text.replaceAll(comments, "").replaceAll(published, "");
        const used = new Set([...code.matchAll(anyWord)].map(([word]) => word));
        if (used.size > 0) found[file] = [...used].sort().join(" ");
    }
    expect(found).toEqual({});
});
