/** How numbers are written, in SQL. */

/** `1.50`, `.5`, `-3e10`; not NaN, Infinity, 0x1F or 1_000. */
export const isDecimal = (value: string) => `${value} ~ '^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?$'`;

/**
 * True for every text that Postgres reads as a number and that has a letter other than an exponent's, or an underscore. It asks
 * how the text begins: 0.3 s a million, where a regular expression takes 0.6 to 1.7.
 */
export const mayBeOdd = (value: string) =>
    `(${beginsOddly(value)} or ${value} like '%\\_%' or ${value} collate "C" < '.' and (${beginsOddly(`substr(${value}, 2)`)}))`;

/** With a letter, or with 0 and a letter. */
const beginsOddly = (value: string) => `${value} collate "C" >= 'A' or ${value} collate "C" between '0A' and '0z'`;
