/** The tables that a scenario fills: events, and one as a user of `--table` has it. */
import { createRandom } from "../../src/shop/generator/random.ts";

export interface BenchTable {
    name: string;
    /** What a ready row has. */
    columns: string;
    /** Run in a fresh database. Null: Sluice's migrations made the table. */
    create: string | null;
}

const entries: BenchTable = {
    name: "public.entries",
    columns: "id, account_id, kind, amount, quantity, is_paid, country, note, created_on, updated_at",
    create: `
        create table public.entries (
            id bigint primary key,
            account_id integer not null,
            kind varchar(12) not null,
            amount numeric(12, 2) not null,
            quantity smallint not null,
            is_paid boolean not null,
            country char(2) not null,
            note text,
            created_on date not null,
            updated_at timestamptz not null
        );
        create index entries_account_id on public.entries (account_id)`,
};

/** With as many indexes as events has. */
const indexedEntries: BenchTable = {
    ...entries,
    create: `${entries.create};
        create index entries_kind_created_on on public.entries (kind, created_on);
        create index entries_updated_at on public.entries (updated_at);
        create index entries_country_quantity on public.entries (country, quantity)`,
};

export const benchTables = {
    events: {
        name: "public.events",
        columns: "event_id, event_type, product_id, user_id, event_timestamp, quantity, price",
        create: null,
    },
    entries,
    indexedEntries,
} satisfies Record<string, BenchTable>;

export type BenchTableName = keyof typeof benchTables;

export const entriesHeader = entries.columns.replaceAll(" ", "");

const kinds = ["invoice", "payment", "refund", "fee"];
const countries = ["DE", "FR", "NL", "PL", "SE", "US"];
const firstSecond = 1_760_000_000;

/** Every number below 2 ** 24 once, in no order. */
function shuffled(no: number): number {
    let mixed = no;
    for (const factor of [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35]) {
        mixed = Math.imul(mixed ^ (mixed >>> 11), factor) & (2 ** 24 - 1);
    }
    return mixed ^ (mixed >>> 13);
}

/** Lines of entries, one after the other: ids rise as a sequence gives them, or come in no order, as accounts always do. */
export function createEntryLines(seed: number, keys: "rising" | "shuffled" = "rising"): () => string {
    const random = createRandom(seed);
    let no = 0;
    return () => {
        no += 1;
        const id = keys === "rising" ? no : shuffled(no);
        const at = new Date((firstSecond + no) * 1000).toISOString();
        const values = [
            id,
            1 + random.below(50_000),
            random.pick(kinds),
            `${random.below(100_000)}.${String(random.below(100)).padStart(2, "0")}`,
            1 + random.below(100),
            random.below(2) === 0,
            random.pick(countries),
            random.below(4) === 0 ? "" : `order ${random.below(1_000_000)} by post`,
            at.slice(0, 10),
            at.replace(".000Z", "Z"),
        ];
        return values.join(",");
    };
}
