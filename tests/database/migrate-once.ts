/** One process of several that migrate at once: `bun migrate-once.ts <database URL>`. */
import { parseDatabaseUrl } from "../../src/database/database-target.ts";
import { migrateDatabase } from "../../src/database/migrate.ts";

const result = await migrateDatabase(parseDatabaseUrl(process.argv[2]!), { log: () => {} });
process.stdout.write(JSON.stringify(result));
