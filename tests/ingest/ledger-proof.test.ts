/** How an ingest notices, step by step, that the ledger is not the one it learnt from: promise 8. */
import { beforeEach, describe, expect, test } from "bun:test";
import { createLedgerProof, type LedgerProof } from "../../src/engine/ledger/ledger-proof.ts";

let proof: LedgerProof;
/** The mark that is in the ledger, as the database would have it. */
let inLedger: string | null;

beforeEach(() => {
    proof = createLedgerProof();
    inLedger = null;
});

function beat({ serverStartedAt = "noon", outages = 0, isAnswered = true } = {}): string {
    const mark = proof.nextMark();
    const previousMark = inLedger;
    inLedger = mark;
    if (isAnswered) proof.renewed(mark, { previousMark, serverStartedAt, outages });
    return mark;
}

describe("what was learnt", () => {
    test("before a mark that is still there is never in doubt again", () => {
        beat();
        proof.learn("a.csv");
        beat();
        beat({ serverStartedAt: "one" });
        expect([proof.hasDoubtful(), proof.takeDoubtful(), proof.breaks()]).toEqual([false, [], 0]);
    });

    test.each([
        ["the server was started anew", { serverStartedAt: "one" }],
        ["connections were lost", { outages: 1 }],
    ])("since the last mark is in doubt when %s, and told once", (_, change) => {
        beat();
        proof.learn("a.csv");
        beat();
        proof.learn("b.csv");
        proof.learn("c.csv");
        beat(change);
        expect([proof.hasDoubtful(), proof.takeDoubtful(), proof.takeDoubtful()]).toEqual([
            true,
            ["b.csv", "c.csv"],
            [],
        ]);
        expect(proof.breaks()).toBe(0);
    });

    test("while a heartbeat was under way is not proven by it", () => {
        beat();
        const mark = proof.nextMark();
        proof.learn("a.csv");
        proof.renewed(mark, { previousMark: inLedger, serverStartedAt: "noon", outages: 0 });
        inLedger = mark;
        beat({ serverStartedAt: "one" });
        expect(proof.takeDoubtful()).toEqual(["a.csv"]);
    });

    test("between two heartbeats of which the second was committed and not answered is proven by the second", () => {
        beat();
        proof.learn("a.csv");
        beat({ isAnswered: false });
        proof.learn("b.csv");
        beat({ outages: 1 });
        expect([proof.takeDoubtful(), proof.breaks()]).toEqual([["b.csv"], 0]);
    });
});

describe("the ledger is another one", () => {
    test.each([
        ["it has no mark of ours", () => null],
        ["it has an older one of ours", (older: string) => older],
        ["it has somebody's", () => "00000000-0000-4000-8000-000000000000"],
    ])("when %s", (_, markThere) => {
        const older = beat();
        beat();
        inLedger = markThere(older);
        beat();
        expect(proof.breaks()).toBe(1);
        beat();
        expect(proof.breaks()).toBe(1);
    });

    test("but not at the first heartbeat, when nothing was learnt", () => {
        beat();
        expect(proof.breaks()).toBe(0);
    });
});
