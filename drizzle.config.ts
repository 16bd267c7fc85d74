import { defineConfig } from "drizzle-kit";

/** `bun run db:generate` diffs these schemas against drizzle/meta and writes the next migration. */
export default defineConfig({
    dialect: "postgresql",
    schema: ["./src/database/schema.ts", "./src/shop/schema.ts"],
    out: "./drizzle",
    schemaFilter: ["public", "ingest"],
    // Must match migrate.ts, or the command line and the program would keep two journals.
    migrations: { schema: "ingest", table: "migrations" },
    strict: true,
});
