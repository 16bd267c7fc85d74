/** The files that both loaders are given, as they come in real life, and the truth about each of their records. */
import { appendFileSync, closeSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { columnNames } from "../support/oracle/read-values.ts";

export interface Truth {
    eventId: string;
    /** Its values as a table must hold them, if it is to be in the table; null for a record that has to be refused. */
    content: string | null;
    /** It contradicts a record that came before: to be kept for somebody to decide. */
    isCorrection: boolean;
}

export interface Delivery {
    name: string;
    truths: Truth[];
    /** The sender's actions; the loader runs after each. */
    steps: ((folder: string) => void)[];
    /** How often the loader is killed before it may finish. */
    kills: number;
}

type Values = Record<string, string>;

let lastNumber = 0;

/** A good record that nobody has seen. */
function newRecord(changes: Values = {}): Values {
    lastNumber += 1;
    return {
        event_id: `00000000-0000-4000-8000-${lastNumber.toString(16).padStart(12, "0")}`,
        event_type: ["view", "add_to_cart", "purchase"][lastNumber % 3]!,
        product_id: `product_${lastNumber % 97}`,
        user_id: `user_${lastNumber % 389}`,
        event_timestamp: `2024-05-01 12:${String(lastNumber % 60).padStart(2, "0")}:00`,
        quantity: String(lastNumber % 5),
        price: `${lastNumber % 90}.95`,
        ...changes,
    };
}

const newRecords = (count: number) => Array.from({ length: count }, () => newRecord());

const csvOf = (records: Values[], order: readonly string[] = columnNames, delimiter = ",") =>
    [order, ...records.map((record) => order.map((column) => record[column]))]
        .map((values) => `${values.join(delimiter)}\n`)
        .join("");

/** As judge.ts reads it from a table. */
const contentOf = (record: Values) => columnNames.map((column) => record[column]).join("|");

const good = (records: Values[]): Truth[] =>
    records.map((record) => ({ eventId: record.event_id!, content: contentOf(record), isCorrection: false }));
const bad = (records: Values[]): Truth[] =>
    records.map(({ event_id }) => ({ eventId: event_id!, content: null, isCorrection: false }));

function deliver(folder: string, name: string, text: string): void {
    writeFileSync(join(folder, `.${name}`), text);
    renameSync(join(folder, `.${name}`), join(folder, name));
}

/** One file, renamed into the folder. */
function fileOf(name: string, file: string, truths: Truth[], text: string, kills = 0): Delivery {
    return { name, truths, steps: [(folder) => deliver(folder, file, text)], kills };
}

/** A file with `count` good records and among them these, which have to be refused. */
function withBad(name: string, file: string, count: number, badRecords: Values[]): Delivery {
    const goodRecords = newRecords(count);
    const records = [...goodRecords.slice(0, count / 2), ...badRecords, ...goodRecords.slice(count / 2)];
    return fileOf(name, file, [...good(goodRecords), ...bad(badRecords)], csvOf(records));
}

/** The same every time. */
export function makeDeliveries(): Delivery[] {
    lastNumber = 0;
    const clean = newRecords(1_000);
    const big = newRecords(30_000);
    const corrected: Values[] = clean.slice(0, 3).map((record) => ({ ...record, price: "1.00" }));
    const corrections = corrected.map(({ event_id }) => ({ eventId: event_id!, content: null }));
    const reordered = newRecords(200);
    const semicolons = newRecords(200);
    return [
        fileOf("1,000 good records", "a.csv", good(clean), csvOf(clean)),
        fileOf("30,000 good records, the loader killed three times", "b.csv", good(big), csvOf(big), 3),
        fileOf("the first file again, under another name", "c.csv", [], csvOf(clean)),
        fileOf("the first file again, in another order", "d.csv", [], csvOf(clean.toReversed())),
        fileOf(
            "3 known ids with another price",
            "e.csv",
            corrections.map((truth) => ({ ...truth, isCorrection: true })),
            csvOf(corrected),
        ),
        withBad("500 records, and 1 whose quantity is `two`", "f.csv", 500, [newRecord({ quantity: "two" })]),
        withBad("100 records, and 2 with prices of three decimals", "g.csv", 100, [
            newRecord({ price: "12.345" }),
            newRecord({ price: "0.995" }),
        ]),
        withBad("100 records, and 3 that happened `tomorrow`, at `infinity`, on `01/02/2024`", "h.csv", 100, [
            newRecord({ event_timestamp: "tomorrow" }),
            newRecord({ event_timestamp: "infinity" }),
            newRecord({ event_timestamp: "01/02/2024" }),
        ]),
        withBad("100 records, and 2 of the type `purchse`", "i.csv", 100, [
            newRecord({ event_type: "purchse" }),
            newRecord({ event_type: "purchse" }),
        ]),
        writtenInPlace(newRecords(300)),
        grownLater(newRecords(200)),
        fileOf(
            "200 records, columns in another order",
            "l.csv",
            good(reordered),
            csvOf(reordered, columnNames.toReversed()),
        ),
        fileOf("200 records, semicolons for commas", "m.csv", good(semicolons), csvOf(semicolons, columnNames, ";")),
    ];
}

/** The writer holds the file open; the loader comes when half of it is there. */
function writtenInPlace(records: Values[]): Delivery {
    let open = 0;
    return {
        name: "300 records, half of them written when the loader comes",
        truths: good(records),
        steps: [
            (folder) => {
                open = openSync(join(folder, "j.csv"), "a");
                writeFileSync(open, csvOf(records.slice(0, 150)));
            },
            () => {
                writeFileSync(open, csvOf(records.slice(150)).split("\n").slice(1).join("\n"));
                closeSync(open);
            },
        ],
        kills: 0,
    };
}

/** A log that is appended to by name, an hour later. */
function grownLater(records: Values[]): Delivery {
    return {
        name: "100 records, then 100 appended to the same file",
        truths: good(records),
        steps: [
            (folder) => deliver(folder, "k.csv", csvOf(records.slice(0, 100))),
            (folder) =>
                appendFileSync(join(folder, "k.csv"), csvOf(records.slice(100)).split("\n").slice(1).join("\n")),
        ],
        kills: 0,
    };
}
