/** Advice repeats the flags that name the database: without them the command would be about another one. */
import { expect, test } from "bun:test";
import { databaseFlags } from "../../src/environment.ts";

test.each([
    [["rejects"], ""],
    [["ingest", "--data-dir", "data/own", "--json"], " --data-dir data/own"],
    [["--data-dir=my data"], " --data-dir 'my data'"],
    [["status", "--database-url", "postgres://ann:secret@db/shop"], " --database-url …"],
])("%j is repeated as %j", (argv, repeated) => {
    expect(databaseFlags(argv)).toBe(repeated);
});
