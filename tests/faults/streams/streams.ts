/** The streams of the mixed model, beside events. Each comes with the rules of its table, as the model knows them. */
import type { Random } from "../../../src/shop/generator/random.ts";
import { appendSchema, appendStreams } from "./append-streams.ts";
import { insertSchema, insertStreams } from "./insert-streams.ts";
import type { ModelStream } from "./model-stream.ts";
import { snapshotSchema, snapshotStreams } from "./snapshot-streams.ts";
import { upsertSchema, upsertStreams } from "./upsert-streams.ts";

const families: readonly (readonly ModelStream[])[] = [
    insertStreams,
    ...upsertStreams.map((stream) => [stream]),
    ...snapshotStreams.map((stream) => [stream]),
    ...appendStreams.map((stream) => [stream]),
];

export const modelStreams: readonly ModelStream[] = families.flat();

export const schema = [insertSchema, upsertSchema, snapshotSchema, appendSchema].join("\n");

/** A schedule has some of them, so that each gets more than a few files. */
export function chooseStreams(random: Random): readonly ModelStream[] {
    const chosen = families.filter(() => random.chance(0.5)).flat();
    return chosen.length > 0 ? chosen : modelStreams;
}
