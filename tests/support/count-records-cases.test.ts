/**
 * Two witnesses: the cases, written by hand, and the oracle, each from the rules. They first differed on two points that
 * the documents left open, attributes without a value and carriage returns that end no line: the cases' reading holds.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { readCases } from "../cases/read-case.ts";
import { countFolder, listEvents } from "./count-records.ts";

const inUtc = (timestamp: string) => {
    const [seconds, decimals = ""] = timestamp.replace("Z", "").split(".");
    return `${seconds}.${decimals.padEnd(6, "0")}Z`;
};

// The oracle knows a folder as it is, not files that grow or come later, in the default dialect, no archive, and no configuration.
const beyondTheOracle =
    /^(dialect|compressed|zip-|encoding-utf-16|line-ends-(cr|ambiguous)(-|$)|header-behind-(sep-line|empty-rows)$|trailing-delimiter-of-(header|records)$|.*-by-semicolon$)/;
const stillCases = readCases(join(import.meta.dir, "../cases")).filter(
    ({ name, steps, configFile }) => steps.length === 1 && configFile === null && !beyondTheOracle.test(name),
);

test("there are cases to agree on", () => expect(stillCases.length).toBeGreaterThan(50));

for (const { name, steps, overrides, counts, files, events, rejects } of stillCases) {
    test(`the oracle says of the case ${name} what its author said`, () => {
        const counted = countFolder(
            steps[0]!,
            overrides.maxRecordBytes ? { maxRecordBytes: overrides.maxRecordBytes } : {},
        );
        expect(counted.total).toEqual(counts);
        expect(counted.files.map(({ file, state }) => [file, state])).toEqual(
            files.map(({ path, state }) => [path, state]),
        );

        const outcomes = counted.outcomes.filter(({ kind }) => kind !== "duplicate");
        expect(outcomes.map(({ file, recordNo, kind }) => [file, recordNo, kind])).toEqual(
            rejects.map(({ file, record_no, kind }) => [file, record_no, kind]),
        );
        const byId = (a: { eventId: string }, b: { eventId: string }) => (a.eventId < b.eventId ? -1 : 1);
        expect([...listEvents(counted)].sort(byId)).toEqual(
            events
                .map((event) => ({
                    eventId: event.event_id,
                    eventType: event.event_type,
                    productId: event.product_id,
                    userId: event.user_id,
                    eventTimestamp: inUtc(event.event_timestamp),
                    quantity: event.quantity === null ? null : String(event.quantity),
                    price: event.price,
                    attributes: event.attributes,
                    file: event.file,
                    recordNo: event.record_no,
                }))
                .sort(byId),
        );
    });
}
