/** Texts of any and of limited length. An explicit cast would cut them in silence. */
import type { CatalogColumn, CatalogType } from "../catalog/catalog-table.ts";
import type { ColumnType } from "./column-type.ts";
import { text } from "./text.ts";
import { asText, type TypeRule, typeRule } from "./type-rule.ts";

/** text, and varchar and bpchar of any length. */
export function textRule(type: CatalogType): TypeRule {
    return typeRule({ type: type.baseTypeText, loader: keptOf(type), reasons: [], reason: () => "null::text" });
}

/** Case does not count for equality, but it does for what is stored. */
export function citextRule(type: CatalogType): TypeRule {
    return { ...textRule(type), compared: asText };
}

/** varchar(n), char(n): at most n characters. */
export function varcharRule(type: CatalogType): TypeRule {
    if (type.length === null) return textRule(type);
    const { length } = type;
    return typeRule({
        type: type.baseTypeText,
        loader: keptOf(type),
        reasons: ["too_long"],
        // Characters are counted only where there are bytes enough: to count them costs ten times as much.
        reason: (value) =>
            `case when octet_length(${value}) > ${length} and length(${value}) > ${length} then 'too_long' end`,
    });
}

const mostNameBytes = 63;

/** name: so many bytes. "char": one, those from 128 on as Postgres writes them, `\200`. */
export function byteTextRule(type: CatalogType): TypeRule {
    const isName = type.baseType === "pg_catalog.name";
    const tooLong = (value: string) =>
        isName
            ? `octet_length(${value}) > ${mostNameBytes}`
            : `octet_length(${value}) > 1 and ${value} !~ '^\\\\[23][0-7][0-7]$'`;
    return typeRule({
        type: type.baseTypeText,
        loader: loaderOf(type),
        reasons: ["too_long"],
        reason: (value) => `case when ${tooLong(value)} then 'too_long' end`,
    });
}

/** Without white space at its end, what is too long fails in a COPY too. */
const keptOf = (type: CatalogType): ColumnType => ({ ...loaderOf(type), isKept: true });

function loaderOf(type: CatalogType & Partial<Pick<CatalogColumn, "isDeterministic">>): ColumnType {
    const slices = type.isDeterministic === false ? null : text.slices;
    const most = type.length;
    const long = most === null ? [] : ["x".repeat(most), "x".repeat(most + 1), "é".repeat(most), "🙂".repeat(most + 1)];
    return { ...text, name: type.baseTypeText, slices, samples: [...text.samples, ...long] };
}
