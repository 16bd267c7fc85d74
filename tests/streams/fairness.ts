/**
 * `bun run test:fairness [--seconds 60] [--backlog 1000000]`: five streams at once. Two have a backlog, one's table is
 * dropped, one is idle, and one gets 100 records a second, of which it prints how long they took from being staged in the
 * folder to their commit, by the ledger. Not in CI: a figure of a machine.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "../../src/database/connect.ts";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import { createTestDatabase } from "../support/database.ts";
import { ingestConfig } from "../support/ingest-folder.ts";
import { declare, makeTable, refreshWith } from "./several-streams.ts";

const { values } = parseArgs({
    options: { seconds: { type: "string", default: "60" }, backlog: { type: "string", default: "1000000" } },
});
const [seconds, backlog] = [Number(values.seconds), Number(values.backlog)];
const recordsAFile = 100_000;
const limitMs = 2_500;

const database = await createTestDatabase(import.meta.path);
const sql = connect(database.target, { applicationName: "fairness", max: 2 });
const inputDir = join(mkdtempSync(join(tmpdir(), "sluice-fairness-")), "input");
mkdirSync(inputDir);

function put(name: string, from: number, records: number): void {
    const lines = Array.from({ length: records }, (_, index) => `${from + index},word ${from + index}\n`);
    writeFileSync(join(inputDir, `${name}.tmp`), `no,word\n${lines.join("")}`);
    renameSync(join(inputDir, `${name}.tmp`), join(inputDir, name));
}

const names = ["backlog_one", "backlog_two", "dropped", "idle", "calm"];
const declared = names.map((name) => declare(name, `${name}-*.csv`));
await sql.unsafe(names.map(makeTable).join(";"));
const streams = [];
for (const stream of declared) streams.push(await applyStream(database.target, stream));
for (let no = 0; no * recordsAFile < backlog; no += 1) {
    for (const name of names.slice(0, 2)) put(`${name}-${no}.csv`, no * recordsAFile, Math.min(recordsAFile, backlog));
}
put("dropped-1.csv", 1, 10);
await sql.unsafe("alter table dropped rename to dropped_gone");

const stopper = new AbortController();
const lines: string[] = [];
const say = (line: string) => void lines.push(line);
const running = runIngest({
    target: database.target,
    streams,
    config: { ...ingestConfig(inputDir), trigger: { kind: "interval", ms: 1_000 } },
    refresh: refreshWith(database.target, declared),
    log: { info: say, warn: say, error: say },
    signal: stopper.signal,
});

let calm = 0;
const beganAt = performance.now();
while (performance.now() - beganAt < seconds * 1_000) {
    put(`calm-${String(calm).padStart(6, "0")}.csv`, calm * 10, 10);
    calm += 1;
    await Bun.sleep(Math.max(0, beganAt + calm * 100 - performance.now()));
}
const progressOf = async (name: string) => Number((await sql.unsafe(`select count(*) as n from ${name}`))[0]!.n);
const atEnd = { one: await progressOf("backlog_one"), two: await progressOf("backlog_two") };
await sql.unsafe("alter table dropped_gone rename to dropped");
while ((await progressOf("calm")) < calm * 10 || (await progressOf("dropped")) < 10) await Bun.sleep(200);
stopper.abort();
const summary = await running;

const merged = await sql<{ path: string; mergedAt: Date }[]>`
    select files.path, files.merged_at as "mergedAt"
    from ingest.files inner join ingest.streams using (stream_id)
    where streams.name = 'calm' and files.state = 'merged'`;
// While both had a backlog: afterwards nobody is in the way.
const [drained] = await sql<{ at: Date }[]>`
    select min(last) as at
    from (
        select max(batches.finished_at) as last
        from ingest.batches inner join ingest.streams using (stream_id)
        where streams.name like 'backlog_%'
        group by streams.name
    ) as backlogs`;
const drainedAt = drained!.at.getTime();
const waits = merged
    .filter(({ path }) => statSync(join(inputDir, path)).mtimeMs < drainedAt)
    .map(({ path, mergedAt }) => mergedAt.getTime() - statSync(join(inputDir, path)).mtimeMs)
    .sort((left, right) => left - right);
const at = (share: number) => Math.round(waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!);
const [p50, p99, longest] = [at(0.5), at(0.99), Math.round(waits.at(-1)!)];
process.stdout.write(
    `calm: ${waits.length} of ${merged.length} files of 10 records, 10 files a second, came beside both backlogs; from the file's time to its commit p50 ${p50} ms, p99 ${p99} ms, at most ${longest} ms\n` +
        `backlogs of ${backlog}: ${atEnd.one} and ${atEnd.two} records were in after ${seconds} s\n` +
        `${lines.filter((line) => line.startsWith("dropped:")).join("\n")}\n` +
        `${summary.streams!.map(({ stream, records }) => `${stream}: ${records.read} read`).join(", ")}\n`,
);
await sql.end({ timeout: 1 });
await database.drop();
rmSync(join(inputDir, ".."), { recursive: true });
process.exit(p99 < limitMs ? 0 : 1);
