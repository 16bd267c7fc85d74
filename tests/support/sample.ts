/** Long tables of tests: a run of all of tests/ takes some of each, one that names files takes all of theirs (scripts/test.ts). */
import { isLongRun } from "./generate-folder.ts";

const takesAll = isLongRun || Boolean(process.env.SLUICE_TEST_WHOLE);

/** At most so many of them, evenly and always the same. */
export function sample<Item>(all: readonly Item[], most: number): Item[] {
    if (takesAll || all.length <= most) return [...all];
    return Array.from({ length: most }, (_, index) => all[Math.floor((index * all.length) / most)]!);
}

/** So many runs of a property where all of a table would be taken, else fewer. */
export const runsOf = (all: number, some: number): number => (takesAll ? all : some);
