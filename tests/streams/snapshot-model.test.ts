/**
 * Random sequences of snapshots against a model that knows no SQL: a Map. Several files may wait, grow, be rewritten, come again,
 * break limits and have bad records; chunks and merges are of any size.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom, type Random } from "../../src/shop/generator/random.ts";
import { makeFolder, useDatabase } from "../support/fixture.ts";
import { chooseSeed, isLongRun, testTimeoutMs } from "../support/generate-folder.ts";
import { emptyTables, expectChecksToPass } from "../support/read-tables.ts";
import { ingestProducts, makeProducts, readOutcomes, type SnapshotMode } from "../support/snapshots.ts";

setDefaultTimeout(testTimeoutMs);

const database = useDatabase(import.meta.path);
const { sql } = database;
const firstSeed = chooseSeed("snapshot model");
const seeds = Array.from({ length: isLongRun ? 100 : 3 }, (_, index) => firstSeed + index);
const rounds = 6;

interface Product {
    id: number;
    day: string;
    name: string;
    price: number;
}

const lineOf = ({ id, day, name, price }: Product) => `${id},${day},${name},${price}`;
const sameContent = (one: Product, other: Product) => lineOf(one) === lineOf(other);

interface Model {
    rows: Map<number, Product>;
    outcomes: Record<string, number>[];
    /** Text of the file that was applied last. */
    applied: string | null;
}

/** What a file makes of the table, or that it fails. */
function apply(model: Model, text: string, products: Product[], mode: SnapshotMode): boolean {
    const outcome = {
        read: 0,
        inserted: 0,
        updated: 0,
        duplicate: 0,
        conflict: 0,
        rejected: 0,
        removed: 0,
        rowsAfter: 0,
    };
    const first = new Map<number, Product>();
    for (const product of products) {
        outcome.read += 1;
        const earlier = first.get(product.id);
        if (product.price < 0) outcome.rejected += 1;
        else if (earlier === undefined) first.set(product.id, product);
        else if (sameContent(earlier, product)) outcome.duplicate += 1;
        else outcome.conflict += 1;
    }
    const days = new Set([...first.values()].map(({ day }) => day));
    const isWhole = mode.by.length === 0;
    const missing = [...model.rows.values()].filter(({ id, day }) => !first.has(id) && (isWhole || days.has(day)));
    const matched = [...first.keys()].filter((id) => model.rows.has(id));
    const most = mode.maxRemoved.most * (mode.maxRemoved.kind === "ratio" ? missing.length + matched.length : 1);
    if (outcome.rejected + outcome.conflict > mode.maxRejects.most) return false;
    if (first.size === 0 || missing.length > most) return false;
    for (const product of first.values()) {
        const stored = model.rows.get(product.id);
        if (stored === undefined) outcome.inserted += 1;
        else if (sameContent(stored, product)) outcome.duplicate += 1;
        else outcome.updated += 1;
        model.rows.set(product.id, product);
    }
    for (const { id } of missing) model.rows.delete(id);
    outcome.removed = missing.length;
    outcome.rowsAfter = first.size;
    model.outcomes.push(Object.fromEntries(Object.entries(outcome).filter(([, count]) => count > 0)));
    model.applied = text;
    return true;
}

interface Written {
    name: string;
    products: Product[];
    text: string;
}

const textOf = (products: Product[]) => ["id,day,name,price", ...products.map(lineOf), ""].join("\n");

function randomProducts(random: Random, model: Model): Product[] {
    const product = (id: number): Product => ({
        id,
        day: `2026-05-0${random.between(1, 4)}`,
        name: random.pick(["pen", "cup", "hat"]),
        price: random.between(0, 3),
    });
    const kept = [...model.rows.values()].filter(() => random.chance(0.9));
    const changed = kept.map((row) => (random.chance(0.1) ? { ...product(row.id), day: row.day } : row));
    const come = Array.from({ length: random.between(0, 8) }, () => product(random.between(1, 60)));
    const again = changed.filter(() => random.chance(0.03));
    const bad = random.chance(0.1) ? [{ ...product(99), price: -1 }] : [];
    const all = [...changed, ...come, ...again, ...bad];
    return random.chance(0.03) ? [] : all.sort(() => (random.chance(0.5) ? 1 : -1));
}

/** Files that wait now, in the order of paths: which of them are applied. */
function settle(model: Model, waiting: Written[], mode: SnapshotMode): void {
    const byPath = waiting.toSorted((one, other) => (one.name < other.name ? -1 : 1));
    if (mode.by.length > 0) {
        for (const { text, products } of byPath) if (text !== model.applied) apply(model, text, products, mode);
        return;
    }
    for (const { text, products } of byPath.toReversed()) {
        if (products.length > 0 && text === model.applied) return;
        if (apply(model, text, products, mode)) return;
    }
}

test.each(seeds)("the table and the counts of the files of seed %i are the model's", async (seed) => {
    const random = createRandom(seed);
    await sql.unsafe("drop schema if exists shop cascade");
    await makeProducts(sql);
    await emptyTables(sql);
    const folder = makeFolder();
    const mode: SnapshotMode = {
        name: "snapshot",
        by: random.pick([[], [], ["day"]]),
        maxRejects: { kind: "count", most: random.between(0, 3) },
        maxRemoved: random.pick([
            { kind: "ratio", most: 0.2 },
            { kind: "ratio", most: 1 },
            { kind: "count", most: 3 },
        ]),
    };
    // Of a copy the chunks are the same only if they are cut in the same way.
    const sizes = { maxChunkBytes: random.pick([200, 1024, 1024 * 1024]), maxBatchRecords: random.pick([5, 1000]) };
    const model: Model = { rows: new Map(), outcomes: [], applied: null };
    const written: Written[] = [];
    let files = 0;
    for (let round = 0; round < rounds; round++) {
        const waiting: Written[] = [];
        for (let index = random.between(1, 3); index > 0; index--) {
            // Named so that later files sort before or after earlier ones of the same round; a rewritten one is a version.
            const earlier = written.length > 0 && random.chance(0.2) ? random.pick(written) : null;
            if (earlier !== null && waiting.some(({ name }) => name === earlier.name)) continue;
            const isGrowth = earlier !== null && random.chance(0.5);
            const products = isGrowth
                ? [...earlier.products, { id: 70 + files, day: "2026-05-01", name: "pen", price: 1 }]
                : written.length > 0 && random.chance(0.15)
                  ? random.pick(written).products
                  : randomProducts(random, model);
            files += 1;
            const name = earlier?.name ?? `${String(round).padStart(2, "0")}-${random.below(1000)}-${files}.csv`;
            const file = { name, products, text: textOf(products) };
            if (earlier !== null && earlier.text === file.text) continue;
            if (earlier !== null) written.splice(written.indexOf(earlier), 1);
            writeFileSync(join(folder, name), file.text);
            waiting.push(file);
            written.push(file);
        }
        settle(model, waiting, mode);
        await ingestProducts(database.target, folder, mode, sizes);
        const rows = await sql<{ line: string }[]>`
            select concat_ws(',', id, day, name, trim_scale(price)) as line from shop.products order by id`;
        const expected = [...model.rows.values()].toSorted((one, other) => one.id - other.id).map(lineOf);
        expect({ round, rows: rows.map(({ line }) => line) }).toEqual({ round, rows: expected });
        expect({ round, outcomes: await readOutcomes(sql) }).toEqual({ round, outcomes: model.outcomes });
        await expectChecksToPass(sql);
    }
});
