/**
 * Whether sets of columns are unique in a whole file. Exact: nothing is called unique that was not seen to be, in as many
 * passes over the file as the memory allows.
 */
import { HashSet, partOf } from "./hash-set.ts";

/** One pass over the file. */
export type Pass = (onRecord: (values: readonly string[], recordNo: number) => void) => Promise<unknown>;

export interface KeyCandidate {
    /** Places of its columns in the file. */
    places: readonly number[];
    /** The text by which values of these columns are equal. */
    textOf(values: readonly string[]): string;
}

export interface KeyVerdict<Candidate> {
    candidate: Candidate;
    isUnique: boolean;
    /** Of the first record whose key came before. */
    repeated: { text: string; recordNo: number } | null;
}

const defaultRoomBytes = 256 * 1024 * 1024;

/** Verdicts for the candidates in their order, up to and with the first that is unique; of the rest, those that came with it. */
export async function verifyKeys<Candidate extends KeyCandidate>(
    pass: Pass,
    candidates: readonly Candidate[],
    roomBytes: number = defaultRoomBytes,
): Promise<KeyVerdict<Candidate>[]> {
    const verdicts: KeyVerdict<Candidate>[] = [];
    let waiting = [...candidates];
    while (waiting.length > 0) {
        const { done, postponed } = await tryTogether(pass, waiting, roomBytes);
        verdicts.push(...done);
        if (done.some(({ isUnique }) => isUnique)) return verdicts;
        waiting = postponed;
    }
    return verdicts;
}

interface Trial<Candidate> extends KeyVerdict<Candidate> {
    set: HashSet | null;
}

/** As many as there is room for: those that come last wait for another pass. */
async function tryTogether<Candidate extends KeyCandidate>(
    pass: Pass,
    candidates: readonly Candidate[],
    roomBytes: number,
): Promise<{ done: KeyVerdict<Candidate>[]; postponed: Candidate[] }> {
    const trials = candidates.map(
        (candidate): Trial<Candidate> => ({ candidate, isUnique: true, repeated: null, set: new HashSet() }),
    );
    let open = [...trials];
    const postponed: Candidate[] = [];
    let records = 0;
    await pass((values, recordNo) => {
        records = recordNo;
        if (open.length === 0) return;
        let hasEnded = false;
        for (const trial of open) {
            const text = trial.candidate.textOf(values);
            if (trial.set!.add(text)) continue;
            Object.assign(trial, { isUnique: false, repeated: { text, recordNo }, set: null });
            hasEnded = true;
        }
        if (hasEnded) open = open.filter(({ set }) => set !== null);
        // A look at the sizes for each record would cost more than the sets do.
        if ((recordNo & 1023) !== 0) return;
        while (open.length > 0 && sizeOf(open) > roomBytes) {
            const last = open.pop()!;
            last.set = null;
            postponed.unshift(last.candidate);
        }
    });
    const waiting = new Set(postponed);
    const done = trials.filter(({ candidate }) => !waiting.has(candidate));
    // Not even the first had room for itself.
    const [first, ...rest] = postponed;
    if (done.some(({ isUnique }) => isUnique) || first === undefined || candidates[0] !== first) {
        return { done: done.map(withoutSet), postponed };
    }
    const verdict = await tryInParts(pass, first, Math.ceil((records * 32) / roomBytes) + 1);
    return { done: [verdict, ...done.map(withoutSet)], postponed: rest };
}

function sizeOf(open: readonly { set: HashSet | null }[]): number {
    return open.reduce((sum, { set }) => sum + (set?.bytes ?? 0), 0);
}

function withoutSet<Candidate>({ candidate, isUnique, repeated }: Trial<Candidate>): KeyVerdict<Candidate> {
    return { candidate, isUnique, repeated };
}

/** One part of the keys in each pass. */
async function tryInParts<Candidate extends KeyCandidate>(
    pass: Pass,
    candidate: Candidate,
    parts: number,
): Promise<KeyVerdict<Candidate>> {
    let repeated: KeyVerdict<Candidate>["repeated"] = null;
    for (let part = 0; part < parts && repeated === null; part += 1) {
        const set = new HashSet();
        await pass((values, recordNo) => {
            const text = candidate.textOf(values);
            if (repeated !== null || partOf(text, parts) !== part || set.add(text)) return;
            repeated = { text, recordNo };
        });
    }
    return { candidate, isUnique: repeated === null, repeated };
}
