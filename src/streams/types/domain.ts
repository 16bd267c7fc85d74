/** A domain: the rule of its base type, then its own CHECKs. Its NOT NULL is for the caller, who knows whether there is a value. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { literal } from "../render/sql-text.ts";
import { mayRaise } from "./may-raise.ts";
import { isValid, type TypeRule } from "./type-rule.ts";

/** A value that breaks a CHECK is rejected by its name. */
export function domainRule(column: CatalogType, base: TypeRule): TypeRule {
    const { type, domains } = column;
    const names = domains.flatMap(({ checks }) => checks.map(({ name }) => name));
    const cast = (value: string) => `${base.cast(value)}::${type}`;
    if (names.length === 0) return { ...base, cast };
    const fault = (value: string) => `ingest.input_fault(${value}, ${literal(type)})`;
    // Only what the cheap question refuses is asked why: to try a value costs forty times as much.
    const asked = (value: string) =>
        mayRaise(column) ? fault(value) : `case when not ${isValid(value, type)} then ${fault(value)} end`;
    return {
        ...base,
        cast,
        loader: { ...base.loader, plainEnd: null, plainSecond: undefined },
        reasons: [...new Set([...base.reasons, ...names])],
        reason: (value) => `coalesce(${base.reason(value)}, ${asked(base.input(value))})`,
    };
}
