/** Which record of which stream `bun run trace` is asked about. */
import type { Sql } from "../../database/connect.ts";
import type { SluiceError } from "../../errors.ts";
import {
    type KeyWords,
    keyWordsOf,
    parseNamedKey,
    parsePlace,
    parseTraceSubject,
} from "../../operations/parse-trace-subject.ts";
import type { TraceSubject } from "../../operations/read-trace.ts";
import { keyColumnsOf } from "../../operations/streams/describe-contract.ts";
import { type KnownStream, readStreams } from "../../operations/streams/read-streams.ts";
import type { Stream } from "../../streams/stream.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import { refuse } from "../refuse.ts";

interface Traced {
    stream: KnownStream;
    subject: TraceSubject;
}

/** `asked`: the stream of --stream, or null. @throws SluiceError bad_argument */
export async function chooseTraced(
    sql: Sql,
    text: string,
    asked: KnownStream | null,
    builtIn: Stream,
): Promise<Traced> {
    const wordsOf = (stream: KnownStream): KeyWords =>
        stream.streamId === builtIn.id ? keyWordsOf(builtIn) : { columns: keyColumnsOf(stream), form: null };
    if (asked !== null) {
        const subject = parseTraceSubject(text, wordsOf(asked));
        if (subject === null) throw notOf(asked, wordsOf(asked));
        return { stream: asked, subject };
    }
    const streams = await readStreams(sql);
    const first = streams.find(({ streamId }) => streamId === builtIn.id)!;
    const event = parseTraceSubject(text, wordsOf(first));
    if (event !== null && "key" in event) return { stream: first, subject: event };
    const keyed = streams.flatMap((stream) => {
        const key = parseNamedKey(text, wordsOf(stream).columns);
        return key === null || stream === first ? [] : [{ stream, subject: { key } }];
    });
    if (keyed.length > 0) return onlyOne(keyed, "have that key");
    const place = parsePlace(text);
    if (place === null) throw neither(streams, first, builtIn);
    const known = await sql<{ streamId: number }[]>`
        select distinct stream_id as "streamId" from ingest.files where path = ${place.file}`;
    const placed = streams
        .filter(({ streamId }) => known.some((file) => file.streamId === streamId))
        .map((stream) => ({ stream, subject: place }));
    return placed.length === 0 ? { stream: first, subject: place } : onlyOne(placed, "have read a file of that path");
}

function onlyOne(found: readonly Traced[], what: string): Traced {
    if (found.length === 1) return found[0]!;
    const names = found.map(({ stream }) => sanitize(stream.name)).join(", ");
    throw refuse("bad_argument", `Several streams ${what}: ${names}.`, `Say which: --stream ${found[0]!.stream.name}.`);
}

function notOf({ name }: KnownStream, { columns, form }: KeyWords): SluiceError {
    if (columns.length === 0) {
        return refuse(
            "bad_argument",
            `${name} has no key: its records are traced by file and number.`,
            `Write them with a colon between, such as ${name}_7.csv:12.`,
        );
    }
    const key = columns.map((column) => `${column}=…`).join(",");
    return refuse(
        "bad_argument",
        `That is neither a key of ${name} nor file:record.`,
        form === null
            ? `Write ${key}, or a file and a record number such as ${name}_7.csv:12.`
            : `Write the ${columns[0]} with its dashes, or a file and a record number such as ${name}_7.csv:12.`,
    );
}

function neither(streams: readonly KnownStream[], first: KnownStream, builtIn: Stream): SluiceError {
    const others = streams.filter((stream) => stream !== first && stream.isActive).map(({ name }) => name);
    const key = builtIn.key!.name;
    return refuse(
        "bad_argument",
        `That is neither an ${key} nor file:record.`,
        others.length === 0
            ? `Write an ${key} with its dashes, or a file and a record number such as ${builtIn.name}_7.csv:12.`
            : `Name the stream that has this key, such as --stream ${others[0]}; or name the columns of the key: column=value.`,
    );
}
