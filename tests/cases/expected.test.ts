/** Slips of the hand in the cases: these look at expected.json alone, and ask no database. */
import { expect, test } from "bun:test";
import { eventsStream } from "../../src/shop/events-stream.ts";
import { rejectReasonsOf } from "../../src/streams/reject-reasons.ts";
import { type Case, readCases } from "./read-case.ts";

const cases = readCases(import.meta.dir);

test.each(cases.map((testCase) => [testCase.name, testCase] as const))("%s adds up", (_name, testCase: Case) => {
    const { counts, events, rejects, files } = testCase;

    expect(counts.inserted + counts.duplicate + counts.conflict + counts.rejected).toBe(counts.read);
    expect(events).toHaveLength(counts.inserted);
    expect(rejects.filter((reject) => reject.kind === "rejected")).toHaveLength(counts.rejected);
    expect(rejects.filter((reject) => reject.kind === "conflict")).toHaveLength(counts.conflict);
    // A file that fails at its second header is in up to there.
    const isIn = ({ state, problem }: (typeof files)[number]) => state === "merged" || problem === "header_changed";
    const paths = files.filter(isIn).map((file) => file.path);
    for (const { file } of [...events, ...rejects]) expect(paths).toContain(file);
});

test("every reason code has a case", () => {
    const reasons = new Set(cases.flatMap((testCase) => testCase.rejects.flatMap((reject) => reject.reasons)));
    // A case has no constraints of its own: tests/merge/refused.test.ts.
    expect([...reasons, "refused_by_table"].sort()).toEqual(rejectReasonsOf(eventsStream).toSorted());
});
