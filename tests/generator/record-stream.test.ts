import { describe, expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { products } from "../../src/shop/generator/catalogue.ts";
import { dirt } from "../../src/shop/generator/dirty-records.ts";
import { headerLine, type RecordValues } from "../../src/shop/generator/event-record.ts";
import { createRandom } from "../../src/shop/generator/random.ts";
import { createRecordStream, generateFile } from "../../src/shop/generator/record-stream.ts";
import { countFiles } from "../support/count-records.ts";

const fileSeconds = Date.parse("2024-05-01T12:00:00Z") / 1000;

const clean = { dirtyRatio: 0, duplicateRatio: 0, lateRatio: 0 };

function generate(seed: number, records: number, ratios: Partial<typeof clean> = {}): Buffer {
    const nextRecord = createRecordStream({ random: createRandom(seed), ...clean, ...ratios });
    return Buffer.concat([...generateFile({ nextRecord, records, fileSeconds, spanSeconds: 600 })]);
}

const countOf = (bytes: Buffer) => countFiles([{ name: "generated.csv", bytes }]);

type Row = Record<
    "event_id" | "event_type" | "product_id" | "user_id" | "event_timestamp" | "quantity" | "price",
    string
>;
const parseRows = (bytes: Buffer): Row[] => parse(bytes, { columns: true });

describe("clean records", () => {
    const rows = parseRows(generate(1, 30_000));

    test("are all valid, and none repeats another", () => {
        expect(countOf(generate(1, 30_000)).total).toEqual({
            read: 30_000,
            inserted: 30_000,
            duplicate: 0,
            conflict: 0,
            rejected: 0,
        });
    });

    test("lie in the span before the file, in order, the last one at it", () => {
        const timestamps = rows.map((row) => row.event_timestamp);
        expect(timestamps.toSorted()).toEqual(timestamps);
        expect(timestamps[0]! >= "2024-05-01 11:50:00").toBe(true);
        expect(timestamps.at(-1)).toBe("2024-05-01 12:00:00");
    });

    test("let each user view a product before adding it, and add it before removing or buying it", () => {
        const seen = new Map<string, { views: number; inCart: number }>();
        for (const { user_id, product_id, event_type } of rows) {
            const key = `${user_id} ${product_id}`;
            const history = seen.get(key) ?? { views: 0, inCart: 0 };
            seen.set(key, history);
            if (event_type === "view") history.views += 1;
            else expect(event_type === "add_to_cart" ? history.views : history.inCart).toBeGreaterThan(0);
            if (event_type === "add_to_cart") history.inCart += 1;
            if (event_type === "purchase" || event_type === "remove_from_cart") history.inCart -= 1;
        }
    });

    test("have a quantity and the product's own price exactly when something is bought", () => {
        const prices = new Map(products.map(({ productId, price }) => [productId, price]));
        for (const { event_type, product_id, quantity, price } of rows) {
            const isPurchase = event_type === "purchase";
            expect(price).toBe(isPurchase ? prices.get(product_id)! : "0");
            expect(Number(quantity) > 0).toBe(isPurchase);
        }
    });

    test("are mostly views, then adds, purchases and removals", () => {
        const share = (type: string) => rows.filter((row) => row.event_type === type).length / rows.length;
        const shares = ["view", "add_to_cart", "purchase", "remove_from_cart"].map(share);
        expect(shares.toSorted((a, b) => b - a)).toEqual(shares);
        expect(shares[0]).toBeWithin(0.5, 0.8);
        expect(shares[3]).toBeWithin(0.01, 0.1);
    });

    test("favour a few products", () => {
        const views = new Map<string, number>();
        for (const { product_id } of rows) views.set(product_id, (views.get(product_id) ?? 0) + 1);
        const sorted = [...views.values()].sort((a, b) => b - a);
        expect(views.size).toBeGreaterThan(400);
        // Zipf with 500 products: the first tenth has two thirds of the whole.
        const firstTenth = sorted.slice(0, 50).reduce((sum, count) => sum + count, 0) / rows.length;
        expect(firstTenth).toBeWithin(0.6, 0.75);
    });
});

describe("ratios", () => {
    // Six standard deviations of 40,000 draws at 0.1 are 0.009.
    const records = 40_000;
    const near = (count: number, ratio: number) => expect(Math.abs(count / records - ratio)).toBeLessThan(0.01);

    test("of dirty, duplicate and conflicting records are what an independent count finds", () => {
        const { total } = countOf(generate(2, records, { dirtyRatio: 0.2, duplicateRatio: 0.1 }));
        expect(total.read).toBe(records);
        near(total.rejected, 0.2);
        near(total.duplicate + total.conflict, 0.1);
        expect(total.conflict / (total.duplicate + total.conflict)).toBeWithin(0.2, 0.3);
    });

    test("at their ends are exact", () => {
        expect(countOf(generate(3, 500, { dirtyRatio: 1 })).total).toMatchObject({ read: 500, rejected: 500 });
        expect(countOf(generate(3, 500, { duplicateRatio: 1 })).total).toMatchObject({ inserted: 1, rejected: 0 });
    });

    test("of late records: hours to days before the others", () => {
        const rows = parseRows(generate(4, records, { lateRatio: 0.1 }));
        const ages = rows.map((row) => fileSeconds - Date.parse(`${row.event_timestamp.replace(" ", "T")}Z`) / 1000);
        const late = ages.filter((age) => age > 600);
        near(late.length, 0.1);
        expect(Math.min(...late)).toBeGreaterThanOrEqual(3_600);
        expect(Math.max(...late)).toBeLessThanOrEqual(5 * 86_400 + 600);
        expect(Math.min(...ages)).toBe(0);
    });

    test("leave visits whole: every user still views before adding", () => {
        const { events } = countOf(generate(5, 5_000, { dirtyRatio: 0.3, lateRatio: 0.2 }));
        const viewed = new Set<string>();
        for (const { content } of events.values()) {
            const [, eventType, productId, userId] = JSON.parse(content) as string[];
            const key = `${userId?.slice(0, 10)} ${productId}`;
            if (eventType === "view") viewed.add(key);
            else expect(viewed).toContain(key);
        }
    });
});

describe("dirty records", () => {
    const good: RecordValues = [
        "c0a80101-0000-4000-8000-000000000001",
        "purchase",
        "product_0001",
        "user_00001",
        "2024-05-01 12:00:00",
        "2",
        "9.99",
    ];
    const neighbour = `c0a80101-0000-4000-8000-000000000002,view,"product, 2","user ""2""",2024-05-01 12:00:00,0,0\n`;

    for (const [kind, toLine] of Object.entries(dirt)) {
        test(`of kind ${kind} cost one record, always, and leave the next one alone`, () => {
            for (let seed = 0; seed < 50; seed++) {
                const bytes = Buffer.from(headerLine + toLine(good, createRandom(seed)) + neighbour, "latin1");
                const { read, inserted, rejected } = countOf(bytes).total;
                expect([read, inserted, rejected]).toEqual([2, 1, 1]);
            }
        });
    }

    test("come in all kinds, with valid neighbours that look like them", () => {
        const { outcomes, events } = countOf(generate(6, 5_000, { dirtyRatio: 0.3 }));
        const reasons = new Set(outcomes.flatMap((outcome) => outcome.reasons));
        for (const reason of ["NUL byte", "invalid UTF-8", "not strictly valid CSV", "price: more than two decimals"]) {
            expect(reasons).toContain(reason);
        }
        const users = [...events.values()].map(({ content }) => JSON.parse(content)[3] as string);
        for (const part of [",", "\n", "\r\n", '"', "🛒", "\n\\.\n"]) {
            expect(users.some((user) => user.includes(part))).toBe(true);
        }
    });
});

describe("a seed", () => {
    test("gives the same clean records at another time, timestamps aside", () => {
        const at = (seconds: number) => {
            const ratios = { dirtyRatio: 0, duplicateRatio: 0.3, lateRatio: 0.1 };
            const nextRecord = createRecordStream({ random: createRandom(9), ...ratios });
            const file = { nextRecord, records: 3_000, fileSeconds: seconds, spanSeconds: 10 };
            return parseRows(Buffer.concat([...generateFile(file)])).map((row) => ({ ...row, event_timestamp: "" }));
        };
        expect(at(fileSeconds)).toEqual(at(fileSeconds + 123_456_789));
    });

    test("fixes what is in a file, not how it is cut into pieces", () => {
        const nextRecord = createRecordStream({ random: createRandom(1), ...clean });
        const pieces = [...generateFile({ nextRecord, records: 20_000, fileSeconds, spanSeconds: 600 })];
        expect(pieces.length).toBeGreaterThan(3);
        expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(300 * 1024);
        expect(Buffer.concat(pieces).equals(generate(1, 20_000))).toBe(true);
    });

    test("without records gives a header", () => {
        expect(generate(1, 0).toString()).toBe(
            "event_id,event_type,product_id,user_id,event_timestamp,quantity,price\n",
        );
    });
});
