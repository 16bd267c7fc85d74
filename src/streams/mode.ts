/** How the records of a stream meet the rows of its table that have their key: what its file says of it, and what that means. Pure. */
import { z } from "zod";
import { streamModes } from "../database/schema.ts";
import { parseRejectBudget, type RejectBudget } from "./reject-budget.ts";

export type Mode =
    /** A record whose key is stored is a duplicate, or a conflict that is kept. */
    | { name: "insert" }
    /** Every record becomes a row. The stream has no key: the ledger alone tells what was read before. */
    | {
          name: "append";
          /** What becomes of a file whose bytes have changed since they were read. */
          rewritten: "refuse" | "again";
          /** What becomes of a file with the content of another. */
          copies: "skip" | "again";
      }
    /** The record with the higher version takes the row's place; without a version, the later record. */
    | { name: "upsert"; version: string | null; deleteWhen: string | null; keepsHistory: boolean }
    /** A file is the whole table, or all of it that has the file's values in the columns `by`. */
    | {
          name: "snapshot";
          by: readonly string[];
          maxRejects: RejectBudget;
          /** Of the rows that it may remove. */
          maxRemoved: RejectBudget;
      };

/** The column that tells which record is newer; null: none does. */
export const versionOf = (mode: Mode): string | null => (mode.name === "upsert" ? mode.version : null);

/** What a stream's file may say about its mode. */
export interface ModeDeclaration {
    /** Default: `insert`. */
    mode?: (typeof streamModes)[number];
    /** `append`: inserts all records of a file that was rewritten. Default: such a file fails. */
    rewritten?: "again";
    /** `append`: inserts all records of a file whose content equals that of one that was merged. Default: it is skipped. */
    copies?: "again";
    /** `upsert`: the column that tells which record is newer. Default: the one that was read later. */
    version?: string;
    /** `upsert`: a condition in SQL over the table's columns; a record that meets it deletes the row. */
    deleteWhen?: string;
    /** `upsert`: keeps what was replaced or deleted. */
    history?: boolean;
    /** `snapshot`: a file is all rows with its values in these columns. Default: the whole table. */
    by?: readonly string[];
    /** `snapshot`: how many records, or what share, may be rejected. Default: 0. */
    maxRejects?: number | string;
    /** `snapshot`: how many rows, or what share of them, one file may remove. Default: `20%`. */
    maxRemoved?: number | string;
}

const limit = z.union([z.number(), z.string()]).transform((value, context): RejectBudget => {
    const parsed = parseRejectBudget(String(value));
    if ("value" in parsed) return parsed.value;
    context.addIssue({ code: "custom", message: `${parsed.problem} ${parsed.remedy}` });
    return z.NEVER;
});

const again = z.literal("again", { error: 'must be "again"' }).optional();

const settings = {
    rewritten: again,
    copies: again,
    version: z.string().min(1).optional(),
    deleteWhen: z.string().trim().min(1).optional(),
    history: z.boolean().optional(),
    by: z.array(z.string()).min(1).optional(),
    maxRejects: limit.optional(),
    maxRemoved: limit.optional(),
};
type Setting = keyof typeof settings;

/** Which settings each mode has. */
const settingsOf: Record<Mode["name"], readonly Setting[]> = {
    insert: [],
    append: ["rewritten", "copies"],
    upsert: ["version", "deleteWhen", "history"],
    snapshot: ["by", "maxRejects", "maxRemoved"],
};

const none: RejectBudget = { kind: "count", most: 0 };
const fifth: RejectBudget = { kind: "ratio", most: 0.2 };

/** The names that a stream's file may have for its mode. */
export const modeSettings = ["mode", ...(Object.keys(settings) as Setting[])] as const;

export const modeSchema = z
    .strictObject({
        mode: z.enum(streamModes, { error: `must be ${streamModes.join(" or ")}` }).default("insert"),
        ...settings,
    })
    .superRefine((given, context) => {
        for (const name of Object.keys(settings) as Setting[]) {
            if (given[name] === undefined || settingsOf[given.mode].includes(name)) continue;
            const modes = streamModes.filter((mode) => settingsOf[mode].includes(name)).join(" or ");
            const message = `has no meaning in the mode ${given.mode}: it belongs to ${modes}`;
            context.addIssue({ code: "custom", path: [name], message });
        }
    })
    .transform((given): Mode => {
        switch (given.mode) {
            case "insert":
                return { name: "insert" };
            case "append":
                return { name: "append", rewritten: given.rewritten ?? "refuse", copies: given.copies ?? "skip" };
            case "upsert":
                return {
                    ...{ name: "upsert", keepsHistory: given.history ?? false },
                    version: given.version ?? null,
                    deleteWhen: given.deleteWhen ?? null,
                };
            case "snapshot":
                return {
                    ...{ name: "snapshot", by: given.by ?? [] },
                    maxRejects: given.maxRejects ?? none,
                    maxRemoved: given.maxRemoved ?? fifth,
                };
        }
    });
