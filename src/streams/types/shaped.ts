/** Types whose texts have a shape of their own: what the regular expression lets through and Postgres reads is stored as it is. */
import type { CatalogType } from "../catalog/catalog-table.ts";
import { anyText, asText, isValid, type TypeRule, typeRule } from "./type-rule.ts";

interface Shape {
    /** A regular expression of Postgres. */
    form: string;
    samples: readonly string[];
    /** What `=` compares is less than the value: areas, numbers of points. */
    isComparedAsText?: true;
    /** A condition over a text that Postgres reads, where the form does not decide. */
    keeps?: (value: string) => string;
}

const octet = "(0|[1-9][0-9]{0,2})";
const ipv4 = `${octet}(\\.${octet}){3}`;
const ipv6 = `[0-9A-Fa-f:]*(::|:[0-9A-Fa-f]+|:${ipv4})`;
/** Postgres reads 10.1 as the network 10.1.0.0/16, 010 as ten, ::.1 as ::0.1.0.0, and ::1:/64 as ::1/64. */
const address = { form: `^(${ipv4}|${ipv6})(/(0|[1-9][0-9]{0,2}))?$` };
const hex = "[0-9A-Fa-f]";

/** All separators alike, or none. */
function hardware(groups: readonly [size: number, count: number, separators: string][], digits: number): string {
    const forms = groups.map(([size, count, separators]) =>
        [...separators].map((separator) => {
            const group = `${hex}{${size}}`;
            return `${group}(${separator === "." ? "\\." : separator}${group}){${count - 1}}`;
        }),
    );
    return `^(${[...forms.flat(), `${hex}{${digits}}`].join("|")})$`;
}

/** Numbers and punctuation: no NaN, Infinity, 0x1p3. */
const geometric = { form: "^[][0-9eE+.,(){}<> -]+$", isComparedAsText: true } as const;

const shapes: Record<string, Shape> = {
    bytea: { form: "^\\\\x[0-9A-Fa-f]*$", samples: ["\\x", "\\xdeadBEEF", "\\x0", "\\xzz", "abc", "\\000"] },
    inet: { ...address, samples: ["192.168.0.1", "10.0.0.1/8", "::1", "2001:db8::1/64", "10/8", "010.0.0.1"] },
    cidr: { ...address, samples: ["10.0.0.0/8", "192.168.0.1", "2001:db8::/32", "10", "10.1.1.1/8"] },
    macaddr: {
        form: hardware(
            [
                [2, 6, ":-"],
                [6, 2, ":-"],
                [4, 3, ".-"],
            ],
            12,
        ),
        samples: [
            "08:00:2b:01:02:03",
            "08-00-2B-01-02-03",
            "0800.2b01.0203",
            "08002b010203",
            "8:0:2b:1:2:3",
            "0x8:0:0:0:0:0",
        ],
    },
    macaddr8: {
        form: hardware(
            [
                [2, 8, ":-"],
                [4, 4, ".-"],
            ],
            16,
        ),
        samples: ["08:00:2b:01:02:03:04:05", "08002b0102030405", "08:00:2b:01:02:03"],
    },
    point: { ...geometric, samples: ["(1,2)", "1.5,-2e3", "(NaN,1)", "(1,2"] },
    lseg: { ...geometric, samples: ["[(0,0),(1,1)]", "0,0,1,1"] },
    box: { ...geometric, samples: ["(1,1),(0,0)", "((0,0),(1,1))", "0,0,1,1"] },
    path: { ...geometric, samples: ["[(0,0),(1,1)]", "((0,0),(1,1))"] },
    polygon: { ...geometric, samples: ["((0,0),(1,1),(1,0))", "(0,0)"] },
    circle: { ...geometric, samples: ["<(0,0),1>", "<(0,0),-1>", "((0,0),5)"] },
    // Two points would be made into A, B, C, and rounded.
    line: { form: "^\\{[0-9eE+., -]+\\}$", isComparedAsText: true, samples: ["{1,-1,0}", "{0,0,1}", "[(0,0),(1,1)]"] },
    pg_lsn: { form: `^${hex}{1,8}/${hex}{1,8}$`, samples: ["0/0", "16/B374D848", "16", "g/1"] },
    // Since PostgreSQL 16 one with a zero before it is octal.
    oid: {
        form: "^[0-9]+$",
        keeps: (value) => `${value}::oid::text = regexp_replace(${value}, '^0+(?=.)', '')`,
        samples: ["0", "0101", "0x1F", "4294967295", "4294967296", "-1"],
    },
};

export function shapedRule({ baseType, baseTypeText: type }: CatalogType): TypeRule | null {
    const shape = shapes[baseType.replace("pg_catalog.", "")];
    if (!shape) return null;
    return typeRule({
        type,
        loader: anyText(type, shape.samples),
        reasons: ["invalid"],
        ...(shape.isComparedAsText ? { compared: asText } : {}),
        reason: (value) =>
            `case when (case when ${value} ~ '${shape.form}' and ${isValid(value, type)} then ${shape.keeps?.(value) ?? "true"} end) is not true then 'invalid' end`,
    });
}
