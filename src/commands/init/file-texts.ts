/** The files that `sluice init` writes. Pure. */
import { program } from "../../environment.ts";

/** Valid as it is, and with any of its comments taken away. `inputDir`: null where the default holds. */
export function configText(inputDir: string | null): string {
    const input = inputDir === null ? '// inputDir: "data/input_data",' : `inputDir: ${JSON.stringify(inputDir)},`;
    return `import { defineConfig } from "sluice";

// Uncomment what you want to change: the values below are the defaults. \`${program} config\` shows what is in force.
export default defineConfig({
    settings: {
        // The folder of CSV files.
        ${input}
        // How often to merge: a duration, "continuous", or "available-now" (take what is there, then exit).
        // trigger: "1s",
        // What becomes of a file once it is merged: "keep", "archive" or "delete".
        // afterMerge: "keep",
        // The API and the page.
        // port: 4040,
        // host: "127.0.0.1",
    },
    // Turns the built-in stream of shop events off, once you have streams of your own.
    // streams: { events: false },
    // How the files of the built-in stream are read.
    // sources: [{ match: "*.csv", delimiter: "," }],
});
`;
}

export const environmentText = `# Your PostgreSQL, 15 or later. Without it Sluice runs an embedded one in the data folder.
# DATABASE_URL=postgres://user:password@localhost:5432/database

# Other machines may use the API only with this token: openssl rand -hex 32
# SLUICE_API_TOKEN=
`;

export const ignoreText = `.env
data/
`;
