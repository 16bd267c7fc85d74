import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            deriveEventId: { from: "record" },
        },
    ],
});
