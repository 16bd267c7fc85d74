/** Gives two loaders the same deliveries, kills both as often, and counts what became of every record. */
import { createRandom, type Random } from "../../src/shop/generator/random.ts";
import { type Delivery, makeDeliveries, type Truth } from "./deliveries.ts";
import type { Loader } from "./loaders.ts";

/** Records, by what went wrong with them. */
export interface Losses {
    /** Good, not in the table, and nothing says so. */
    lost: number;
    /** Good, not in the table, and told: in a file that failed as a whole. */
    heldBack: number;
    /** In the table more than once. */
    doubled: number;
    /** In the table with values that its file does not hold, or although it should have been refused. */
    wrong: number;
    /** Not in the table, rightly, and nothing says so. */
    hidden: number;
}

export interface Compared {
    name: string;
    records: number;
    script: Losses;
    sluice: Losses;
}

export async function runComparison(script: Loader, sluice: Loader, seed: number): Promise<Compared[]> {
    const deliveries = makeDeliveries();
    const [ofScript, ofSluice] = [await load(script, deliveries, seed), await load(sluice, deliveries, seed)];
    return deliveries.map(({ name, truths }, index) => ({
        name,
        records: truths.length,
        script: ofScript[index]!,
        sluice: ofSluice[index]!,
    }));
}

async function load(loader: Loader, deliveries: Delivery[], seed: number): Promise<Losses[]> {
    const random = createRandom(seed);
    for (const { steps, kills } of deliveries) {
        for (const step of steps) {
            step(loader.folder);
            for (let kill = 0; kill < kills; kill += 1) await killAtRandomMoment(loader, random);
            await loader.start().exited;
        }
    }
    const rows = await readRows(loader);
    const told = await loader.readToldIds();
    return deliveries.map(({ truths }) => judge(truths, rows, told));
}

async function killAtRandomMoment(loader: Loader, random: Random): Promise<void> {
    const run = loader.start();
    await Bun.sleep(random.between(50, 500));
    run.kill();
    await run.exited;
    await loader.recover();
}

/** event_id → the contents of its rows, as deliveries.ts writes them. */
async function readRows({ database }: Loader): Promise<Map<string, string[]>> {
    const rows = await database.sql<{ id: string; content: string }[]>`
        select
            event_id::text as id,
            concat_ws(
                '|', event_id, event_type, product_id, user_id,
                to_char(event_timestamp at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), quantity, price
            ) as content
        from public.events`;
    const byId = new Map<string, string[]>();
    for (const { id, content } of rows) byId.set(id, [...(byId.get(id) ?? []), content]);
    return byId;
}

/** Pure. `told` holds the ids of which the loader says that a record with it is not in the table. */
export function judge(truths: Truth[], rows: Map<string, string[]>, told: Set<string>): Losses {
    const losses: Losses = { lost: 0, heldBack: 0, doubled: 0, wrong: 0, hidden: 0 };
    for (const { eventId, content, isCorrection } of truths) {
        const found = rows.get(eventId) ?? [];
        if (found.length > 1) losses.doubled += 1;
        if (isCorrection) {
            if (!told.has(eventId)) losses.hidden += 1;
        } else if (content === null) {
            if (found.length > 0) losses.wrong += 1;
            else if (!told.has(eventId)) losses.hidden += 1;
        } else if (found.length === 0) {
            if (told.has(eventId)) losses.heldBack += 1;
            else losses.lost += 1;
        } else if (found[0] !== content) losses.wrong += 1;
    }
    return losses;
}

export function addLosses(all: Losses[]): Losses {
    const total: Losses = { lost: 0, heldBack: 0, doubled: 0, wrong: 0, hidden: 0 };
    for (const losses of all) for (const key of Object.keys(total) as (keyof Losses)[]) total[key] += losses[key];
    return total;
}

/** `150 lost`, `500 held back, 2 wrong`; a dash when nothing is amiss. */
export function describeLosses({ lost, heldBack, doubled, wrong, hidden }: Losses): string {
    const parts = [
        [lost, "lost"],
        [heldBack, "held back"],
        [doubled, "doubled"],
        [wrong, "wrong"],
        [hidden, "hidden"],
    ] as const;
    const amiss = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    return amiss.length === 0 ? "–" : amiss.join(", ");
}
