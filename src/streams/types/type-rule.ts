/** What a stream knows of a column's type: how its texts are checked, cast and written, and what the loader does with them. */
import { literal } from "../render/sql-text.ts";
import type { ColumnType } from "./column-type.ts";

/**
 * A text is accepted when Postgres reads it and what is stored says what the text said: nothing is rounded, cut, or dropped.
 * `value` is a column or a call, so that a cast can follow it.
 */
export interface TypeRule {
    /**
     * SQL: null, or a reason without the column's name, for a trimmed text that is not null. One expression without a subquery,
     * so that the planner inlines it; casts stand behind CASE.
     */
    reason(value: string): string;
    /** All that `reason` can give. */
    reasons: readonly string[];
    /** SQL: the typed value of a text that passed. */
    cast(value: string): string;
    /** SQL: the text that makes the stored value again. */
    text(value: string): string;
    /** SQL: what tells two values apart by `is distinct from`: the value, or its text where `=` is missing or says too much. */
    compared(value: string): string;
    loader: ColumnType;
    /** SQL: the text that Postgres reads, where a file may have another form; else `value` itself. */
    input(value: string): string;
}

type Given = Pick<TypeRule, "reason" | "reasons" | "loader"> & Partial<TypeRule> & { type: string };

/** With what holds for most types. */
export function typeRule({ type, ...rule }: Given): TypeRule {
    return {
        cast: (value) => `${value}::${type}`,
        text: asText,
        compared: (value) => value,
        input: (value) => value,
        ...rule,
    };
}

export const asText = (value: string) => `${value}::text`;

/** The loader's part of a type whose texts it leaves to the merge. */
export function anyText(name: string, samples: readonly string[]): ColumnType {
    return { name, plainEnd: null, telltale: null, writtenAs: null, slices: null, typed: null, samples };
}

/** `type` as format_type writes it. */
export function isValid(value: string, type: string): string {
    return `ingest.input_is_valid(${value}, ${literal(type)})`;
}

/** The same for types whose input may raise. Some four microseconds a value. */
export function isTaken(value: string, type: string): string {
    return `ingest.input_fault(${value}, ${literal(type)}) is null`;
}
