import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runIngest } from "../../src/engine/run/run-ingest.ts";
import { tableText } from "../../src/operations/add/table-text.ts";
import { type Proposal, sniffFile } from "../../src/operations/sniff/sniff-file.ts";
import { applyStream } from "../../src/streams/apply-stream.ts";
import type { Stream } from "../../src/streams/stream.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { ingestConfig } from "../support/ingest-folder.ts";
import { sample } from "../support/sample.ts";
import { type CorpusFile, corpusFiles } from "./corpus-files.ts";
import { readIndependently } from "./read-independently.ts";
import { readingLimits } from "./reading-limits.ts";

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
    database = await createTestDatabase(import.meta.path);
    folder = mkdtempSync(join(tmpdir(), "sluice-corpus-"));
});
afterAll(async () => {
    rmSync(folder, { recursive: true });
    await database.drop();
});

/** Those that ask for more than a key. */
const unreadable = ["header", "delimiter", "encoding"];
const readable = corpusFiles.filter(
    ({ file, expected }) => !expected.asks.some((about) => unreadable.includes(about)) && file !== "header_only.csv",
);

/** Where no key is proposed: all columns that are filled. */
async function propose({ path, expected }: CorpusFile): Promise<Proposal> {
    const options = { config: readingLimits, path, settings: expected.options ?? {} };
    const proposal = await sniffFile(options);
    if (proposal.key !== null) return proposal;
    const key = proposal.columns.filter(({ isNullable }) => !isNullable).map(({ name }) => name);
    return await sniffFile({ ...options, key });
}

async function makeStream(table: string, { file, path }: CorpusFile, proposal: Proposal): Promise<Stream> {
    const files = `${table}${/\.(csv|tsv)(\.gz)?$/.exec(file)![0]}`;
    cpSync(path, join(folder, files));
    await database.sql.unsafe(tableText(table, file, proposal));
    return await applyStream(database.target, {
        name: table,
        files,
        table: `public.${table}`,
        source: { newColumns: "reject-file", ...proposal.source, match: files },
        key: null,
        mode: { name: "insert" },
        allowsTriggers: false,
        isFile: true,
    });
}

/** As SQL writes it, by hand: what the notes say of the file's marks. */
function plainNumber(value: string, numbers: Proposal["source"]["numbers"]): string {
    if (numbers === undefined) return value;
    const { decimal = ".", thousands = "" } = numbers;
    return value.replaceAll(thousands, "").replace(decimal, ".");
}

/** Rows that only the table, or only the other reader, has. */
async function differences(table: string, { path, expected, file }: CorpusFile, proposal: Proposal) {
    const { sql } = database;
    const { options = {} } = expected;
    const { header, records } = readIndependently(path, options.encoding ?? null, !Array.isArray(options.header));
    const nulls = new Set(["", ...(options.nulls ?? [])]);
    const columns = proposal.columns.map(({ name, fileName, type }, index) => ({
        name: `"${name}"`,
        type,
        place: file.startsWith("headers_awkward") ? header.indexOf(fileName) : index,
    }));
    const texts = records.map((record) =>
        columns.map(({ type, place }) => {
            const value = record[place]!;
            if (nulls.has(value)) return null;
            return /^(?:integer|bigint|numeric)/.test(type) ? plainNumber(value, proposal.source.numbers) : value;
        }),
    );
    const casts = columns.map(({ type, name }, index) => `(item ->> ${index})::${type} as ${name}`).join(", ");
    const names = columns.map(({ name, type }) => (type === "jsonb" ? `${name}::text` : name)).join(", ");
    return await sql.unsafe(
        `with expected as (
            select distinct ${names} from (select ${casts} from jsonb_array_elements($1::text::jsonb) as item) as typed
        ), stored as (select ${names} from public.${table})
        (select 'missing' as what, * from (table expected except all table stored) as missing)
        union all
        (select 'unexpected', * from (table stored except all table expected) as unexpected)`,
        [JSON.stringify(texts)],
    );
}

const groupSize = 27;
const groups = Array.from({ length: Math.ceil(readable.length / groupSize) }, (_, no) => no);

test.each(sample(groups, 2))(
    "every value of the files is in the table that was proposed for them: group %i",
    async (group) => {
        const members = readable.slice(group * groupSize, (group + 1) * groupSize);
        const made: { table: string; member: CorpusFile; proposal: Proposal; stream: Stream }[] = [];
        for (const [index, member] of members.entries()) {
            const table = `t_${group}_${index}`;
            const proposal = await propose(member);
            made.push({ table, member, proposal, stream: await makeStream(table, member, proposal) });
        }
        const summary = await runIngest({
            target: database.target,
            streams: made.map(({ stream }) => stream),
            sourcesOf: ({ source }) => (source === null ? [] : [source]),
            config: ingestConfig(folder),
            log: { info() {}, warn() {}, error() {} },
        });
        const repeated = members.some(({ file }) => file === "repeated_records.csv") ? 1 : 0;
        const broken = members.reduce((sum, { expected }) => sum + (expected.brokenRecords ?? 0), 0);
        expect(summary.records).toMatchObject({ duplicate: repeated, conflict: 0, rejected: broken });
        for (const { table, member, proposal } of made) {
            expect([member.file, ...(await differences(table, member, proposal))]).toEqual([member.file]);
        }
    },
);
