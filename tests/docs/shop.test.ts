import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { columnNames } from "../../src/streams/stream.ts";
import { projectDir } from "../support/test-server.ts";

/** What still names something of the shop, and what. It gets shorter; nothing is added to it. */
const notYet: Record<string, string> = {
    // The table itself and the sums of its rows, until each stream brings its own.
    "src/commands/database-command.ts": "events",
    "src/database/events-shape.ts": "event_id events",
    "src/database/migrate.ts": "events",
    "src/database/schema.ts":
        "attributes eventId eventStats eventTimestamp eventType eventTypes event_id event_stats event_timestamp event_type event_types events price productId productStats product_id product_stats purchases quantity revenue userId user_id",
    // SQL by hand, and the names of its functions, until they are in a schema of the stream.
    "sql/checks/balance_inserted_events.sql": "event_stats events",
    "sql/checks/count_inserted_events.sql": "events",
    "sql/checks/find_conflicts_without_event.sql": "event_id events",
    "sql/checks/find_repeated_event_ids.sql": "event_id events",
    "sql/checks/recount_products.sql":
        "event_timestamp event_type events price product_id product_stats purchases quantity revenue",
    "sql/checks/recount_rollups.sql": "event_stats event_timestamp event_type events price quantity revenue",
    "sql/checks/trace_events.sql": "event_id events",
    "sql/checks/trace_rejects.sql": "event_id",
    "sql/checks/trace_singly.sql": "events",
    "sql/checks/validate_events.sql":
        "attributes event_id event_timestamp event_type event_types events price product_id quantity user_id",
    "sql/engine/prune.sql": "events",
    "sql/engine/reset.sql": "event_stats events product_stats",
    "sql/roles/api_reader.sql": "events",
    "sql/roles/loader.sql": "event_types events",
    "sql/stats/read_status.sql": "event_stats events",
    "src/streams/stream-functions.ts": "events",
    // Another user: a process that uses the embedded server. The column is in files on disk that releases share.
    "src/database/embedded/user-registry.ts": "user_id",
    // The setting of a source that makes a key; its name is in people's files.
    "src/engine/read/file-shape.ts": "deriveEventId",
    "src/engine/stage/map-record.ts": "deriveEventId",
    "src/streams/source-config.ts": "deriveEventId",
    // The API and the commands call the rows of the one table events.
    "src/commands/format-prune-plan.ts": "events",
    "src/commands/format-reset-plan.ts": "events",
    "src/commands/format-tried.ts": "attributes",
    "src/commands/import-config/read-properties.ts": "events",
    "src/commands/listing/format-files.ts": "attributes",
    "src/commands/status/format-status.ts": "attributes events",
    "src/config/config.ts": "events",
    "src/operations/reset-database.ts": "events",
    "src/operations/run-prune.ts": "events",
    "src/operations/status/read-status.ts": "events",
    "src/operations/status/status-schema.ts": "attributes events",
    "src/server/page/now/strip.tsx": "events",
    "src/streams/render/raw-record.ts": "attributes",
    "src/streams/render/record-of.ts": "attributes",
    "src/streams/render/staged-values.ts": "attributes",
    "src/streams/render/render-replay.ts": "attributes",
};

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

test("nothing but src/shop, the SQL of its stream and what is listed here names a column, table or sum of the shop", async () => {
    const found: Record<string, string> = {};
    for await (const file of new Glob("{src,sql}/**/*.{ts,tsx,sql}").scan(projectDir)) {
        if (/^(src\/shop|sql\/events|sql\/rendered|sql\/examples)\//.test(file)) continue;
        const text = await Bun.file(join(projectDir, file)).text();
        const code = text.replaceAll(file.endsWith(".sql") ? /--.*/g : /\/\*[\s\S]*?\*\/|^\s*\/\/.*/gm, "");
        const used = new Set([...code.matchAll(anyWord)].map(([word]) => word));
        if (used.size > 0) found[file] = [...used].sort().join(" ");
    }
    expect(found).toEqual(notYet);
});
