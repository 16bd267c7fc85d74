/** The files that ledger-0.1.0.json is about, byte by byte. */
const header = "event_id,event_type,product_id,user_id,event_timestamp,quantity,price";
/** The last hex digit, and so the slice, is the number's. */
const record = (no: number, type = "view", user = "u1") =>
    `00000000-0000-4000-8000-${no.toString(16).padStart(12, "0")},${type},p1,${user},2024-05-01 10:00:00,1,2.50`;
const csv = (...records: string[]) => `${[header, ...records].join("\n")}\n`;
const a = csv(
    ...[1, 2, 3, 4].map((no) => record(no)),
    record(1),
    record(2, "purchase"),
    record(5, "wish"),
    record(6, "none"),
    'a stray " quote',
);

export const filesOf010: Record<string, string> = {
    "a.csv": a,
    "broken.csv": "neither,of,these,columns\n1,2,3,4\n",
    "copy.csv": a,
    // One of each slice, and 1 again.
    "b.csv": csv(...Array.from({ length: 16 }, (_, slice) => record(0x10 + slice)), record(1)),
    // The last is in conflict with b.csv's of slice 15, which was not merged yet.
    "c.csv": csv(record(0x20), record(0x21, "none"), record(0x1f, "purchase")),
    "d.csv": csv(record(0x30), record(0x10)),
};

/** What becomes of them by the end of an upgrade. */
export const statesOf010 = {
    "a.csv": "merged",
    "b.csv": "merged",
    "broken.csv": "failed header_missing_columns",
    "c.csv": "merged",
    "copy.csv": "skipped copy",
    "d.csv": "merged",
};
