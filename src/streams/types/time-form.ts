/** How times are written, as regular expressions of Postgres. 24:00:00 and :60 are not: it would carry them over. */
export const dateForm = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
export const timeForm = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?";
/** Z, UTC, +02, +0200, +02:00, and +02:00:00 as Postgres writes old ones. It would read +02:0004 as two hours and four minutes. */
export const offsetForm = " ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2}|:[0-9]{2}:[0-9]{2})?)";

/** Decimals of a second that a type has unless it says so. */
export const mostDecimals = 6;

/** SQL: whether a well-formed time has more decimals than that, other than zeros. Postgres would round them. */
export const hasMoreDecimals = (value: string, decimals: number | null) =>
    `${value} ~ '\\.[0-9]{${decimals ?? mostDecimals}}[0-9]*[1-9]'`;
