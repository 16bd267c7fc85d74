/**
 * The ladder that every load climbs: verbatim (of a snapshot first typed), then parsed, then part by part, until the one that cannot pass is given up
 * and the rest has gone on. All of that at once, so that what comes after is not merged before it (promise 10).
 */
import { isDataFault } from "../../database/sql-states.ts";
import { InputFault } from "../read/open-input.ts";
import { type LoadPart, NeedsParsing } from "../stage/stage-parts.ts";
import { copyStatement, typedTargets, type Way } from "../stage/stage-records.ts";

export interface Climb<Result> {
    attempt(parts: LoadPart[], way: Way): Promise<Result[]>;
    /** Called with parts that cannot be read, or with the one whose records Postgres refuses both ways. */
    giveUp(parts: LoadPart[], fault: InputFault): Promise<Result[]>;
}

/** Faults of the database pass through. */
export async function loadByLadder<Result>(
    parts: LoadPart[],
    climb: Climb<Result>,
    way: Way = wayOf(parts[0]!),
): Promise<Result[]> {
    try {
        return await climb.attempt(parts, way);
    } catch (error) {
        if (error instanceof InputFault) return await climb.giveUp(parts, error);
        if (!(error instanceof NeedsParsing || isDataFault(error))) throw error;
        if (way === "typed") return await loadByLadder(parts, climb);
        if (way === "verbatim") return await loadByLadder(parts, climb, "parsed");
        if (parts.length === 1) return await climb.giveUp(parts, copyRefused());
        const results: Result[] = [];
        for (const part of parts) results.push(...(await loadByLadder([part], climb, "parsed")));
        return results;
    }
}

function copyRefused(): InputFault {
    const detail = "Postgres refused its records both verbatim and parsed.";
    return new InputFault({ problem: "copy_refused", detail, retryAfterMs: null });
}

function wayOf({ shape }: LoadPart): Way {
    return shape.needsParsing ? "parsed" : "verbatim";
}

/** Whether COPY may make its values typed. */
export const canBeTyped = ({ shape, isTyped }: LoadPart): boolean => isTyped === true && typedTargets(shape) !== null;

/** Whether the parts can share a load, whichever lane it fills. */
export function haveOneStatement(one: LoadPart, other: LoadPart): boolean {
    // Files with the same first line have the same shape: no text to make and compare for each of them.
    return one.shape === other.shape || statementOf(one) === statementOf(other);
}

function statementOf(part: LoadPart): string {
    return copyStatement(part.shape, wayOf(part), "staging");
}
