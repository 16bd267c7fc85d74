/** The fault points that an ingest comes past, and what a schedule may let happen there. */
export const ingestFaults: { faultPoints: readonly string[]; faultActions: readonly string[] } = {
    faultPoints: [],
    faultActions: [],
};
