/** SLUICE_… variables that nothing reads: most often a setting that is misspelt, and then silently not set. */
import { suggestName } from "../terminal/suggest-name.ts";
import { settings } from "./settings.ts";

const prefix = "SLUICE_";

/** Never a flag: every user of the machine sees those. */
export const tokenVariable = "SLUICE_API_TOKEN";

/** Beside the settings. */
const otherVariables = [tokenVariable, "SLUICE_DEBUG", "SLUICE_STREAMS_DIR", "SLUICE_S3_PATH_STYLE"];

/** Only this project's own tests read these. */
const testVariables = ["SLUICE_SEED", "SLUICE_FUZZ_CASES"];

/** Kubernetes sets these in every container beside a service named "sluice". */
const serviceLinkForm = /^SLUICE_(SERVICE_|PORT_\d+_)/;

export const knownVariables: readonly string[] = [
    ...Object.values(settings)
        .map(({ variable }) => variable)
        .filter((variable) => variable.startsWith(prefix)),
    ...otherVariables,
];

export interface UnknownVariable {
    name: string;
    /** The variable that was probably meant. */
    near: string | null;
}

/** Those that are set to something, in the order of their names. */
export function findUnknownVariables(environment: Record<string, string | undefined>): UnknownVariable[] {
    return Object.keys(environment)
        .filter((name) => name.startsWith(prefix) && environment[name] !== "" && !isKnown(name))
        .sort()
        .map((name) => ({ name, near: findNear(name) }));
}

/** By what follows the prefix, or any two names would look alike; the beginning of a name means that name. */
function findNear(name: string): string | null {
    const candidates = new Map([...knownVariables, "DATABASE_URL"].map((known) => [withoutPrefix(known), known]));
    const given = withoutPrefix(name);
    const begun = [...candidates.keys()].find((candidate) => candidate.startsWith(`${given}_`));
    return candidates.get(begun ?? suggestName(given, [...candidates.keys()]) ?? "") ?? null;
}

function withoutPrefix(name: string): string {
    return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function isKnown(name: string): boolean {
    return (
        knownVariables.includes(name) ||
        testVariables.includes(name) ||
        name.startsWith("SLUICE_TEST_") ||
        serviceLinkForm.test(name)
    );
}
