/**
 * The tests that `bun run test:installed` runs, by the form of the program that their commands are. What of these files an
 * installed program cannot do:
 *
 * - The help of commands for work on Sluice itself (bench, verify, build:package, …): they are in no package (hasCommand).
 * - The documents, by the executable: they start the embedded PostgreSQL, which it does not bring.
 */

export const installedForms = ["package", "executable"] as const;
export type InstalledForm = (typeof installedForms)[number];

const documents = ["readme", "streams", "walkthrough"].map((name) => `tests/docs/${name}.test.ts`);

/** A shorter list: its commands are the package's own. Here is how it starts, and whether it has inside what they need. */
const throughExecutable = ["add", "config", "doctor", "init", "service", "sluice", "streams"];

export const testsOf: Record<InstalledForm, readonly string[]> = {
    package: ["tests/commands", ...documents],
    executable: throughExecutable.map((name) => `tests/commands/${name}.test.ts`),
};
