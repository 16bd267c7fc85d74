/** The fault points that an ingest of a schedule comes past, and what may happen there. */
import { faultActions, faultPoints } from "../../../src/database/faults/fault-points.ts";

/** No file leaves the folder here, the tables are migrated, and nobody resets them. */
const notPassed = /archive|migration|reset/;

export const ingestFaults = {
    faultPoints: Object.keys(faultPoints).filter((name) => !notPassed.test(name)),
    faultActions: Object.keys(faultActions),
};
