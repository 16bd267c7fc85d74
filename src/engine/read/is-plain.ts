/**
 * Tells the records whose ids, times and numbers stand in the commonest form that the rules pass, so that the merge need not
 * check their shape again: in JavaScript, over bytes that have just been read, 0.1 s of CPU a million; in SQL 1.1 s. And tells
 * their time as a number, which the merge would spend 0.6 s a million to read from the text. Pure.
 *
 * It is a shortcut and no rule. The values of a plain record that src/streams/types/ knows a plain form of (all but texts)
 * pass the stream's rules, but for how far in the future its time lies; the merge judges all else, and whatever is not
 * plain, by the rules. A property test (tests/ingest/is-plain.test.ts) holds the one to the other: if you make a rule
 * stricter, make its type's plain form stricter too.
 */

import { timedColumn } from "../../streams/stream.ts";
import type { PlainEnd } from "../../streams/types/column-type.ts";
import { type FileShape, isColumn, type PathColumn } from "./file-shape.ts";

/**
 * For a plain record [start, end) of `bytes`, without quotes: the second of the stream's time, since 1970, or 0 where it has
 * none that is a whole number. NOT_PLAIN for any other record.
 */
export type PlainCheck = (bytes: Uint8Array, start: number, end: number) => number;

export const NOT_PLAIN = -1;

export function createPlainCheck({
    stream,
    targets,
    dialect,
    pathColumns = [],
}: Pick<FileShape, "stream" | "targets" | "dialect" | "pathColumns">): PlainCheck {
    if (!pathColumns.every(isPlainColumn)) return () => NOT_PLAIN;
    const timed = timedColumn(stream);
    const timeIndex = timed === null ? -1 : targets.indexOf(timed);
    if (stream.time !== null && timeIndex === -1) return () => NOT_PLAIN;
    const plainSecond = timed?.type.plainSecond;
    const delimiter = dialect.delimiter.charCodeAt(0);
    const endOfAny: PlainEnd = (bytes, start, end) => {
        let at = start;
        while (at < end && bytes[at] !== delimiter) at += 1;
        return at;
    };
    const ends = targets.map((target) => (isColumn(target) ? target.type.plainEnd : null) ?? endOfAny);
    const last = ends.length - 1;
    return (bytes, start, end) => {
        let at = start;
        let timeAt = start;
        for (let index = 0; index <= last; index += 1) {
            if (index === timeIndex) timeAt = at;
            at = ends[index]!(bytes, at, end);
            if (at === -1) return NOT_PLAIN;
            if (index < last && (at === end || bytes[at++] !== delimiter)) return NOT_PLAIN;
        }
        if (at !== end) return NOT_PLAIN;
        return plainSecond === undefined || timeIndex === -1 ? 0 : plainSecond(bytes, timeAt, end);
    };
}

function isPlainColumn({ column: { type, isRequired }, value }: PathColumn): boolean {
    if (value === null) return !isRequired;
    const bytes = Buffer.from(value);
    return type.plainEnd === null || type.plainEnd(bytes, 0, bytes.length) === bytes.length;
}
