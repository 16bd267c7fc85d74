/**
 * How much a merge takes at once: all that it may, and less of it after a merge that failed on its size. Halved in chunks
 * first, then, of one chunk, in slices; doubled again as merges pass.
 */
import { sliceCount } from "../../streams/types/column-type.ts";

export const allSlices = 0xffff;
const everyChunk = 2_147_483_647;
/** After each failure it is longer before more is tried: a merge that is cut off has cost its time. */
const mostPatience = 64;

export type BatchSize = ReturnType<typeof createBatchSize>;

export function createBatchSize() {
    let chunks = everyChunk;
    let slices = sliceCount;
    let firstSlice = 0;
    let patience = 1;
    let passes = 0;

    /** A merge has failed for its data, of so many chunks at the most. */
    const halveChunks = (tried: number) => {
        chunks = Math.max(1, Math.ceil(tried / 2));
    };
    return {
        maxChunks: () => chunks,
        /** The wanted slices, in groups of which a merge takes one; the group behind the one that merged last comes first. */
        sliceGroups(wanted: number): number[] {
            const count = sliceCount / slices;
            const first = Math.floor(firstSlice / slices);
            return Array.from({ length: count }, (_, index) => ((first + index) % count) * slices)
                .map((slice) => wanted & (((1 << slices) - 1) << slice))
                .filter((group) => group !== 0 || slices === sliceCount);
        },
        /** A merge of these slices has passed. */
        passed(merged: number): void {
            firstSlice = (Math.floor(Math.log2(merged)) + 1) % sliceCount;
            passes += 1;
            if (passes < patience) return;
            passes = 0;
            if (slices < sliceCount) slices *= 2;
            else chunks = Math.min(everyChunk, chunks * 2);
            if (chunks === everyChunk) patience = 1;
        },
        halveChunks,
        /** A merge was cut off before its end, of so many chunks at the most. Returns how much a merge takes now. */
        halve(tried: number): { chunks: number; slices: number } {
            patience = Math.min(mostPatience, patience * 2);
            passes = 0;
            if (tried > 1) {
                halveChunks(tried);
            } else {
                chunks = 1;
                slices = Math.max(1, slices / 2);
            }
            return { chunks, slices };
        },
    };
}
